"""List parameters, cursors and pages, against a real table."""

import json
from urllib.parse import quote

import pytest

from timbra.http.errors import Invalid
from timbra.http.pagination import MAX_CURSOR, Cursors, Place
from timbra.platform.scope import TeamScope

pytestmark = pytest.mark.anyio
START_MS = 1_791_504_000_000
START_S = START_MS // 1000


async def ids(world, query: str = "") -> list[str]:
    reply = await world.api.get(f"/v2/notes?{query}")
    assert reply.status_code == 200, reply.text
    return [row["id"] for row in reply.json()["data"]]


async def problems(world, query: str) -> list[str]:
    reply = await world.api.get(f"/v2/notes?{query}")
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["code"] == "invalid_field_value"
    return reply.json()["error"]["details"]


def fill(world, count: int) -> None:
    for number in range(count):
        world.add_note(id=f"note_{number:03}", created_at=START_MS + 1000 * (number // 2), name=f"n{number % 3}")


async def test_empty_list(world) -> None:
    assert (await world.api.get("/v2/notes")).json() == {
        "success": True,
        "message": "Notes retrieved successfully",
        "data": [],
        "next": None,
        "has_more": False,
        "total_results": 0,
    }


async def test_default_is_ten_newest_first(world) -> None:
    fill(world, 12)
    reply = (await world.api.get("/v2/notes")).json()

    assert [row["id"] for row in reply["data"]] == [f"note_{n:03}" for n in range(11, 1, -1)]
    assert (reply["has_more"], reply["total_results"]) == (True, 12)
    assert isinstance(reply["next"], str)


@pytest.mark.parametrize("query", ["", "sort=asc", "order_by=name", "order_by=name&sort=ASC"])
@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_cursors_walk_through_every_row_once(world, query: str, limit: int) -> None:
    fill(world, 15)
    everything = await ids(world, f"{query}&limit=100")
    seen, following = [], None
    while True:
        more = f"&next={following}" if following else ""
        reply = (await world.api.get(f"/v2/notes?{query}&limit={limit}{more}")).json()
        assert reply["total_results"] == 15
        seen += [row["id"] for row in reply["data"]]
        following = reply["next"]
        assert reply["has_more"] is (following is not None)
        if following is None:
            break

    assert seen == everything
    assert len(set(seen)) == 15


async def test_rows_created_meanwhile_neither_repeat_nor_hide_others(world) -> None:
    fill(world, 6)
    first = (await world.api.get("/v2/notes?limit=3")).json()
    world.add_note(id="note_new", created_at=START_MS + 10**6)

    assert await ids(world, f"limit=3&next={first['next']}") == ["note_002", "note_001", "note_000"]


async def test_cursor_carries_order_and_sort_and_has_three_names(world) -> None:
    fill(world, 6)
    first = (await world.api.get("/v2/notes?limit=2&order_by=name&sort=asc")).json()

    for name in ("next", "starting_after", "cursor"):
        assert await ids(world, f"limit=2&{name}={first['next']}") == ["note_001", "note_004"]


async def test_order_or_sort_that_disagrees_with_the_cursor_is_refused(world) -> None:
    fill(world, 6)
    following = (await world.api.get("/v2/notes?limit=2&order_by=name&sort=asc")).json()["next"]

    for other in ("order_by=timestamp", "sort=desc"):
        assert await problems(world, f"next={following}&{other}") == ["next: is not a cursor of this list"]
    assert await ids(world, f"limit=1&next={following}&order_by=name&sort=asc") == ["note_001"]


async def test_forged_and_foreign_cursors_are_refused(world) -> None:
    fill(world, 6)
    following = (await world.api.get("/v2/notes?limit=2")).json()["next"]
    other = "B" if following[0] == "A" else "A"
    bad = ["x", following[:-1], other + following[1:], following + "A", "%00", "ñ", "A" * 600]

    for text in bad:
        assert await problems(world, f"next={quote(text, safe='%')}") == ["next: is not a cursor of this list"]
    reply = await world.api.get(f"/v2/notes?next={following}&team=team_OTHER")
    assert reply.json()["error"]["details"] == ["next: is not a cursor of this list"]
    reply = await world.api.get(f"/v2/notes?cursor={following}", headers={"Authorization": "live"})
    assert reply.json()["error"]["details"] == ["cursor: is not a cursor of this list"]


async def test_page_is_ignored_with_a_cursor(world) -> None:
    fill(world, 6)
    following = (await world.api.get("/v2/notes?limit=2")).json()["next"]

    assert await ids(world, "limit=2&page=3") == ["note_001", "note_000"]
    assert await ids(world, f"limit=2&page=3&next={following}") == ["note_003", "note_002"]


async def test_page_gives_a_next_that_goes_on(world) -> None:
    fill(world, 6)
    second = (await world.api.get("/v2/notes?limit=2&page=2")).json()

    assert await ids(world, f"limit=2&next={second['next']}") == ["note_001", "note_000"]


async def test_every_bad_parameter_is_reported(world) -> None:
    query = "limit=0&page=0&order_by=price&sort=up&created[gte]=soon&created_lt=-1&status=lost"

    found = await problems(world, query)

    assert [line.split(":")[0] for line in found] == [
        "limit", "page", "order_by", "sort", "created[gte]", "created_lt", "status",
    ]  # fmt: skip


@pytest.mark.parametrize("limit", ["101", "-1", "1.5", "ten", "1e1"])
async def test_limit_outside_1_to_100(world, limit: str) -> None:
    assert len(await problems(world, f"limit={limit}")) == 1


async def test_unknown_parameters_and_empty_values_are_ignored(world) -> None:
    fill(world, 1)

    assert await ids(world, "payment_method=PUE&limit=&status=&next=&team=&created[gte]=") == ["note_000"]


async def test_seconds_stand_for_the_whole_second(world) -> None:
    for at in (START_MS - 1, START_MS, START_MS + 500, START_MS + 999, START_MS + 1000):
        world.add_note(id=f"at_{at - START_MS}", created_at=at)

    assert await ids(world, f"created[gte]={START_S}&sort=asc") == ["at_0", "at_500", "at_999", "at_1000"]
    assert await ids(world, f"created[gt]={START_S}") == ["at_1000"]
    assert await ids(world, f"created[lte]={START_S}&sort=asc") == ["at_-1", "at_0", "at_500", "at_999"]
    assert await ids(world, f"created[lt]={START_S}") == ["at_-1"]


async def test_milliseconds_are_exact_and_bounds_combine(world) -> None:
    for at in (START_MS, START_MS + 500, START_MS + 999):
        world.add_note(id=f"at_{at - START_MS}", created_at=at)

    assert await ids(world, f"created_gte={START_MS + 500}") == ["at_999", "at_500"]
    assert await ids(world, f"created_gt={START_MS}&created_lte={START_MS + 500}") == ["at_500"]
    assert await ids(world, f"created_gte={START_S}&created[gt]={START_MS + 500}") == ["at_999"]


async def test_metadata_filters_compare_the_text_form(world) -> None:
    stored = {"order": "A-1", "paid": True, "off": False, "sum": 12.5, "n": 7, "list": [1], "none": None, 'q"x': "y"}
    world.add_note(id="with", metadata=json.dumps(stored))
    world.add_note(id="without")

    for query in (
        "metadata.order=A-1", "metadata_order=A-1", "metadata[order]=A-1", "metadata.paid=true", "metadata.off=false",
        "metadata.sum=12.5", "metadata.n=7", "metadata.order=A-1&metadata.n=7", "metadata.q%22x=y",
    ):  # fmt: skip
        assert await ids(world, query) == ["with"], query
    for query in ("metadata.order=a-1", "metadata.paid=1", "metadata.list=[1]", "metadata.none=null", "metadata.x=1"):
        assert await ids(world, query) == [], query


async def test_more_than_ten_metadata_filters_are_refused(world) -> None:
    assert await problems(world, "&".join(f"metadata.k{n}=1" for n in range(11))) == ["metadata: at most 10 filters"]


async def test_status_accepts_both_spellings(world) -> None:
    world.add_note(id="gone", status="canceled")

    for spelling in ("canceled", "cancelled", "CANCELLED"):
        assert await ids(world, f"status={spelling}") == ["gone"]
    assert await ids(world, "status=open") == []


def test_cursor_of_the_longest_order_value_fits() -> None:
    cursors = Cursors(b"k" * 32)
    place = Place("name", True, ("é" * 60, "client_" + "0" * 26))
    text = cursors.encode("/v2/clients", TeamScope("team_1", True), place)

    assert len(text) <= MAX_CURSOR
    assert cursors.decode(text, "/v2/clients", TeamScope("team_1", True)) == place


def test_cursor_of_another_key_path_team_or_mode_is_refused() -> None:
    text = Cursors(b"k" * 32).encode("/a", TeamScope("t", True), Place("timestamp", True, (1, "x")))

    for cursors, path, scope in (
        (Cursors(b"j" * 32), "/a", TeamScope("t", True)),
        (Cursors(b"k" * 32), "/b", TeamScope("t", True)),
        (Cursors(b"k" * 32), "/a", TeamScope("u", True)),
        (Cursors(b"k" * 32), "/a", TeamScope("t", False)),
    ):
        with pytest.raises(Invalid):
            cursors.decode(text, path, scope)
