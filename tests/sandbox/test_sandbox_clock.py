"""The fiscal clock of a team: documents, deadlines, certificates and due work go by it; the rest does not."""

from datetime import datetime
from typing import Any

import pytest

from timbra.cfdi.zones import CENTRAL, instant_of
from world import DAY_MS, HOUR_MS, NOON, NOON_MS, Reply, World

CLOCK = "/sandbox/clock"
NOON_S = NOON_MS // 1000


def move(world: World, **to: Any) -> Reply:
    return world.api.post(CLOCK, to)


def at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text), CENTRAL) // 1000


def test_documents_are_dated_by_it(world: World) -> None:
    move(world, advance_seconds=72 * 3600)

    invoice = world.issue(100)

    now_s = NOON_S + 72 * 3600
    assert (invoice["date"], invoice["created_at"], invoice["stamp"]["stamp_at"]) == (now_s * 1000, now_s, now_s)
    root = world.root(invoice["uuid"])
    assert root.get("Fecha") == "2026-10-12T12:00:00"
    assert root.find(".//{*}TimbreFiscalDigital").get("FechaTimbrado") == "2026-10-12T12:00:00"  # type: ignore[union-attr]
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_live_mode_and_other_teams_keep_the_time(world: World) -> None:
    move(world, advance_seconds=3600)

    assert world.rival.get("/sandbox").data["clock"] == {"now": NOON_S, "local": NOON, "ahead_seconds": 0}
    live = world.live.post("/invoices/income", world.sale(100))
    assert live.status in (400, 503)
    issued = world.query("select max(issued_ms) from invoices where livemode")[0][0]
    assert issued in (None, NOON_MS)


@pytest.mark.parametrize(
    ("to", "local"),
    [
        ({"advance_seconds": 1}, "2026-10-09T12:00:01"),
        ({"advance_seconds": 72 * 3600}, "2026-10-12T12:00:00"),
        ({"working_days": 3}, "2026-10-14T12:00:00"),
        ({"month_end": True}, "2026-10-31T23:59:00"),
        ({"to": "2026-12-24T18:30:00"}, "2026-12-24T18:30:00"),
        ({"to": at("2027-02-28T23:59:59")}, "2027-02-28T23:59:59"),
    ],
)
def test_where_to(world: World, to: dict[str, Any], local: str) -> None:
    reply = move(world, **to)

    assert (reply.status, reply.message) == (200, "Clock moved successfully")
    assert reply.data["clock"] == {"now": at(local), "local": local, "ahead_seconds": at(local) - NOON_S}
    assert world.api.get("/sandbox").data["clock"]["local"] == local


def test_month_ends_follow_one_another(world: World) -> None:
    ends = [move(world, month_end=True).data["clock"]["local"] for _ in range(5)]

    assert ends == [f"{day}T23:59:00" for day in ("2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28")]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ("to", "required")),
        ({"advance_seconds": 1, "working_days": 1}, ("to", "required")),
        ({"advance_seconds": 0}, ("advance_seconds", "min")),
        ({"advance_seconds": -5}, ("advance_seconds", "min")),
        ({"advance_seconds": 10**12}, ("advance_seconds", "max")),
        ({"working_days": 0}, ("working_days", "min")),
        ({"to": NOON_S}, ("to", "min")),
        ({"to": NOON_S - 1}, ("to", "min")),
        ({"to": "2020-01-01"}, ("to", "min")),
        ({"to": "2099-01-01"}, ("to", "min")),
        ({"month_end": "yes"}, ("month_end", "type")),
    ],
)
def test_where_not_to(world: World, body: Any, path: tuple[str, str]) -> None:
    with world.unchanged():
        reply = world.api.post(CLOCK, body)

    assert (reply.status, reply.paths) == (400, [path])
    assert world.rows("team_clocks") == 0


