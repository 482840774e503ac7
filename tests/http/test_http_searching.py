"""Every search there is, over a whole server: the envelope, and that teams and modes are apart."""

import pytest

from timbra.platform import tenancy
from timbra.platform.search import marks
from world import World
from worlds import founded, shared_world

__all__ = ["founded", "shared_world"]

MESSAGES = {
    "clients": "Clients retrieved successfully",
    "invoices": "Invoices retrieved successfully",
    "payments": "Payments retrieved successfully",
    "receipts": "Receipts retrieved successfully",
}


@pytest.mark.parametrize("area", MESSAGES)
def test_nothing_found_is_an_empty_page(shared_world: World, area: str) -> None:
    reply = shared_world.api.get(f"/{area}/search?q=nobodyhasthisname&limit=5&page=2&sort=asc&order_by=name")

    assert (reply.status, reply.json) == (200, {
        "success": True, "message": MESSAGES[area], "data": [], "found": 0, "page": 2, "per_page": 5,
        "has_more": False, "next": None, "total_results": 0,
    })  # fmt: skip


@pytest.mark.parametrize("area", MESSAGES)
def test_a_search_asks_for_something(shared_world: World, area: str) -> None:
    reply = shared_world.api.get(f"/{area}/search")

    assert (reply.status, reply.error_code, reply.details) == (
        400, "missing_required_field", ["q: is required: what is searched for"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("area", "status"),
    [("payments", "paid"), ("payments", "cancelled"), ("receipts", "invoiced"), ("receipts", "open")],
)
def test_states_have_the_words_of_lists(shared_world: World, area: str, status: str) -> None:
    assert shared_world.api.get(f"/{area}/search?q=a&status={status}&client_id=x&currency=mxn").status == 200
    assert shared_world.api.get(f"/{area}/search?q=a&status=lost").status == 400


@pytest.mark.parametrize("area", MESSAGES)
def test_other_methods_are_refused(shared_world: World, area: str) -> None:
    assert shared_world.api.post(f"/{area}/search", {}).status == 405


@pytest.mark.parametrize("area", MESSAGES)
def test_a_key_needs_the_scope(shared_world: World, area: str) -> None:
    other = "services:read"
    made = shared_world.api.post("/api-keys", {"name": f"no {area}", "scopes": [other]})
    assert made.status == 201, made.json

    reply = type(shared_world.api)(shared_world, made.data["token"]).get(f"/{area}/search?q=a")

    assert (reply.status, reply.error_code) == (403, "insufficient_permissions")


def test_a_mark_of_another_team_is_refused(shared_world: World) -> None:
    foreign = shared_world.scope

    with tenancy.acting_for(shared_world.founded.rival_id), pytest.raises(tenancy.ForeignStatement):
        shared_world.database.write_sync(lambda tx: marks.changed(tx, foreign, "client", ["client_1"]))


def test_the_index_of_a_team_is_no_other_teams(shared_world: World) -> None:
    world = shared_world
    world.client(legal_name="SECRETO INDUSTRIAL", tax_id="XIA190128J61")
    assert world.api.get("/clients/search?q=secreto").json["found"] == 1

    for api in (world.rival, world.live):
        assert api.get("/clients/search?q=secreto").json["found"] == 0
    assert world.rival.get(f"/clients/search?q=secreto&team={world.team_id}").status == 404
