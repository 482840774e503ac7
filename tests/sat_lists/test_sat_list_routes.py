from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from factories.sat_lists import file_69, file_69b, row_69, row_69b, written
from timbra.sat_lists import sync
from timbra.sat_lists.read import Unreadable
from world import DAY_MS, NOON_MS, World

NOON_S = NOON_MS // 1000
LISTED = "EJE010203AB7"


def load(world: World, name: str, path: Path) -> Any:
    return world.run(sync.load_from(world.house.sat_lists, sync.published_of(name), [str(path)]))


@pytest.fixture
def loaded(world: World, tmp_path: Path) -> World:
    load(world, "69b", file_69b(tmp_path, [row_69b(LISTED, "EMPRESA DE EJEMPLO, S.A. DE C.V.")]))
    load(world, "69_cancelados", file_69(tmp_path, [row_69(LISTED, "EMPRESA", assumption="CANCELADOS")]))
    return world


class TestLists:
    def test_never_loaded(self, world: World) -> None:
        reply = world.api.get("/sat-lists")

        assert (reply.status, reply.message) == (200, "SAT lists retrieved successfully")
        assert (reply.json["next"], reply.json["has_more"], reply.json["total_results"]) == (None, False, 14)
        assert reply.data[0] == {
            "list": "69b_presunto", "label": "69-B Presunto", "source": "SAT",
            "description": "Operaciones inexistentes, situación presunta", "is_risky": True, "affects_efos": True,
            "entries": 0, "stale": True,
            "last_sync": {
                "status": "never", "started_at": None, "synced_at": None, "source_date": None, "entries": 0, "added": 0,
                "removed": 0, "error": None,
            },
        }  # fmt: skip

    def test_order_risk_and_efos_are_those_of_the_contract(self, world: World) -> None:
        rows = world.api.get("/sat-lists").data

        assert [row["list"] for row in rows] == [
            "69b_presunto", "69b_definitivo", "69b_desvirtuado", "69b_sentencia_favorable", "69b_bis", "69_firmes",
            "69_exigibles", "69_no_localizados", "69_sentencias", "69_csd_sin_efectos", "69_cancelados",
            "69_condonados", "69_reducciones", "69_retorno_inversiones",
        ]  # fmt: skip
        assert [row["list"] for row in rows if row["affects_efos"]] == ["69b_presunto", "69b_definitivo"]
        assert [row["list"] for row in rows if not row["is_risky"]] == [
            "69b_desvirtuado", "69b_sentencia_favorable", "69_cancelados", "69_condonados", "69_reducciones",
            "69_retorno_inversiones",
        ]  # fmt: skip

    def test_loaded_list_is_stale_after_eight_days(self, loaded: World) -> None:
        fresh = loaded.api.get("/sat-lists").data[1]
        loaded.clock.advance(8 * DAY_MS + 1)
        old = loaded.api.get("/sat-lists").data[1]

        assert fresh["last_sync"] == {
            "status": "ok", "started_at": NOON_S, "synced_at": NOON_S, "source_date": "2026-09-30", "entries": 1,
            "added": 1, "removed": 0, "error": None,
        }  # fmt: skip
        assert (fresh["entries"], fresh["stale"], old["stale"]) == (1, False, True)

    def test_failed_attempt_keeps_what_is_held(self, loaded: World, tmp_path: Path) -> None:
        with pytest.raises(Unreadable):
            load(loaded, "69b", written(tmp_path / "bad.csv", ["a,b"]))

        found = loaded.api.get("/sat-lists").data[1]

        assert (found["entries"], found["last_sync"]["status"], found["last_sync"]["synced_at"]) == (
            1,
            "failed",
            NOON_S,
        )
        assert found["last_sync"]["error"] == "bad.csv: no line with the titles of 69-B was found"

    def test_load_that_nobody_works_on_has_failed(self, loaded: World) -> None:
        loaded.database.write_sync(lambda tx: tx.connection.exec_driver_sql("update sat_lists set status = 'running'"))
        running = loaded.api.get("/sat-lists").data[1]["last_sync"]
        loaded.clock.advance(DAY_MS)
        lost = loaded.api.get("/sat-lists").data[1]["last_sync"]

        assert (running["status"], running["error"]) == ("running", None)
        assert (lost["status"], lost["error"]) == ("failed", "interrupted: the server stopped")


