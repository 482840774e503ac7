"""Teams: list, get, create, update (contract teams.md sections 1 to 5)."""

from typing import Any

import pytest

from factories.accounts import actions, branch, key_of, person, untouched
from timbra.platform import json
from timbra.teams import onboarding
from world import NOON_MS, World

NOON = NOON_MS // 1000
NORTE = {"brand": {"alias": "Sucursal Norte", "primary_color": "#2563eb"}, "tax_id": "XIA190128J61", "tax_system": "601",
         "address": {"country": "Mexico", "zip": "76343"}, "support_email": "norte@kemper.mx"}  # fmt: skip
TEAM_KEYS = {
    "id", "name", "legal_name", "tax_id", "tax_system", "address", "brand", "support_email", "support_phone", "metadata",
    "settings", "sat", "integrations", "billing", "billing_account", "connect_enabled", "account_type", "status",
    "scheduled_deletion", "owner", "members", "created_at", "updated_at",
}  # fmt: skip


class TestGet:
    def test_shows_the_whole_object(self, world: World) -> None:
        team = world.api.get(f"/teams/{world.team_id}").data

        assert set(team) == TEAM_KEYS
        assert team["brand"] == {"alias": "Kemper", "primary_color": "#1d4ed8", "secondary_color": None, "logo": None}
        assert team["address"] == {
            "country": "MEX", "zip": "42501", "street": None, "exterior": None, "interior": None, "neighborhood": None,
            "city": None, "state": None,
        }  # fmt: skip
        assert (team["billing"], team["status"], team["scheduled_deletion"]) == ({"credits": None}, "active", None)
        assert team["members"] == [
            {"id": team["owner"], "email": "ana@kemper.example", "name": "Ana Ruiz", "role": "owner"}
        ]
        assert team["connect_enabled"] is True
        assert team["account_type"] == "full"

    def test_sat_is_that_of_the_slot_of_the_key(self, world: World) -> None:
        test = world.api.get(f"/teams/{world.team_id}").data["sat"]
        live = world.live.get(f"/teams/{world.team_id}").data["sat"]
        bare = world.rival.get(f"/teams/{world.founded.rival_id}").data["sat"]

        assert (test["completed"], live["completed"], test["environment"]) == (True, True, "sandbox")
        assert test["certificate_number"] != live["certificate_number"]
        assert bare == {
            "completed": False, "tax_id": None, "certificate_number": None, "csd_expires_at": None,
            "connected_at": None, "environment": None, "manifest": {"signed": False, "signed_at": None},
        }  # fmt: skip

    def test_integrations_name_every_provider(self, world: World) -> None:
        found = world.api.get("/teams/integrations")

        assert found.message == "Team integrations retrieved successfully"
        assert len(found.data) == 25
        assert set(found.data["sat"]) == {"completed", "certificate_number", "csd_expires_at"}
        assert {name for name, one in found.data.items() if one["completed"]} == {"sat"}


class TestList:
    def test_a_key_with_connect_sees_its_account(self, world: World) -> None:
        norte = branch(world)

        reply = world.api.get("/teams?order_by=name&sort=asc")

        assert [team["id"] for team in reply.data] == [world.team_id, norte]
        assert reply.json["total_results"] == 2
        assert all(set(team) == TEAM_KEYS - {"members"} for team in reply.data)

    def test_without_connect_only_the_own_team(self, world: World) -> None:
        norte = branch(world)

        assert [team["id"] for team in key_of(world, norte).get("/teams").data] == [norte]
        assert [team["id"] for team in key_of(world, world.team_id, scopes=("read",)).get("/teams").data] == [
            world.team_id
        ]

    def test_with_team_only_that_team(self, world: World) -> None:
        norte = branch(world)

        assert [team["id"] for team in world.api.get(f"/teams?team={norte}").data] == [norte]
        assert [team["id"] for team in world.api.get(f"/teams?team={world.team_id}").data] == [world.team_id]

    def test_filters_and_pages(self, world: World) -> None:
        norte = branch(world)

        assert [team["id"] for team in world.api.get("/teams?tax_id=xia190128j61").data] == [norte]
        assert world.api.get("/teams?status=pending_deletion").data == []
        first = world.api.get("/teams?limit=1")
        second = world.api.get(f"/teams?limit=1&next={first.json['next']}")
        assert {first.data[0]["id"], second.data[0]["id"]} == {world.team_id, norte}
        assert world.api.get("/teams?status=gone").error_code == "invalid_field_value"


