"""POST /receipts/{id}/stamp over a whole server: to whom, for how much, and what a refusal leaves."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from receipts.test_create import COFFEE, NOON_S, sale, sold
from world import CFDI, HOUR_MS, NOON_MS, Reply, World

CECILIA = {
    "legal_name": "CECILIA MIRANDA SANCHEZ", "tax_id": "MISC491214B86", "tax_system": "612", "zip": "01010",
}  # fmt: skip


def stamp(world: World, receipt: dict[str, Any], body: Any = None, **headers: str) -> Reply:
    return world.api.post(f"/receipts/{receipt['id']}/stamp", {} if body is None else body, **headers)


def shown(world: World, receipt: dict[str, Any]) -> dict[str, Any]:
    return dict(world.api.get(f"/receipts/{receipt['id']}").data)


def to_university(world: World, **fields: Any) -> dict[str, Any]:
    return dict(sold(world, client={"id": world.university()}, **fields).data)


def test_an_empty_body_stamps_to_the_client(world: World) -> None:
    receipt = to_university(world, payment_form="04", metadata={"ticket": "7"})

    reply = stamp(world, receipt)

    assert (reply.status, reply.message) == (200, "Receipt stamped successfully")
    invoice = reply.data
    picked = ("invoice_type", "status", "from", "subtotal", "taxes", "total", "payment_form", "payment_method")
    assert [invoice[name] for name in picked] == ["I", "valid", "receipt", 100, 16, 116, "04", "PUE"]
    assert (invoice["receipts"], invoice["receipt_id"], invoice["metadata"]) == (
        [receipt["id"]], receipt["id"], {"ticket": "7"},
    )  # fmt: skip
    assert invoice["id"] == invoice["uuid"]
    assert world.verdict(world.xml(invoice["uuid"])).valid
    done = shown(world, receipt)
    assert (done["status"], done["invoice_id"], done["invoices"], done["invoiced_as"], done["invoiced_at"]) == (
        "completed", invoice["uuid"], [invoice["uuid"]], "client", NOON_S,
    )  # fmt: skip
    assert done["files"]["xml"].startswith("https://cfdi.example.com/v2/files/xml_inv_")
    assert world.api.get(f"/receipts?invoice_id={invoice['uuid'].upper()}").data[0]["id"] == receipt["id"]
    assert [one for one in world.events(of="") if one[0].startswith(("receipt.", "invoice."))] == [
        ("receipt.created", receipt["id"]), ("invoice.created", invoice["uuid"]), ("receipt.completed", receipt["id"]),
    ]  # fmt: skip
    audited = world.query("select action from audit_log where resource_id = :r order by seq", r=receipt["id"])
    assert audited == [("receipt.create",), ("receipt.stamp",)]


def test_data_of_the_buyer_go_onto_the_cfdi_and_the_client(world: World) -> None:
    receipt = sold(world).data

    lacking = stamp(world, receipt)
    reply = stamp(world, receipt, {"fiscal_information": {**CECILIA, "use": "S01", "email": "cecilia@example.com"}})

    assert (lacking.status, lacking.error_code) == (400, "missing_required_field")
    assert ("client.legal_name", "required") in lacking.paths
    assert reply.status == 200, reply.json
    assert (reply.data["client"]["tax_id"], reply.data["use"]) == ("MISC491214B86", "S01")
    client = world.api.get(f"/clients/{receipt['client']['id']}").data
    assert [client[name] for name in ("legal_name", "tax_id", "tax_system", "use", "email")] == [
        "CECILIA MIRANDA SANCHEZ", "MISC491214B86", "612", "S01", "cecilia@example.com",
    ]  # fmt: skip
    assert (client["address"]["zip"], client["name"]) == ("01010", "Ana Ruiz")


def test_incomplete_data_of_the_buyer_are_refused(world: World) -> None:
    receipt = to_university(world)

    with world.unchanged():
        reply = stamp(world, receipt, {"fiscal_information": {"tax_id": "MISC491214B86"}})

    assert (reply.status, reply.error_code) == (400, "missing_required_field")
    assert {path for path, _ in reply.paths} == {
        "fiscal_information.legal_name", "fiscal_information.tax_system", "fiscal_information.zip",
    }  # fmt: skip


def test_a_refusal_leaves_the_receipt_open_and_the_client_as_it_was(world: World) -> None:
    receipt = sold(world).data
    wrong = {**CECILIA, "legal_name": "OTRO NOMBRE"}

    reply = stamp(world, receipt, {"fiscal_information": wrong})

    assert (reply.status, reply.error_code) == (422, "cfdi_service_error")
    left = shown(world, receipt)
    assert (left["status"], left["invoice_id"], left["invoices"]) == ("pending", None, [])
    error = left["automatic_invoice_error"]
    assert (error["code"], error["cfdi"]["code"], error["at"]) == ("cfdi_service_error", "CFDI40145", NOON_S)
    assert world.api.get(f"/clients/{receipt['client']['id']}").data["legal_name"] is None
    assert world.events(of="receipt.")[-1] == ("receipt.updated", receipt["id"])
    assert stamp(world, receipt, {"fiscal_information": CECILIA}).status == 200
    assert shown(world, receipt)["automatic_invoice_error"] is None


def test_the_general_public_gets_the_node_of_the_period(world: World) -> None:
    receipt = sold(world, periodicity="two_weeks").data
    clients = world.rows("clients")

    reply = stamp(world, receipt, {"stamp_to": "general_public_national"})

    assert reply.status == 200, reply.json
    assert reply.data["global"] == {"periodicity": "03", "months": "10", "year": 2026}
    client = reply.data["client"]
    assert [client[name] for name in ("id", "legal_name", "tax_id", "tax_system", "use")] == [
        None, "PUBLICO EN GENERAL", "XAXX010101000", "616", "S01",
    ]  # fmt: skip
    assert world.verdict(world.xml(reply.data["uuid"])).valid
    assert shown(world, receipt)["invoiced_as"] == "general_public"
    assert world.rows("clients") == clients


def test_foreigners_get_no_global_node(world: World) -> None:
    receipt = sold(world, currency="USD", exchange_rate="18.5").data

    reply = stamp(world, receipt, {"stamp_to": "general_public_foreign"})

    assert reply.status == 200, reply.json
    receiver = world.root(reply.data["uuid"]).find(f"{CFDI}Receptor")
    assert receiver is not None
    assert (receiver.get("Rfc"), receiver.get("Nombre")) == ("XEXX010101000", "CLIENTE EXTRANJERO")
    assert (reply.data["global"], reply.data["currency"], reply.data["exchange_rate"]) == (None, "USD", Decimal("18.5"))


def test_a_stamped_receipt_is_stamped_no_more(world: World) -> None:
    receipt = to_university(world)
    uuid = stamp(world, receipt).data["uuid"]

    again = stamp(world, receipt)
    gone = world.api.delete(f"/receipts/{receipt['id']}")

    assert (again.status, again.error_code, again.details) == (400, "business_rule_violation", [f"invoice_id: {uuid}"])
    assert (gone.status, gone.error_code) == (400, "business_rule_violation")
    assert world.api.post(f"/receipts/{receipt['id']}/reopen").status == 400


def test_a_canceled_receipt_is_not_stamped(world: World) -> None:
    receipt = to_university(world)
    world.api.delete(f"/receipts/{receipt['id']}")

    assert (stamp(world, receipt).status, world.folios()[1]) == (400, [])


def test_a_receipt_opens_again_when_its_cfdi_is_canceled(world: World) -> None:
    receipt = to_university(world)
    first = stamp(world, receipt).data["uuid"]
    world.clock.advance(32 * 24 * HOUR_MS)
    canceled = world.api.delete(f"/invoices/{first}", {"motive": "02"})
    assert canceled.data["status"] == "canceled", canceled.json
    assert shown(world, receipt)["status"] == "completed"

    reply = world.api.post(f"/receipts/{receipt['id']}/reopen", {"reason": "cancelada"})

    assert (reply.status, reply.message) == (200, "Receipt reopened successfully")
    opened = reply.data
    assert (opened["status"], opened["invoice_id"], opened["invoices"], opened["invoiced_as"]) == (
        "pending", None, [first], None,
    )  # fmt: skip
    assert opened["valid_until"] == 1_796_104_799  # 2026-11-30 23:59:59 in Mexico City
    assert stamp(world, receipt).status == 200
    assert len(shown(world, receipt)["invoices"]) == 2


def test_series_and_number_of_the_receipt_are_the_cfdis(world: World) -> None:
    receipt = to_university(world, invoice_config={"serie": "TKT", "folio": 12})

    invoice = stamp(world, receipt).data

    assert (invoice["series"], invoice["folio_number"]) == ("TKT", 12)
    assert receipt["invoice_config"] == {"serie": "TKT", "folio": 12}


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"stamp_to": "nobody"}, "stamp_to", "enum"),
        ({"date": NOON_MS + 1_000}, "date", "max"),
        ({"date": NOON_MS - 72 * HOUR_MS}, "date", "min"),
        ({"use": "Q99"}, "use", "not_in_catalog"),
        ({"fiscal_information": {**CECILIA, "tax_id": "X"}}, "fiscal_information.tax_id", "format"),
    ],
)
def test_a_bad_body_stamps_nothing(shared_world: World, body: dict[str, Any], path: str, code: str) -> None:
    receipt = to_university(shared_world)

    with shared_world.unchanged():
        reply = stamp(shared_world, receipt, body)

    assert (reply.status, path in [where for where, _ in reply.paths]) == (400, True), reply.json
    assert shown(shared_world, receipt) == receipt
    assert code


def test_of_many_calls_one_stamps(world: World) -> None:
    receipt = to_university(world)

    calls = [world.api.later("POST", f"/receipts/{receipt['id']}/stamp", {}) for _ in range(8)]
    replies = world.together(calls)

    assert sorted(reply.status for reply in replies).count(200) == 1
    assert {reply.status for reply in replies} <= {200, 400, 409}
    assert len(world.folios()[1]) == 1
    assert shown(world, receipt)["status"] == "completed"


def test_a_repeat_with_its_key_gets_the_same_reply(world: World) -> None:
    receipt = to_university(world)

    first = stamp(world, receipt, {}, idempotency_key="k-1")
    again = stamp(world, receipt, {}, idempotency_key="k-1")

    assert (first.status, again.status, again.json) == (200, 200, first.json)
    assert again.header("idempotent-replayed") == "true"


def test_an_accepted_document_holds_the_receipt(world: World) -> None:
    receipt = to_university(world)

    accepted = stamp(world, receipt, {"async": True})
    again = stamp(world, receipt)
    gone = world.api.delete(f"/receipts/{receipt['id']}")

    assert (accepted.status, accepted.message) == (202, "Invoice accepted for stamping")
    assert accepted.data["receipt_id"] == receipt["id"]
    assert [(r.status, r.error_code, r.header("retry-after")) for r in (again, gone)] == [
        (409, "resource_conflict", "5"), (409, "resource_conflict", "5"),
    ]  # fmt: skip
    assert shown(world, receipt)["status"] == "pending"


def test_an_outage_is_told_and_ends_by_itself(world: World) -> None:
    receipt = to_university(world, metadata={"sandbox": "pac_down"})

    reply = stamp(world, receipt)

    assert (reply.status, reply.error_code) == (503, "service_unavailable")
    left = shown(world, receipt)
    assert (left["status"], left["automatic_invoice_error"]["code"]) == ("pending", "service_unavailable")
    assert stamp(world, receipt).status == 409
    world.sweep(after_s=61)
    done = shown(world, receipt)
    assert (done["status"], done["automatic_invoice_error"]) == ("completed", None)
    assert len(world.folios()[1]) == 1


def test_the_worker_completes_what_was_accepted(world: World) -> None:
    receipt = sold(world).data
    accepted = stamp(world, receipt, {"async": True, "fiscal_information": CECILIA})
    assert accepted.status == 202, accepted.json

    world.sweep(after_s=10)

    done = shown(world, receipt)
    assert (done["status"], done["invoiced_as"]) == ("completed", "client")
    assert world.api.get(f"/clients/{receipt['client']['id']}").data["tax_id"] == "MISC491214B86"


@pytest.mark.parametrize("point", ["issue.before_tx1", "issue.after_tx1", "stamp.before_tx2", "stamp.after_tx2"])
def test_a_death_on_the_way_leaves_one_document(world: World, point: str) -> None:
    receipt = to_university(world)

    world.die_at(point, lambda: stamp(world, receipt, {}, idempotency_key="k-1"))
    world.restart()
    world.clock.advance(61_000)
    reply = stamp(world, receipt, {}, idempotency_key="k-1")

    assert reply.status == 200, reply.json
    assert (reply.message, reply.data["receipt_id"]) == ("Receipt stamped successfully", receipt["id"])
    assert len(world.folios()[1]) == 1
    assert shown(world, receipt)["invoice_id"] == reply.data["uuid"]


@pytest.mark.parametrize(
    ("refunded", "items"),
    [
        (1, [COFFEE]),
        (3_333, [COFFEE, {**COFFEE, "unit_price": "33.33", "quantity": 3}]),
        (10_001, [{**COFFEE, "unit_price": "99.99", "taxes": [{**COFFEE["taxes"][0], "inclusive": False}]}, COFFEE]),
        (5_000, [{**COFFEE, "discount": "7.77"}, {"description": "Libro", "unit_price": "10.01", "taxes": []}]),
    ],
)
def test_the_cfdi_is_for_what_was_not_given_back(world: World, refunded: int, items: list[dict[str, Any]]) -> None:
    receipt = to_university(world, items=items)
    world.database.write_sync(
        lambda tx: tx.execute(text("update receipts set total_refunded = :r"), {"r": refunded * 10_000})
    )

    invoice = stamp(world, receipt).data

    assert invoice["total"] == receipt["total"] - Decimal(refunded) / 100
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_local_taxes_of_the_team_are_part_of_the_sale(world: World) -> None:
    world.settings(local_taxes=[{"name": "ISH", "rate": Decimal("0.03"), "withholding": False}])
    receipt = to_university(world)

    invoice = stamp(world, receipt).data

    assert (receipt["subtotal"], receipt["taxes"], receipt["total"]) == (100, 19, 119)
    assert (invoice["subtotal"], invoice["taxes"], invoice["total"]) == (100, 19, 119)


def test_nothing_is_left_of_a_full_refund(world: World) -> None:
    receipt = to_university(world)
    world.database.write_sync(lambda tx: tx.execute(text("update receipts set total_refunded = total")))

    reply = stamp(world, receipt)

    assert (reply.status, reply.error_code, world.folios()[1]) == (400, "business_rule_violation", [])


def test_what_others_sell_is_not_stamped(world: World) -> None:
    receipt = to_university(world)

    for api in (world.rival, world.live):
        assert api.post(f"/receipts/{receipt['id']}/stamp", {}).status == 404
    assert world.live.post("/receipts", sale()).status == 201
