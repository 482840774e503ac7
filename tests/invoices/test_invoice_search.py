"""GET /invoices/search over a whole server."""

from typing import Any

import pytest

from world import IVA, Reply, World
from worlds import founded, shared_world

__all__ = ["founded", "shared_world"]


@pytest.fixture(scope="module")
def sales(shared_world: World) -> tuple[World, list[dict[str, Any]]]:
    """Three invoices, of which the last is credited in part."""
    shop = shared_world
    line = {"description": "Reparación de bicicletas", "unit_price": 50, "taxes": [IVA]}
    client = {
        "legal_name": "XOCHILT CASAS CHAVEZ",
        "tax_id": "CACX7605101P8",
        "tax_system": "605",
        "address": {"zip": "36257"},
    }
    found = [
        shop.issue(100),
        shop.api.post("/invoices/income", {"client": {**client, "email": "xochilt@casas.example"}, "items": [line], "use": "S01"}).data,
        shop.issue(300, payment_method="PPD"),
    ]  # fmt: skip
    assert shop.credit([found[2]["uuid"]], 10).status == 201
    return shop, found


def uuids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.json
    return [row["uuid"] for row in reply.data]


def test_the_reply_is_the_search_envelope_over_listed_objects(sales: tuple[World, list[dict[str, Any]]]) -> None:
    world, issued = sales

    reply = world.api.get("/invoices/search?q=bicicletas")

    assert {name: value for name, value in reply.json.items() if name != "data"} == {
        "success": True, "message": "Invoices retrieved successfully", "found": 1, "page": 1, "per_page": 10,
        "has_more": False, "next": None, "total_results": 1,
    }  # fmt: skip
    assert reply.data == world.api.get(f"/invoices/income?client_id={issued[1]['client']['id']}").data


def test_uuid_folio_client_and_lines_find_a_document(sales: tuple[World, list[dict[str, Any]]]) -> None:
    world, issued = sales
    one = issued[1]
    folio = f"{one['series']}{one['folio_number']}"

    for query in (
        one["uuid"], one["uuid"].upper(), one["uuid"][:8], folio, f"{one['series']}-{one['folio_number']}",
        "CACX7605101P8", "cacx76", "xochilt", "xochitl casas", "xochilt@casas.example", "reparacion bicicletas",
    ):  # fmt: skip
        assert uuids(world.api.get(f"/invoices/search?q={query}"))[:1] == [one["uuid"]], query


def test_filters_narrow_and_words_of_states_are_those_of_lists(sales: tuple[World, list[dict[str, Any]]]) -> None:
    world, issued = sales
    first, second, third = (one["uuid"] for one in issued)
    egress = world.api.get("/invoices/search?q=universidad&invoice_type=e").data[0]

    def found(query: str) -> set[str]:  # among those of the fixture: other tests may have sold more by then
        return set(uuids(world.api.get(f"/invoices/search?q={query}"))) & {first, second, third, egress["uuid"]}

    assert egress["invoice_type"] == "E"
    assert found("universidad") == {first, third, egress["uuid"]}
    assert found("universidad&invoice_type=I") == {first, third}
    assert found("universidad&status=unpaid") == {third}
    assert found("universidad&status=paid&invoice_type=I") == {first}
    assert found("universidad&status=vigente") == {first, third, egress["uuid"]}
    assert found(f"de&client_id={issued[1]['client']['id']}") == {second}
    assert found("universidad&currency=USD") == set()
    assert found("universidad&currency=mxn") == {first, third, egress["uuid"]}
    assert found(f"universidad&created[gt]={world.clock.now_ms()}") == set()


def test_a_canceled_document_changes_its_state(sales: tuple[World, list[dict[str, Any]]]) -> None:
    world, _ = sales
    small = world.issue(1, metadata={"n": 1})
    assert world.api.delete(f"/invoices/{small['uuid']}", {"motive": "02"}).status in (200, 202)

    canceled = world.api.get(f"/invoices/search?q={small['uuid']}&status=cancelled")
    valid = world.api.get(f"/invoices/search?q={small['uuid']}&status=valid")

    assert (uuids(canceled), uuids(valid)) == ([small["uuid"]], [])


@pytest.mark.parametrize("api", ["rival", "live"])
def test_modes_and_teams_are_apart(sales: tuple[World, list[dict[str, Any]]], api: str) -> None:
    world, issued = sales

    for query in ("universidad", issued[0]["uuid"]):
        assert uuids(getattr(world, api).get(f"/invoices/search?q={query}")) == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("q=a&status=lost", "status"),
        ("q=a&invoice_type=X", "invoice_type"),
        ("q=a&client_id=a%00b", "client_id"),
        ("q=a&fields=tax_id", "fields"),
    ],
)
def test_bad_filters_are_refused(sales: tuple[World, list[dict[str, Any]]], query: str, path: str) -> None:
    reply = sales[0].api.get(f"/invoices/search?{query}")

    assert (reply.status, reply.error_code) == (400, "invalid_field_value")
    assert [row["path"] for row in reply.error["fields"]] == [path]


def test_the_background_takes_in_what_nobody_searched_for(sales: tuple[World, list[dict[str, Any]]]) -> None:
    world, _ = sales
    world.issue(7)
    assert world.rows("search_marks") > 0

    world.run(world.house.search.take_all_in())

    assert world.rows("search_marks") == 0