def test_the_72_hours_of_a_document_are_counted_by_it(world: World) -> None:
    world.api.call("PUT", "/sandbox", {"pacs": {name: {"behaviour": "down"} for name in ("sandbox", "sandbox_backup")}})
    waiting = world.api.post("/invoices/income", world.sale(100)).error["invoice"]["id"]

    moved = move(world, advance_seconds=60 * 3600)
    assert (moved.data["done"]["stamped"], moved.data["done"]["alarms"]) == (1, 2)
    move(world, advance_seconds=13 * 3600)
    world.api.delete("/sandbox", {})
    move(world, advance_seconds=600)

    invoice = world.api.get(f"/invoices/income/{waiting}").data
    # Sealed again with a new date: nobody had it, and the old one had become too old for a stamp.
    assert (invoice["status"], invoice["folio_number"]) == ("valid", 1)
    assert NOON_MS + 73 * HOUR_MS <= invoice["date"] <= NOON_MS + 74 * HOUR_MS
    alarms = world.query("select detail from stamp_attempts where call = 'alarm' order by number")
    assert alarms == [("pending for 24 hours",), ("pending for 60 hours",)]


def test_silence_is_consent_after_three_working_days(world: World) -> None:
    world.api.call("PUT", "/sandbox", {"receiver": {"behaviour": "silent"}})
    uuid = world.issue(5_000)["uuid"]
    asked = world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).data["cancellation"]
    assert asked["expires_at"] == at("2026-10-14T12:00:00")

    move(world, advance_seconds=72 * 3600)
    assert world.show(uuid)["cancellation_status"] == "pending"
    done = move(world, working_days=2).data["done"]

    assert done["cancellations"] == 1
    shown = world.show(uuid)
    assert (shown["status"], shown["cancellation_status"]) == ("canceled", "expired")
    assert shown["cancellation"]["cancelled_at"] == at("2026-10-14T12:00:00")
    assert world.events()[-1] == ("invoice.canceled", uuid)


def test_the_schedule_serves_teams_that_are_ahead_by_their_own_clock(world: World) -> None:
    move(world, advance_seconds=30 * 86_400)
    uuid = world.issue(100, metadata={"sandbox_cancel": "accepted"})["uuid"]
    world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
    other = world.api.get(f"/invoices/income/{uuid}").data
    assert other["cancellation_status"] == "pending"

    world.clock.advance(120_000)
    world.run(world.house.due.run("cancellations"))

    assert world.show(uuid)["cancellation_status"] == "accepted"


def test_certificates_end_by_it(world: World) -> None:
    ends_s = world.query("select not_after_ms from csds where livemode = :l and team_id = :t", l=False, t=world.team_id)
    last_ms = ends_s[0][0]

    warned = move(world, to=(last_ms - 6 * DAY_MS) // 1000)
    assert warned.data["done"]["certificates"] == 1
    assert world.events(of="teams.")[-1][0] == "teams.sat.expiring"
    move(world, to=last_ms // 1000 + 86_400)
    refused = world.api.post("/invoices/income", world.sale(100))

    assert (refused.status, refused.error_code) == (400, "business_rule_violation")
    assert "is not valid today" in refused.message


def test_what_belongs_to_the_server_keeps_its_time(world: World) -> None:
    move(world, advance_seconds=3 * 365 * 86_400)
    uuid = world.issue(100)["uuid"]

    link = world.api.get(f"/invoices/{uuid}/files")

    assert link.data["expires_at"] == NOON_S + 7 * 86_400
    assert world.api.get(link.data["xml"], authorization="").status == 200
    assert world.api.get("/api-keys").status == 200
    again = [world.api.post("/clients", {"name": "Ana"}, idempotency_key="k") for _ in range(2)]
    assert again[0].data["id"] == again[1].data["id"]


def test_a_restart_keeps_it(world: World) -> None:
    move(world, advance_seconds=3600)

    world.restart()

    assert world.api.get("/sandbox").data["clock"]["ahead_seconds"] == 3600
    assert world.actions() == []
    assert world.query("select action from audit_log where action like 'sandbox%'") == [("sandbox.clock",)]


def test_a_live_key_has_no_clock(world: World) -> None:
    reply = world.live.post(CLOCK, {"advance_seconds": 60})

    assert (reply.status, reply.error_code) == (404, "resource_not_found")
    assert world.rows("team_clocks") == 0
