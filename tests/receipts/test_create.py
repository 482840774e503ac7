"""POST, GET and lists of receipts over a whole server."""

from decimal import Decimal
from typing import Any

import pytest

from world import IVA, NOON_MS, Reply, World

NOON_S = NOON_MS // 1000
END_OF_OCTOBER_S = 1_793_512_799  # 2026-10-31 23:59:59 in Mexico City
COFFEE = {"description": "Café", "quantity": 2, "unit_price": 58, "taxes": [{**IVA, "inclusive": True}]}
ANA = {"email": "ana@example.com", "name": "Ana Ruiz", "search": {"on_key": "email", "auto_create": True}}


def sale(**fields: Any) -> dict[str, Any]:
    return {"client": ANA, "items": [COFFEE], **fields}


def sold(world: World, **fields: Any) -> Reply:
    return world.api.post("/receipts", sale(**fields))


def test_a_receipt_is_shown_as_it_was_sold(world: World) -> None:
    reply = sold(world, payment_form="04", metadata={"ticket": "T-556"})

    assert (reply.status, reply.message) == (201, "Receipt created successfully")
    data = reply.data
    key = data["url"].partition("&k=")[2]
    assert data["client"] == world.api.get(f"/clients/{data['client']['id']}").data
    assert data["items"][0]["id"].startswith("item_")
    assert {**data, "client": None, "items": None} == {
        "id": data["id"], "client": None, "status": "pending", "currency": "MXN", "exchange_rate": 1, "subtotal": 100,
        "discount": 0, "taxes": 16, "withholding_taxes": 0, "total": 116, "total_refunded": 0, "payment_form": "04",
        "periodicity": "month", "items": None, "created_at": NOON_S, "created": NOON_S,
        "valid_until": END_OF_OCTOBER_S, "validUntil": END_OF_OCTOBER_S,
        "url": f"https://cfdi.example.com/autofactura?id={data['id']}&k={key}",
        "short_url": f"https://cfdi.example.com/r/{key[:16]}", "payments": [], "invoices": [], "invoice_id": None,
        "invoiced_at": None, "invoiced_as": None, "invoice_config": None, "automatic_invoice_error": None,
        "reinvoice": None, "files": {"pdf": None, "xml": None}, "idempotency_key": None, "metadata": {"ticket": "T-556"},
        "emails": [], "livemode": False, "team": world.team_id, "owner": data["owner"], "from": "api",
    }  # fmt: skip
    item = data["items"][0]
    assert {name: item[name] for name in ("description", "quantity", "unit_price", "taxability", "subtotal", "total")} == {
        "description": "Café", "quantity": 2, "unit_price": 58, "taxability": "02", "subtotal": 100, "total": 116,
    }  # fmt: skip
    assert item["taxes"] == [{**IVA, "rate": Decimal("0.16"), "inclusive": True, "base": 100, "amount": 16}]
    assert world.api.get(f"/receipts/{data['id']}").data == data
    assert world.events(of="receipt.") == [("receipt.created", data["id"])]
    assert world.event_bodies("receipt.created") == [data]


