"""Two machines sold on credit, paid in three instalments in pesos and dollars, one of them written down wrong."""

from decimal import Decimal
from typing import Any

from crash.invariants import violations
from world import DAY_MS, NOON_MS, World

PAGOS = "{http://www.sat.gob.mx/Pagos20}"


def owed(world: World, uuid: str) -> tuple[Any, Any]:
    shown = world.show(uuid)
    return shown["last_balance"], shown["installments"]


def test_a_sale_on_credit_paid_in_three_instalments_and_two_currencies(world: World) -> None:
    # March: a lathe in dollars and its installation in pesos, both on credit.
    lathe = world.issue(8_620.69, currency="USD", exchange_rate=17.25, payment_method="PPD")["uuid"]
    works = world.issue(21_551.72, payment_method="PPD")["uuid"]
    assert (owed(world, lathe), owed(world, works)) == ((10_000, 0), (25_000, 0))

    # April: a transfer of 35,000 pesos. The bank's dollar is at 17.50: 1,000 dollars of the lathe, half of the works.
    world.clock.advance(5 * DAY_MS)
    first = world.api.post(
        "/invoices/payment",
        {
            "payment_form": "03", "currency": "MXN", "amount": 35_000, "operation_number": "SPEI 900112",
            "invoices": [
                {"invoice": lathe, "amount": 1_000, "exchange_rate": 17.5}, {"invoice": works, "amount": 12_500},
            ],
        },
    )  # fmt: skip
    assert (first.status, first.data["total"], first.data["payment_complement"]["unapplied"]) == (201, 35_000, 5_000)
    dollars, pesos = first.data["payment_complement"]["documents"]
    assert (dollars["equivalence"], pesos["equivalence"]) == (Decimal("0.0571428571"), 1)
    root = world.root(first.data["uuid"])
    assert [one.get("EquivalenciaDR") for one in root.iter(f"{PAGOS}DoctoRelacionado")] == [
        "0.0571428571",
        "1.0000000000",
    ]
    assert (owed(world, lathe), owed(world, works)) == ((9_000, 1), (12_500, 1))

    # May: 3,000 dollars arrive, and somebody writes 5,000.
    world.clock.advance(5 * DAY_MS)
    wrong = world.pay((lathe, 5_000), exchange_rate=17.8, date=(NOON_MS + 9 * DAY_MS) // 1000)
    assert (wrong.status, owed(world, lathe)) == (201, (4_000, 2))

    # The next day it is noticed: a right one takes its place, and the wrong one is canceled with motive 01.
    world.clock.advance(DAY_MS)
    right = world.pay(
        (lathe, 3_000), exchange_rate=17.8, date=(NOON_MS + 9 * DAY_MS) // 1000,
        related_documents=[{"relationship": "04", "documents": [wrong.data["uuid"]]}],
    )  # fmt: skip
    (again,) = right.data["payment_complement"]["documents"]
    assert (again["installment"], again["previous_balance"], again["remaining_balance"]) == (2, 9_000, 6_000)
    canceled = world.api.delete(
        f"/invoices/{wrong.data['uuid']}", {"motive": "01", "substitution_uuid": right.data["uuid"]}
    )
    assert (canceled.data["status"], owed(world, lathe)) == ("canceled", (6_000, 2))

    # June: the rest of both, in one transfer of dollars at 18.
    world.clock.advance(20 * DAY_MS)
    last = world.pay(lathe, works, currency="USD", exchange_rate=18)
    assert (last.status, last.data["total"]) == (201, Decimal("6694.44")), last.json
    assert [row["installment"] for row in last.data["payment_complement"]["documents"]] == [3, 2]
    assert (owed(world, lathe), owed(world, works)) == ((0, 3), (0, 2))

    # Everything closes: the taxes of all complements in force are those of the invoices, and SAT would agree.
    for uuid, base in ((lathe, Decimal("8620.69")), (works, Decimal("21551.72"))):
        complements = world.api.get(f"/invoices/payment?invoice_id={uuid}&status=valid").data
        rows = [row for one in complements for row in one["payment_complement"]["documents"] if row["uuid"] == uuid]
        assert sum(row["paid_amount"] for row in rows) == world.show(uuid)["total"]
        taxes = [tax for row in rows for tax in row["taxes"]]
        assert (sum(tax["base"] for tax in taxes), sum(tax["amount"] for tax in taxes)) == (
            base,
            base * Decimal("0.16"),
        )
        for one in complements:
            assert world.verdict(world.xml(one["uuid"])).valid
    assert world.api.get("/invoices/income?status=unpaid").data == []
    assert world.api.delete(f"/invoices/{lathe}", {"motive": "02"}).error_code == "business_rule_violation"
    told = [type_ for type_, _ in world.events()]
    assert (told.count("invoice.created"), told.count("invoice.canceled")) == (6, 1)
    assert violations(world.database) == []