class TestCheck:
    def test_listed(self, loaded: World) -> None:
        reply = loaded.api.get(f"/sat-lists/check/{LISTED}")

        assert (reply.status, reply.message) == (200, "RFC checked successfully")
        assert [hit["list"] for hit in reply.data["hits"]] == ["69b_definitivo", "69_cancelados"]
        assert {name: value for name, value in reply.data.items() if name not in ("hits", "lists_missing")} == {
            "rfc": LISTED, "is_listed": True, "is_risky": True, "efos": {"is_valid": False}, "lists_checked": 5,
            "checked_at": NOON_S,
        }  # fmt: skip
        assert len(reply.data["lists_missing"]) == 9
        assert reply.data["hits"][1] == {
            "list": "69_cancelados", "label": "69 Créditos cancelados", "source": "SAT", "is_risky": False,
            "detail": {
                "name": "EMPRESA", "person_type": "company", "assumption": "CANCELADOS", "amount": None,
                "state": "CIUDAD DE MEXICO", "published": "2014-01-01",
            },
        }  # fmt: skip

    def test_not_listed(self, loaded: World) -> None:
        data = loaded.live.get("/sat-lists/check/AAA080808HL8").data

        assert (data["is_listed"], data["is_risky"], data["efos"], data["hits"]) == (
            False,
            False,
            {"is_valid": True},
            [],
        )

    def test_nothing_loaded_says_so(self, world: World) -> None:
        data = world.api.get(f"/sat-lists/check/{LISTED}").data

        assert (data["efos"], data["lists_checked"], len(data["lists_missing"])) == (None, 0, 14)

    @pytest.mark.parametrize("typed", ["eje-010203 ab7", "EJE.010203.AB7"])
    def test_rfc_is_cleaned(self, loaded: World, typed: str) -> None:
        by_path = loaded.api.get(f"/sat-lists/check/{quote(typed)}")
        by_query = loaded.api.get(f"/sat-lists/check?rfc={quote(typed)}")

        assert (by_path.data["rfc"], by_path.json) == (LISTED, by_query.json)
        assert by_path.data["is_listed"]

    @pytest.mark.parametrize("rfc", ["H&E951128469", "ÑAÑ140114GY4"])
    def test_ampersand_and_enye_are_percent_encoded(self, world: World, tmp_path: Path, rfc: str) -> None:
        load(world, "69_firmes", file_69(tmp_path, [row_69(rfc, "A")]))

        assert world.api.get(f"/sat-lists/check/{quote(rfc, safe='')}").data["is_listed"]
        assert world.api.get(f"/sat-lists/check?rfc={quote(rfc, safe='')}").data["is_listed"]

    @pytest.mark.parametrize("path", ["/sat-lists/check", "/sat-lists/check?rfc=", "/sat-lists/check?rfc=%20"])
    def test_without_rfc(self, world: World, path: str) -> None:
        reply = world.api.get(path)

        assert (reply.status, reply.error_code, reply.paths) == (400, "missing_required_field", [("rfc", "required")])

    @pytest.mark.parametrize(
        "rfc", ["XAXX010101000", "XEXX010101000", "EJE990230AB7", "X", "E" * 4_000, "%00", "..%2F"]
    )
    def test_what_is_no_rfc_of_somebody(self, world: World, rfc: str) -> None:
        reply = world.api.get(f"/sat-lists/check/{rfc}")

        assert (reply.status, reply.error_code) in ((400, "invalid_field_value"), (404, "resource_not_found"))

    def test_generic_rfc_is_refused_by_both(self, world: World) -> None:
        for path in ("/sat-lists/check/XAXX010101000", "/sat-lists/check?rfc=XAXX010101000"):
            assert (world.api.get(path).status, world.api.get(path).error_code) == (400, "invalid_field_value")

    def test_other_paths(self, world: World) -> None:
        assert world.api.get("/sat-lists/69b_presunto").status == 404
        assert world.api.post("/sat-lists", {}).status == 405


class TestSync:
    def test_each_list_by_itself(self, world: World, tmp_path: Path) -> None:
        good = file_69(tmp_path, [row_69(LISTED, "A")])
        parts = world.house.sat_lists
        only = dict.fromkeys(("69b_bis", "69_sentencias", "69_cancelados", "69_condonados", "69_reducciones"), ())
        sources = only | {
            "69b": (str(tmp_path / "absent.csv"),),
            "69_firmes": (str(good),),
            "69_exigibles": ("https://127.0.0.1/x.csv",),
            "69_no_localizados": ("http://sat.example/x.csv",),
            "69_csd_sin_efectos": (),
            "69_retorno_inversiones": (),
        }

        done = world.run(sync.sync(sync.SyncParts(parts.load, parts.egress, sources)))

        assert sorted(done) == ["69_exigibles", "69_firmes", "69_no_localizados", "69b"]
        assert done["69_firmes"][0].status == "ok"
        assert done["69b"] == "absent.csv: cannot be read (No such file or directory)"
        assert "the address is not public" in str(done["69_exigibles"])
        assert isinstance(done["69_no_localizados"], str)
        states = {row["list"]: row["last_sync"]["status"] for row in world.api.get("/sat-lists").data}
        assert (states["69b_presunto"], states["69_firmes"], states["69_sentencias"]) == ("failed", "ok", "never")
