"""The end of a team: refused with documents, scheduled for 30 days, then for good (contract teams.md section 5)."""

import dataclasses

from factories.accounts import actions, branch, execute, person, untouched
from timbra.teams import remove
from world import DAY_MS, NOON_MS, World


def test_scheduled_for_thirty_days(world: World) -> None:
    norte = branch(world)
    owner = world.api.get(f"/teams/{norte}").data["owner"]

    reply = world.api.delete(f"/teams/{norte}")

    assert (reply.status, reply.message) == (200, "Team scheduled for deletion")
    removal = {"date": NOON_MS + 30 * DAY_MS, "flagged_at": NOON_MS, "flagged_by": owner}
    assert reply.data == {"id": norte, "status": "pending_deletion", "scheduled_deletion": removal}
    assert world.api.get(f"/teams/{norte}").data["scheduled_deletion"] == removal
    assert actions(world, "team.delete") == [("team.delete", norte)]


def test_members_lose_the_team_and_the_last_team_the_account(world: World) -> None:
    norte = branch(world)
    only = person(world, "solo@kemper.mx")
    both = person(world, "dos@kemper.mx", auto_join=True)
    for user in (only, both):
        world.api.post(f"/teams/{norte}/add-member", {"id": user, "role": "editor"})

    world.api.delete(f"/teams/{norte}")

    assert world.api.get(f"/users/{only}").status == 404
    assert [team["team_id"] for team in world.api.get(f"/users/{both}").data["teams"]] == [world.team_id]
    again = world.api.post("/users", {"email": "solo@kemper.mx"})
    assert again.error_code == "resource_already_exists"


def test_refused_with_documents_or_integrations(world: World) -> None:
    norte = branch(world)
    world.issue()
    house = world.house
    parts = dataclasses.replace(house.teams, connected=lambda _tx, _team: ("stripe", "zapier", "bank"))

    with untouched(world):
        documents = world.api.delete(f"/teams/{world.team_id}")
    assert (documents.status, documents.error_code) == (400, "business_rule_violation")

    object.__setattr__(house.teams, "connected", parts.connected)
    with untouched(world):
        connected = world.api.delete(f"/teams/{norte}")
    assert (connected.error_code, connected.details) == ("business_rule_violation", ["stripe", "bank"])


def test_unknown_and_twice(world: World) -> None:
    norte = branch(world)
    world.api.delete(f"/teams/{norte}")

    with untouched(world):
        twice = world.api.delete(f"/teams/{norte}")
        unknown = world.api.delete("/teams/team_01K9ZB7M5T2R8C4X6N1Q3V0WYE")

    assert (twice.status, twice.error_code) == (409, "resource_conflict")
    assert (unknown.status, unknown.error_code) == (404, "resource_not_found")


def test_gone_for_good_on_its_day(world: World) -> None:
    norte = branch(world)
    world.api.post(f"/clients?team={norte}", {"name": "Sol"})
    world.api.post(f"/services?team={norte}", {"description": "x", "unit_price": 1})
    home = world.query("select count(*) from clients where team_id = :t", t=world.team_id)
    world.api.delete(f"/teams/{norte}")

    world.clock.advance(30 * DAY_MS - 1)
    assert world.run(remove.remove_due(world.house.teams)) == 0
    world.clock.advance(1)
    assert world.run(remove.remove_due(world.house.teams)) == 1

    assert world.api.get(f"/teams/{norte}").status == 404
    for table in ("clients", "services", "series", "api_keys", "memberships", "events", "idempotency_records"):
        assert world.query(f"select count(*) from {table} where team_id = :t", t=norte) == [(0,)], table
    assert world.query("select count(*) from clients where team_id = :t", t=world.team_id) == home
    rows = world.query("select action, outcome from audit_log where team_id = :t order by seq", t=norte)
    assert rows[-2:] == [("team.delete", "done"), ("team.delete", "removed")]


def test_a_team_with_documents_outlives_its_day(world: World) -> None:
    world.issue()
    sql = (
        "update teams set status = 'pending_deletion', removal_ms = 1, flagged_ms = 1, flagged_by = 'u' where id = :id"
    )
    execute(world, sql, id=world.team_id)

    assert world.run(remove.remove_due(world.house.teams)) == 0
    assert world.rows("invoices") == 1