class TestCreate:
    def test_joins_the_account_with_defaults(self, world: World) -> None:
        reply = world.api.post("/teams", NORTE)

        assert (reply.status, reply.message) == (201, "Team created successfully")
        team = reply.data
        assert set(team) == TEAM_KEYS
        assert (team["name"], team["legal_name"], team["tax_id"]) == ("Sucursal Norte", None, "XIA190128J61")
        assert (team["connect_enabled"], team["created_at"]) == (False, NOON)
        home = world.api.get(f"/teams/{world.team_id}").data
        assert (team["billing_account"], team["owner"]) == (home["billing_account"], home["owner"])
        series = world.api.get(f"/teams/{team['id']}/series").data
        assert [(one["series"], one["live"], one["test"]) for one in series] == [("A", 0, 0), ("E", 0, 0), ("P", 0, 0)]
        assert ("team.create", team["id"]) in actions(world, "team.create")
        assert world.events(of="teams.") == [("teams.created", team["id"])]
        assert world.query("select team_id from events where type = 'teams.created'") == [(world.team_id,)]

    def test_onboarding_url_opens_the_slot_of_the_key(self, world: World) -> None:
        reply = world.live.post("/teams", {**NORTE, "generate_onboarding_url": True})

        url = reply.data["onboarding_url"]
        assert url.startswith("https://cfdi.example.com/onboarding?sessionId=ob_")
        session_id, _, check = url.partition("sessionId=")[2].partition("&c=")
        found = world.database.read_sync(lambda tx: onboarding.session(tx, session_id, check, now_ms=NOON_MS))
        assert found is not None
        assert (found.scope.team_id, found.scope.livemode) == (reply.data["id"], True)
        assert "ob_" not in json.dumps(world.event_bodies("teams.created")).decode()

    def test_replay_gives_the_link_again_but_stores_it_sealed(self, world: World) -> None:
        body = {**NORTE, "generate_onboarding_url": True}
        first = world.api.post("/teams", body, Idempotency_Key="k1")
        again = world.api.post("/teams", body, Idempotency_Key="k1")

        assert again.header("Idempotent-Replayed") == "true"
        assert again.json == first.json
        assert "sessionId" not in str(world.query("select body from idempotency_records"))

    def test_members_of_the_master_team_and_named_ones(self, world: World) -> None:
        editor = person(world, "e@kemper.mx", auto_join=True, role="editor")
        viewer = person(world, "v@kemper.mx", auto_join=True, role="viewer")
        outside = person(world, "o@kemper.mx")

        reply = world.api.post(
            "/teams",
            {
                "name": "Sur",
                "add_master_team_members": True,
                "add_members": [{"id": viewer, "role": "admin"}, {"id": outside, "role": "EDITOR"}],
            },
        )

        roles = {member["id"]: member["role"] for member in reply.data["members"]}
        assert roles == {reply.data["owner"]: "owner", editor: "editor", viewer: "admin", outside: "editor"}

    @pytest.mark.parametrize(
        ("change", "code", "paths"),
        [
            ({"brand": None, "tax_id": ""}, "missing_required_field", [("name", "required")]),
            ({"brand": {"logo": "https://x.mx/a.png"}}, "missing_required_field", [("brand.alias", "required")]),
            ({"address": {"zip": "76343"}}, "missing_required_field", [("address.country", "required")]),
            ({"add_members": [{}]}, "missing_required_field",
             [("add_members[0].id", "required"), ("add_members[0].role", "required")]),
            ({"tax_id": "NO RFC"}, "invalid_field_value", [("tax_id", "format")]),
            ({"tax_system": "999"}, "invalid_field_value", [("tax_system", "enum")]),
            ({"tax_system": "612"}, "invalid_field_value", [("tax_system", "not_allowed")]),
            ({"brand": {"alias": "x", "primary_color": "blue"}}, "invalid_field_value", [("brand.primary_color", "format")]),
            ({"brand": {"alias": "x", "logo": "http://x.mx/a.png"}}, "invalid_field_value", [("brand.logo", "format")]),
            ({"address": {"country": "Narnia"}}, "invalid_field_value", [("address.country", "enum")]),
            ({"address": {"country": "MX", "zip": "763"}}, "invalid_field_value", [("address.zip", "format")]),
            ({"add_members": [{"id": "user_x", "role": "owner"}]}, "invalid_field_value", [("add_members[0].role", "enum")]),
        ],
    )  # fmt: skip
    def test_refuses(self, world: World, change: dict[str, Any], code: str, paths: list[tuple[str, str]]) -> None:
        with untouched(world):
            reply = world.api.post("/teams", {**NORTE, **change})

        assert (reply.status, reply.error_code, reply.paths) == (400, code, paths)

    def test_refuses_without_connect_and_foreign_members(self, world: World) -> None:
        branch_key = key_of(world, branch(world))
        stranger = person(world, "x@x.mx", api=world.rival)

        with untouched(world):
            assert branch_key.post("/teams", NORTE).error_code == "insufficient_permissions"
            reply = world.api.post("/teams", {**NORTE, "add_members": [{"id": stranger, "role": "viewer"}]})
        assert (reply.status, reply.paths) == (404, [("add_members[0].id", "not_found")])


