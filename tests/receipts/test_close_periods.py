"""The end of a period: receipts expire and become global invoices (contract receipts.md section 8)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from receipts.test_create import COFFEE, sold
from receipts.test_stamp import CECILIA, shown, stamp, to_university
from timbra.cfdi.model import Line, LineTax, Micro, Rate, Tax
from timbra.cfdi.money import half_up
from timbra.cfdi.totals import compute
from timbra.receipts.close_periods import close_periods
from timbra.receipts.global_lines import met
from world import CFDI, DAY_MS, HOUR_MS, IVA, MINUTE_MS, World

REFUND = text("update receipts set total_refunded = :r where id = :i")
MONTH_END_MS = 22 * DAY_MS + 11 * HOUR_MS + 59 * MINUTE_MS  # from noon of 9 October to 23:59 of the 31st


def close(world: World, after_ms: int = 0) -> int:
    world.clock.advance(after_ms)
    return int(world.run(close_periods(world.house.receipts)))


def invoices(world: World) -> list[dict[str, Any]]:
    return list(world.api.get("/invoices/income?sort=asc&limit=100").data)


def set_regime(world: World, regime: str | None) -> None:
    sql = text("update teams set tax_system = :r where id = :t")
    world.database.write_sync(lambda tx: tx.execute(sql, {"r": regime, "t": world.team_id}))


def coffee(price: float | str, **fields: Any) -> list[dict[str, Any]]:
    return [{**COFFEE, "quantity": 1, "unit_price": price, **fields}]


def test_the_month_becomes_one_invoice_of_the_contracts_form(world: World) -> None:
    made = [
        sold(world, items=coffee(price), payment_form=form).data
        for price, form in ((116, "04"), (232, "01"), (58, "04"))
    ]

    assert close(world, MONTH_END_MS - MINUTE_MS) == 0
    assert close(world, MINUTE_MS) == 4

    (invoice,) = invoices(world)
    picked = ("from", "currency", "exchange_rate", "subtotal", "discount", "taxes", "total", "use", "payment_form")
    assert [invoice[name] for name in picked] == ["global", "MXN", 1, 350, 0, 56, 406, "S01", "01"]
    assert (invoice["payment_method"], invoice["global"]) == (
        "PUE", {"periodicity": "04", "months": "10", "year": 2026},
    )  # fmt: skip
    assert invoice["receipts"] == [receipt["id"] for receipt in made]
    client = invoice["client"]
    assert [client[name] for name in ("id", "legal_name", "tax_id", "tax_system", "use")] == [
        None, "PUBLICO EN GENERAL", "XAXX010101000", "616", "S01",
    ]  # fmt: skip
    names = (
        "description",
        "sku",
        "product_key",
        "unit_key",
        "quantity",
        "unit_price",
        "discount",
        "taxability",
        "total",
    )
    assert [[item[name] for name in names] for item in invoice["items"]] == [
        ["Venta", receipt["id"], "01010101", "ACT", 1, receipt["subtotal"], 0, "02", receipt["total"]]
        for receipt in made
    ]
    assert world.verdict(world.xml(invoice["uuid"])).valid
    for receipt in made:
        done = shown(world, receipt)
        assert (done["status"], done["invoiced_as"], done["invoice_id"], done["invoices"]) == (
            "completed", "global", invoice["uuid"], [invoice["uuid"]],
        )  # fmt: skip
    told = [type_ for type_, _ in world.events(of="receipt.")]
    assert told == ["receipt.created"] * 3 + ["receipt.updated"] * 3 + ["receipt.completed"] * 3
    assert close(world) == 0
    assert len(invoices(world)) == 1


def test_what_is_paid_back_stamped_or_canceled_stays_out(world: World) -> None:
    kept, stamped, void = sold(world).data, to_university(world), sold(world).data
    own = stamp(world, stamped).data["uuid"]
    world.api.delete(f"/receipts/{void['id']}")

    close(world, MONTH_END_MS)

    globals_ = [invoice for invoice in invoices(world) if invoice["uuid"] != own]
    assert [invoice["receipts"] for invoice in globals_] == [[kept["id"]]]


def test_a_team_without_global_invoices_lets_its_receipts_expire(world: World) -> None:
    world.settings(global_invoice_disabled=True)
    receipt = sold(world).data

    assert close(world, MONTH_END_MS) == 1
    assert (shown(world, receipt)["status"], invoices(world)) == ("expired", [])

    assert stamp(world, receipt, {"fiscal_information": CECILIA}).status == 200
    again = sold(world).data
    close(world, 31 * DAY_MS)
    assert world.api.post(f"/receipts/{again['id']}/reopen").data["status"] == "pending"


def test_an_early_end_waits_for_its_period(world: World) -> None:
    receipt = sold(world, valid_until="2026-10-20T18:00:00").data

    close(world, 12 * DAY_MS)
    assert (shown(world, receipt)["status"], invoices(world)) == ("expired", [])
    close(world, MONTH_END_MS - 12 * DAY_MS)
    assert shown(world, receipt)["status"] == "completed"


def test_a_day_that_was_missed_is_made_up(world: World) -> None:
    daily, monthly = sold(world, periodicity="day").data, sold(world).data

    assert close(world, 40 * DAY_MS) == 4

    assert [(one["receipts"], one["global"]) for one in invoices(world)] == [
        ([daily["id"]], {"periodicity": "01", "months": "10", "year": 2026}),
        ([monthly["id"]], {"periodicity": "04", "months": "10", "year": 2026}),
    ]


def test_cuts_of_a_month_are_invoices_of_their_own(world: World) -> None:
    world.settings(global_invoicing_monthly_cuts=3)
    first = sold(world).data
    world.clock.advance(2 * DAY_MS)
    second = sold(world).data

    close(world, 40 * DAY_MS)

    assert [(one["receipts"], one["global"]["periodicity"]) for one in invoices(world)] == [
        ([first["id"]], "03"), ([second["id"]], "03"),
    ]  # fmt: skip


def test_one_document_per_receipt_when_the_team_wants_it(world: World) -> None:
    world.settings(invoice_per_receipt=True, force_series="GLOB")
    made = [sold(world).data for _ in range(3)]

    close(world, MONTH_END_MS)

    found = invoices(world)
    assert [(one["receipts"], one["series"], one["global"]["months"]) for one in found] == [
        ([receipt["id"]], "GLOB", "10") for receipt in made
    ]
    assert {shown(world, receipt)["invoiced_as"] for receipt in made} == {"per_receipt"}


def test_other_currencies_are_told_in_pesos(world: World) -> None:
    sold(world, items=coffee(116)), sold(world, items=coffee("11.60"), currency="USD", exchange_rate="18.123456")

    close(world, MONTH_END_MS)

    (invoice,) = invoices(world)
    assert (invoice["currency"], [item["unit_price"] for item in invoice["items"]]) == (
        "MXN", [100, Decimal("181.23456")],
    )  # fmt: skip


def test_dollars_go_to_foreigners_when_the_team_wants_it(world: World) -> None:
    world.settings(use_foreign_public_in_usd=True)
    sold(world, items=coffee(116)), sold(world, items=coffee("11.60"), currency="USD", exchange_rate="18")
    world.clock.advance(HOUR_MS)
    sold(world, items=coffee("23.20"), currency="USD", exchange_rate="18.5")

    close(world, MONTH_END_MS - HOUR_MS)

    pesos, dollars = invoices(world)
    assert (pesos["currency"], pesos["total"]) == ("MXN", 116)
    assert (dollars["currency"], dollars["total"], dollars["exchange_rate"], dollars["global"]) == (
        "USD", Decimal("34.8"), Decimal("18.5"), None,
    )  # fmt: skip
    receiver = world.root(dollars["uuid"]).find(f"{CFDI}Receptor")
    assert receiver is not None
    assert (receiver.get("Rfc"), receiver.get("Nombre")) == ("XEXX010101000", "CLIENTE EXTRANJERO")


def test_a_receipt_has_a_line_for_each_tax_set(world: World) -> None:
    exempt = {"description": "Libro", "unit_price": 50, "taxes": [{"type": "IVA", "factor": "Exento"}]}
    plain = {"description": "Donativo", "unit_price": 5, "taxes": []}
    sold(world, items=[*coffee(116), *coffee(116, discount=58), exempt, plain])

    close(world, MONTH_END_MS)

    (invoice,) = invoices(world)
    assert [(item["unit_price"], item["taxability"]) for item in invoice["items"]] == [
        (150, "02"), (50, "02"), (5, "01"),
    ]  # fmt: skip
    assert invoice["total"] == 229
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_what_was_given_back_is_left_out(world: World) -> None:
    receipt = sold(world, items=coffee(116)).data
    gone = sold(world, items=coffee(116)).data
    for id_, micro in ((receipt["id"], 29_000_000), (gone["id"], 116_000_000)):
        world.database.write_sync(lambda tx, i=id_, m=micro: tx.execute(REFUND, {"r": m, "i": i}))

    close(world, MONTH_END_MS)

    (invoice,) = invoices(world)
    assert (invoice["receipts"], invoice["total"]) == ([receipt["id"]], 87)
    assert shown(world, gone)["status"] == "expired"


def test_a_month_too_long_for_one_document_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.receipts.close_periods.MAX_LINES", 5)
    two_sets = [*coffee(116), {"description": "Donativo", "unit_price": 5, "taxes": []}]
    made = [sold(world, items=two_sets).data["id"] for _ in range(5)]

    close(world, MONTH_END_MS)

    assert [one["receipts"] for one in invoices(world)] == [made[:2], made[2:4], made[4:]]


def test_a_refusal_leaves_the_receipts_expired_and_is_tried_again(world: World) -> None:
    receipt = sold(world).data
    set_regime(world, None)

    assert close(world, MONTH_END_MS) == 1
    left = shown(world, receipt)
    assert (left["status"], left["automatic_invoice_error"]["code"]) == ("expired", "business_rule_violation")
    assert invoices(world) == []

    set_regime(world, "601")
    assert close(world, HOUR_MS) == 1
    assert shown(world, receipt)["automatic_invoice_error"] is None


@pytest.mark.parametrize("point", ["issue.before_tx1", "issue.after_tx1", "stamp.before_tx2", "stamp.after_tx2"])
def test_a_death_on_the_way_leaves_one_global_invoice(world: World, point: str) -> None:
    made = [sold(world).data for _ in range(3)]
    world.clock.advance(MONTH_END_MS)

    world.die_at(point, lambda: world.run(close_periods(world.house.receipts)))
    world.restart()
    world.sweep(after_s=120)
    close(world, HOUR_MS)

    (invoice,) = invoices(world)
    assert (invoice["status"], invoice["receipts"]) == ("valid", [receipt["id"] for receipt in made])
    assert {shown(world, receipt)["invoice_id"] for receipt in made} == {invoice["uuid"]}


def test_two_runs_at_once_make_one_document(world: World) -> None:
    for _ in range(3):
        sold(world)
    world.clock.advance(MONTH_END_MS)

    world.together([close_periods(world.house.receipts) for _ in range(3)])

    assert len(invoices(world)) == 1


def test_each_team_and_mode_has_its_own(world: World) -> None:
    line = {"description": "Pan", "unit_price": 10, "taxes": [IVA]}
    live = world.live.post("/receipts", {"client": {"name": "Ana"}, "items": [line]}).data
    test = sold(world).data

    close(world, MONTH_END_MS)

    assert [one["receipts"] for one in invoices(world)] == [[test["id"]]]
    assert world.live.get(f"/receipts/{live['id']}").data["status"] == "expired"  # no PAC is configured


def test_the_moved_clock_of_a_team_closes_its_month(world: World) -> None:
    receipt = sold(world).data

    moved = world.api.post("/sandbox/clock", {"month_end": True})

    assert moved.status == 200, moved.json
    assert shown(world, receipt)["status"] == "completed"


@given(prices=st.lists(st.integers(1, 99_999), min_size=1, max_size=30))
def test_the_invoice_is_for_exactly_what_was_collected(prices: list[int]) -> None:
    tax = LineTax(Tax.IVA, rate=Rate(160_000))
    nets = [half_up(price * 10_000 * 100, 116) for price in prices]
    lines = [Line("01010101", "ACT", "Venta", Micro(1_000_000), Micro(net), taxes=(tax,)) for net in nets]
    collected = sum(prices) * 10_000

    found = met(lines, collected, 2)

    assert compute(found, decimals=2).total == collected
    moved = [(one.unit_price, net) for one, net in zip(found, nets, strict=True) if one.unit_price != net]
    assert all(abs(price - net) < 20_000 for price, net in moved)
    assert len(moved) <= 1
