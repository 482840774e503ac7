"""Which team a key acts on (contract auth.md section 4), and what a team waiting for its end still answers."""

import pytest

from factories.accounts import branch, execute, key_of, untouched
from world import World

UNKNOWN = "team_01K9ZB7M5T2R8C4X6N1Q3V0WYE"


class TestTeamParameter:
    def test_a_sibling_is_acted_on(self, world: World) -> None:
        norte = branch(world)

        made = world.api.post(f"/clients?team={norte}", {"name": "Sol"})

        assert made.data["team"] == norte
        assert world.query("select home_team, team_id from audit_log where action = 'client.create'")[-1] == (
            world.team_id,
            norte,
        )

    def test_a_read_of_a_sibling_is_audited(self, world: World) -> None:
        norte = branch(world)

        assert world.api.get(f"/clients?team={norte}").data == []
        assert world.api.get(f"/clients?team={world.team_id}").status == 200

        assert world.query("select team_id, home_team, resource_id from audit_log where action = 'team.read'") == [
            (norte, world.team_id, norte)
        ]

    @pytest.mark.parametrize("path", ["/clients?team={}", "/teams/{}", "/teams/{}/series", "/teams/{}/settings"])
    def test_foreign_and_unknown_teams_do_not_exist(self, world: World, path: str) -> None:
        with untouched(world):
            replies = [world.api.get(path.format(team)) for team in (world.founded.rival_id, UNKNOWN)]

        assert [(reply.status, reply.error_code) for reply in replies] == [(404, "resource_not_found")] * 2
        assert replies[0].error == replies[1].error

    def test_connect_off_or_scoped_out_is_forbidden(self, world: World) -> None:
        norte = branch(world)
        without = key_of(world, norte)
        scoped = key_of(world, world.team_id, scopes=("clients:write", "read"))
        allowed = key_of(world, world.team_id, scopes=("clients:write", "connect"))

        assert without.get(f"/clients?team={world.team_id}").error_code == "insufficient_permissions"
        assert scoped.get(f"/clients?team={norte}").error_code == "insufficient_permissions"
        assert allowed.get(f"/clients?team={norte}").status == 200

    def test_path_and_parameter_must_agree(self, world: World) -> None:
        norte = branch(world)

        replies = [world.api.get(f"/teams/{norte}?team={team}") for team in (norte, world.team_id, UNKNOWN)]

        assert [reply.status for reply in replies] == [200, 200, 400]
        assert (replies[2].error_code, replies[2].paths) == ("invalid_field_value", [("team", "conflict")])


class TestPendingTeam:
    def test_a_sibling_in_waiting_shows_itself_and_nothing_else(self, world: World) -> None:
        norte = branch(world)
        world.api.delete(f"/teams/{norte}")

        assert world.api.get(f"/teams/{norte}").data["status"] == "pending_deletion"
        assert world.api.delete(f"/teams/{norte}").error_code == "resource_conflict"
        for reply in (
            world.api.get(f"/teams/{norte}/series"),
            world.api.get(f"/clients?team={norte}"),
            world.api.call("PUT", f"/teams/{norte}", {"name": "x"}),
            world.api.get(f"/teams/{norte}/onboarding-url"),
        ):
            assert (reply.status, reply.error_code) == (403, "forbidden")

    def test_its_own_keys_only_read(self, world: World) -> None:
        norte = branch(world)
        own = key_of(world, norte)
        assert own.post("/clients", {"name": "Sol"}).status == 201
        world.api.delete(f"/teams/{norte}")
        world.clock.advance(5_000)

        assert own.get("/clients").json["total_results"] == 1
        assert own.get(f"/teams/{norte}").status == 200
        assert own.post("/clients", {"name": "Luna"}).error_code == "forbidden"
        assert own.delete(f"/teams/{norte}").error_code == "resource_conflict"

    def test_a_waiting_master_cannot_write_elsewhere(self, world: World) -> None:
        norte = branch(world)
        execute(world, "update teams set status = 'pending_deletion' where id = :id", id=world.team_id)
        world.clock.advance(5_000)

        assert world.api.get(f"/clients?team={norte}").status == 200
        assert world.api.post(f"/clients?team={norte}", {"name": "Sol"}).error_code == "forbidden"
        assert world.api.delete(f"/teams/{norte}").error_code == "forbidden"