class TestUpdate:
    def test_merges_brand_and_address(self, world: World) -> None:
        path = f"/teams/{world.team_id}"
        world.clock.advance(60_000)

        reply = world.api.call("PUT", path, {"brand": {"alias": "Kemper MX"}, "address": {"street": "Hidalgo"}})

        assert reply.message == "Team updated successfully"
        assert (reply.data["brand"]["alias"], reply.data["brand"]["primary_color"]) == ("Kemper MX", "#1d4ed8")
        assert (reply.data["address"]["street"], reply.data["address"]["zip"]) == ("Hidalgo", "42501")
        assert reply.data["updated_at"] == NOON + 60
        assert world.api.get(path).data == reply.data

    def test_null_clears_and_the_name_falls_back(self, world: World) -> None:
        path = f"/teams/{world.team_id}"

        shown = world.api.call("PUT", path, {"name": None, "brand": None, "support_email": None}).data

        assert (shown["name"], shown["support_email"]) == ("ESCUELA KEMPER URGATE", None)

    def test_an_empty_body_changes_nothing(self, world: World) -> None:
        with untouched(world):
            assert world.api.call("PUT", f"/teams/{world.team_id}", {}).status == 200

    def test_audits_old_and_new(self, world: World) -> None:
        world.api.call("PUT", f"/teams/{world.team_id}", {"support_phone": "555"})

        row = world.query("select changes from audit_log where action = 'team.update'")[0][0]
        assert json.loads(row.encode()) == {"support_phone": {"old": None, "new": "555"}}

    def test_refuses_another_rfc_than_that_of_the_csd(self, world: World) -> None:
        with untouched(world):
            reply = world.api.call("PUT", f"/teams/{world.team_id}", {"tax_id": "XIA190128J61"})

        assert (reply.status, reply.error_code, reply.paths) == (409, "resource_conflict", [("tax_id", "conflict")])

    def test_connect_is_given_by_a_key_that_has_it(self, world: World) -> None:
        norte = branch(world)
        own = key_of(world, norte)

        refused = own.call("PUT", f"/teams/{norte}", {"connect_enabled": True})
        given = world.api.call("PUT", f"/teams/{norte}", {"connect_enabled": True})

        assert (refused.status, refused.error_code) == (403, "insufficient_permissions")
        assert given.data["connect_enabled"] is True
        assert own.call("PUT", f"/teams/{norte}", {"connect_enabled": False}).data["connect_enabled"] is False

    def test_needs_the_scope(self, world: World) -> None:
        reader = key_of(world, world.team_id, scopes=("read",))

        assert reader.get(f"/teams/{world.team_id}").status == 200
        assert reader.call("PUT", f"/teams/{world.team_id}", {}).status == 403
        assert reader.get(f"/teams/{world.team_id}/onboarding-url").status == 403


class TestOnboarding:
    def test_each_link_ends_the_one_before_and_lives_seven_days(self, world: World) -> None:
        path = f"/teams/{world.team_id}/onboarding-url"
        first, second = world.api.get(path), world.api.get(path)

        assert second.message == "Onboarding URL retrieved successfully"

        def opens(url: str, later_ms: int = 0) -> bool:
            session_id, _, check = url.partition("sessionId=")[2].partition("&c=")
            at_ms = NOON_MS + later_ms
            return (
                world.database.read_sync(lambda tx: onboarding.session(tx, session_id, check, now_ms=at_ms)) is not None
            )

        assert [opens(first.data), opens(second.data)] == [False, True]
        assert opens(second.data[:-1] + "x") is False
        assert [opens(second.data, onboarding.LIFE_MS - 1), opens(second.data, onboarding.LIFE_MS)] == [True, False]
        assert actions(world, "team.onboarding") == [("team.onboarding_url", world.team_id)] * 2
