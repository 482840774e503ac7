"""Series and counters (contract teams.md section 6)."""

from typing import Any

import pytest

from factories.accounts import actions, execute, untouched
from world import NOON_MS, World

NOON = NOON_MS // 1000


@pytest.fixture
def path(world: World) -> str:
    return f"/teams/{world.team_id}/series"


def test_create_and_list(world: World, path: str) -> None:
    made = world.api.post(path, {"series": "NC", "test": 3})

    assert (made.status, made.message) == (201, "Series created successfully")
    assert made.data == {"id": "NC", "series": "NC", "live": 0, "test": 3, "created_at": NOON}
    listed = world.live.get(path)
    assert [one["series"] for one in listed.data] == ["A", "E", "NC", "P"]
    assert (listed.json["next"], listed.json["has_more"], listed.json["total_results"]) == (None, False, 4)
    assert actions(world, "series.") == [("series.create", "NC")]


def test_letter_case_counts(world: World, path: str) -> None:
    assert world.api.post(path, {"series": "a"}).status == 201
    assert [one["series"] for one in world.api.get(path).data] == ["A", "E", "P", "a"]


def test_the_next_document_takes_the_counter_plus_one(world: World, path: str) -> None:
    changed = world.live.call("PUT", f"{path}/A", {"test": "40"})

    assert (changed.message, changed.data["test"]) == ("Series updated successfully", 40)
    assert world.issue()["folio_number"] == 41
    assert actions(world, "series.") == [("series.update", "A")]


def test_a_given_back_number_is_forgotten_when_the_counter_is_set(world: World, path: str) -> None:
    sql = "insert into released_folios (team_id, livemode, series, folio) values (:t, :l, 'A', 2)"

    world.api.call("PUT", f"{path}/A", {"test": 5})
    execute(world, sql, t=world.team_id, l=False)

    world.api.call("PUT", f"{path}/A", {"test": 9})

    assert world.issue()["folio_number"] == 10


def test_the_counter_stays_above_what_is_used(world: World, path: str) -> None:
    world.issue()
    world.issue()

    with untouched(world):
        reply = world.api.call("PUT", f"{path}/A", {"test": 1})
    assert (reply.status, reply.error_code, reply.paths) == (400, "business_rule_violation", [("test", "min")])
    assert world.api.call("PUT", f"{path}/A", {"test": 2}).status == 200
    assert world.api.call("PUT", f"{path}/A", {"live": 7, "test": 8}).data["live"] == 7
    assert world.api.call("PUT", f"{path}/A", {"live": 0}).data["live"] == 0


def test_the_same_counter_changes_nothing(world: World, path: str) -> None:
    with untouched(world):
        assert world.api.call("PUT", f"{path}/A", {"test": 0}).status == 200


@pytest.mark.parametrize(
    ("body", "code", "paths"),
    [
        ({}, "missing_required_field", [("series", "required")]),
        ({"series": "a b"}, "invalid_field_value", [("series", "format")]),
        ({"series": "A" * 26}, "invalid_field_value", [("series", "max_length")]),
        ({"series": "Z", "live": -1}, "invalid_field_value", [("live", "min")]),
        ({"series": "Z", "live": 1_000_000_000}, "invalid_field_value", [("live", "max")]),
        ({"series": "Z", "test": 1.5}, "invalid_field_value", [("test", "type")]),
    ],
)
def test_create_refuses(world: World, path: str, body: Any, code: str, paths: list[tuple[str, str]]) -> None:
    with untouched(world):
        reply = world.api.post(path, body)

    assert (reply.status, reply.error_code, reply.paths) == (400, code, paths)


def test_existing_and_unknown_series(world: World, path: str) -> None:
    with untouched(world):
        twice = world.api.post(path, {"series": "A"})
        unknown = world.api.call("PUT", f"{path}/ZZ", {"live": 1})
        empty = world.api.call("PUT", f"{path}/A", {})

    assert (twice.status, twice.error_code) == (409, "resource_already_exists")
    assert (unknown.status, unknown.error_code) == (404, "resource_not_found")
    assert (empty.status, empty.error_code) == (400, "missing_required_field")
