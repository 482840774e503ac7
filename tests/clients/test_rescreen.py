"""Clients over the whole server, looked up again after SAT's lists have changed."""

from pathlib import Path
from typing import Any

import pytest

from factories.sat_lists import file_69, file_69b, many, row_69, row_69b
from timbra.clients import rescreen
from timbra.sat_lists import sync
from timbra.sat_lists.look_up import LookUp
from world import HOUR_MS, NOON_MS, PUBLIC, World
from worlds import founded, world

__all__ = ["founded", "world"]

RFC = "AAA080808HL8"
OTHERS = many(3)


def load(world: World, name: str, path: Path) -> None:
    world.run(sync.load_from(world.house.sat_lists, sync.published_of(name), [str(path)]))


def screen(world: World) -> int:
    return int(world.run(rescreen.rescreen(world.database, world.clock, LookUp())))


def told(world: World) -> list[tuple[str, str]]:
    return world.events(of="customer.updated")


def show(world: World, id_: str) -> dict[str, Any]:
    return dict(world.api.get(f"/clients/{id_}").data)


@pytest.fixture
def client(world: World) -> str:
    return world.client(tax_id=RFC, legal_name="ALFA", tax_system="601")


def definitive(folder: Path, *rfcs: str) -> Path:
    return file_69b(folder, [row_69b(rfc, "A") for rfc in (*rfcs, *OTHERS)])


def test_nothing_loaded_is_said_as_null(world: World, client: str) -> None:
    assert (show(world, client)["efos"], show(world, client)["sat_status"]) == (None, None)
    assert screen(world) == 0
    assert told(world) == []


def test_first_load_tells_of_listed_clients_only(world: World, client: str, tmp_path: Path) -> None:
    clean = world.client(tax_id="AAB080808HL8", legal_name="BETA")
    load(world, "69b", definitive(tmp_path, RFC))
    world.clock.advance(HOUR_MS)

    changed = screen(world)

    listed, other = show(world, client), show(world, clean)
    assert changed >= 2
    assert told(world) == [("customer.updated", client)]
    assert listed["efos"] == {"is_valid": False}
    assert (listed["sat_status"]["is_risky"], listed["sat_status"]["efos"]) == (True, {"is_valid": False})
    assert [hit["list"] for hit in listed["sat_status"]["hits"]] == ["69b_definitivo"]
    assert listed["sat_status"]["checked_at"] == (NOON_MS + HOUR_MS) // 1000
    assert (other["efos"], other["sat_status"]["hits"], other["sat_status"]["is_risky"]) == (
        {"is_valid": True}, [], False,
    )  # fmt: skip
    assert listed["updated_at"] == (NOON_MS + HOUR_MS) // 1000
    assert other["updated_at"] == NOON_MS // 1000
    assert world.event_bodies("customer.updated")[0] == listed


def test_second_screening_finds_nothing(world: World, client: str, tmp_path: Path) -> None:
    load(world, "69b", definitive(tmp_path, RFC))
    screen(world)
    before = show(world, client)
    world.clock.advance(HOUR_MS)

    assert screen(world) == 0
    assert show(world, client) == before
    assert len(told(world)) == 1


def test_who_leaves_the_list_is_told_of(world: World, client: str, tmp_path: Path) -> None:
    load(world, "69b", definitive(tmp_path, RFC))
    screen(world)
    load(world, "69b", definitive(tmp_path))

    screen(world)

    assert told(world) == [("customer.updated", client)] * 2
    assert show(world, client)["sat_status"]["hits"] == []
    assert show(world, client)["efos"] == {"is_valid": True}


def test_list_without_risk_is_shown_but_not_told(world: World, client: str, tmp_path: Path) -> None:
    load(world, "69_cancelados", file_69(tmp_path, [row_69(RFC, "A")]))

    screen(world)

    status = show(world, client)["sat_status"]
    assert (status["is_risky"], status["efos"], len(status["hits"])) == (False, None, 1)
    assert show(world, client)["efos"] is None
    assert told(world) == []


def test_every_team_and_mode_is_screened(world: World, client: str, tmp_path: Path) -> None:
    fields = {"tax_id": RFC, "legal_name": "ALFA"}
    live, rival = world.client(world.live, **fields), world.client(world.rival, **fields)
    load(world, "69b", definitive(tmp_path, RFC))

    screen(world)

    assert {object_id for _, object_id in told(world)} == {client, live, rival}
    rows = world.query("select team_id, livemode, object_id from events where type = 'customer.updated'")
    teams = {row[2]: (row[0], bool(row[1])) for row in rows}
    assert teams[rival] == (world.founded.rival_id, False)
    assert teams[live] == (world.team_id, True)


def test_deleted_generic_and_foreign_clients_are_left_alone(world: World, client: str, tmp_path: Path) -> None:
    public = world.client(**PUBLIC)
    abroad = world.client(
        tax_id=RFC, legal_name="ALFA LLC", tax_system=None, address={"country": "USA", "zip": "90210"}
    )
    world.api.delete(f"/clients/{client}")
    load(world, "69b", definitive(tmp_path, RFC))

    screen(world)

    assert told(world) == []
    assert show(world, public)["sat_status"] is None
    assert show(world, abroad)["sat_status"] is None


def test_new_client_is_looked_up_at_once(world: World, tmp_path: Path) -> None:
    load(world, "69b", definitive(tmp_path, RFC))

    made = world.api.post("/clients", {"legal_name": "ALFA", "tax_id": RFC}).data
    moved = world.api.call("PUT", f"/clients/{made['id']}", {"tax_id": "AAB080808HL8"}).data

    assert (made["efos"], made["sat_status"]["is_risky"]) == ({"is_valid": False}, True)
    assert (moved["efos"], moved["sat_status"]["hits"]) == ({"is_valid": True}, [])


def test_client_of_an_invoice_is_looked_up_at_once(world: World, tmp_path: Path) -> None:
    load(world, "69b", definitive(tmp_path, RFC))
    receiver = {"legal_name": "ALFA", "tax_id": RFC, "tax_system": "601", "address": {"zip": "86991"}}

    world.api.post("/invoices/income", {**world.sale(), "client": receiver})

    [found] = world.api.get(f"/clients?tax_id={RFC}").data
    assert found["efos"] == {"is_valid": False}


def test_pages_cover_everybody(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescreen, "PAGE", 3)
    ids = {world.client(tax_id=RFC, legal_name=f"ALFA {n}") for n in range(7)}
    load(world, "69b", definitive(tmp_path, RFC))

    screen(world)

    assert {object_id for _, object_id in told(world)} == ids


def test_load_that_changed_something_asks_for_screening(world: World, tmp_path: Path) -> None:
    def asked() -> int:
        sql = "select count(*) from workflow_status where name = 'screen_clients'"
        if not world.database.is_sqlite:
            sql = sql.replace("workflow_status", "dbos.workflow_status")
        return int(world.query(sql)[0][0])

    load(world, "69b", definitive(tmp_path, RFC))
    first = asked()
    load(world, "69b", definitive(tmp_path, RFC))

    assert (first, asked()) == (1, 1)