def test_no_folio_is_taken_and_no_pac_asked(world: World) -> None:
    before = world.folios()

    assert sold(world).status == 201
    assert (world.folios(), world.attempts()) == (before, [])


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"items": []}, "items", "min_items"),
        ({"items": [{**COFFEE, "unit_price": 0}]}, "items[0].unit_price", "CFDI40166"),
        ({"items": [{**COFFEE, "discount": 116}]}, "items", "min"),
        ({"items": [{**COFFEE, "product_key": "99999999"}]}, "items[0].product_key", "not_in_catalog"),
        ({"items": [{**COFFEE, "discount": 117}]}, "items[0].discount", "CFDI40169"),
        ({"currency": "USD"}, "exchange_rate", "required"),
        ({"currency": "QQQ"}, "currency", "not_in_catalog"),
        ({"payment_form": "99"}, "payment_form", "not_allowed"),
        ({"payment_form": "98"}, "payment_form", "not_in_catalog"),
        ({"periodicity": "year"}, "periodicity", "enum"),
        ({"periodicity": "two_months"}, "periodicity", "not_allowed"),
        ({"valid_until": NOON_S}, "valid_until", "min"),
        ({"valid_until": END_OF_OCTOBER_S + 1}, "valid_until", "max"),
        ({"client": {}}, "client", "required"),
        ({"client": {"id": "client_none"}}, "client.id", "not_found"),
        ({"items": [{**COFFEE, "id": "service_none"}]}, "items[0].id", "not_found"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_kept(
    shared_world: World, fields: dict[str, Any], path: str, code: str
) -> None:
    receipts = shared_world.rows("receipts")

    reply = sold(shared_world, **fields)

    assert (reply.status, (path, code) in reply.paths) == (404 if code == "not_found" else 400, True), reply.json
    assert shared_world.rows("receipts") == receipts


def test_the_id_of_a_stored_line_names_no_service(shared_world: World) -> None:
    item = sold(shared_world).data["items"][0]

    again = sold(shared_world, items=[item])

    assert again.status == 201
    assert again.data["total"] == 116
    assert again.data["items"][0]["id"] != item["id"]


def test_own_time_is_kept_within_the_period(shared_world: World) -> None:
    reply = sold(shared_world, valid_until="2026-10-20T18:00:00")

    assert reply.data["valid_until"] == NOON_S + 11 * 86_400 + 6 * 3_600


def test_a_body_key_means_one_receipt_for_ever(world: World) -> None:
    first = sold(world, idempotency_key="pos-1")
    again = world.together([world.api.later("POST", "/receipts", sale(idempotency_key="pos-1")) for _ in range(4)])
    other = sold(world, idempotency_key="pos-1", payment_form="03")

    assert {reply.data["id"] for reply in again} == {first.data["id"]}
    assert {reply.header("idempotent-replayed") for reply in again} == {"true"}
    assert (other.status, other.error_code) == (409, "resource_conflict")
    assert world.rows("receipts") == 1

    world.clock.advance(31 * 86_400_000)
    world.run(world.house._forget_keys())
    late = sold(world, idempotency_key="pos-1")
    assert (late.status, late.data["id"]) == (200, first.data["id"])
    assert world.rows("receipts") == 1


def test_simultaneous_calls_of_one_key_make_one_receipt(world: World) -> None:
    replies = world.together([world.api.later("POST", "/receipts", sale(idempotency_key="pos-9")) for _ in range(8)])

    assert world.rows("receipts") == 1
    assert {reply.status for reply in replies} <= {201, 409}


def test_lists_filter(world: World) -> None:
    cash = sold(world, payment_form="01", metadata={"ticket": "1"}).data
    card = sold(world, payment_form="04", currency="USD", exchange_rate=20, periodicity="week").data
    world.api.delete(f"/receipts/{card['id']}")

    def found(query: str) -> list[str]:
        reply = world.api.get(f"/receipts?{query}")
        assert reply.status == 200, reply.json
        return [row["id"] for row in reply.data]

    assert found("") == [card["id"], cash["id"]]
    assert found("status=open") == [cash["id"]]
    assert found("status=cancelled") == [card["id"]]
    assert found("payment_form=04") == [card["id"]]
    assert found("currency=usd") == [card["id"]]
    assert found("periodicity=week") == [card["id"]]
    assert found("metadata.ticket=1") == [cash["id"]]
    assert found(f"client_id={cash['client']['id']}&sort=asc") == [cash["id"], card["id"]]
    assert found("invoice_id=00000000-0000-4000-8000-000000000000") == []
    assert world.api.get("/receipts?status=lost").status == 400


def test_receipts_are_searched(world: World) -> None:
    receipt = sold(world, metadata={"ticket": "T-556", "nested": {"a": 1}}, idempotency_key="pos-77").data
    sold(world, client={"name": "Otro Comprador"}, items=[{**COFFEE, "description": "Pan"}])

    for query in ("Ana", "ruis", "café", "T-556", "T556", "pos-77", receipt["id"], "ana@example.com"):
        reply = world.api.get(f"/receipts/search?q={query}")
        assert [row["id"] for row in reply.data] == [receipt["id"]], query
        assert reply.data == [receipt]
    assert world.api.get("/receipts/search?q=ana&status=completed").json["found"] == 0
    world.api.delete(f"/receipts/{receipt['id']}")
    assert world.api.get("/receipts/search?q=ana&status=canceled").json["found"] == 1


def test_a_receipt_is_not_updated(shared_world: World) -> None:
    receipt = sold(shared_world).data

    assert shared_world.api.call("PUT", f"/receipts/{receipt['id']}", {}).status == 405


def test_a_receipt_is_a_document_of_its_team(world: World) -> None:
    def has_documents() -> bool:
        return world.database.read_sync(lambda tx: world.house.teams.has_documents(tx, world.team_id))

    before = has_documents()
    assert sold(world).status == 201

    assert (before, has_documents()) == (False, True)
