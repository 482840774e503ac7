"""Users: list, get, create, update (contract users.md)."""

from typing import Any

import pytest

from factories.accounts import actions, branch, key_of, link_in, mails, person, untouched
from world import NOON_MS, World

NOON = NOON_MS // 1000
LUIS = {
    "email": "luis@kemper.mx", "firstName": "Luis", "lastName": "Mora", "phone": "+52 55 1234 5678",
    "company_role": "Manager", "address": {"country": "Mexico", "zip": "42501"}, "auto_join": True, "role": "editor",
}  # fmt: skip
SHORT_ADDRESS = {
    "country": "MEX", "street": None, "zip": "42501", "city": None, "state": None, "exterior": None, "interior": None,
    "neighborhood": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def mail_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMBRA_MAIL", "smtp://127.0.0.1:2525?from=no-reply@example.com")


class TestCreate:
    def test_makes_invites_and_joins(self, world: World) -> None:
        reply = world.api.post("/users", LUIS)

        assert (reply.status, reply.message) == (201, "User created successfully")
        account = world.api.get(f"/teams/{world.team_id}").data["billing_account"]
        assert reply.data == {
            "id": reply.data["id"], "email": "luis@kemper.mx", "name": "Luis Mora", "first_name": "Luis",
            "last_name": "Mora", "phone": "+52 55 1234 5678", "company_role": "Manager", "role": "editor",
            "address": SHORT_ADDRESS, "created_at": NOON, "updated_at": NOON, "last_login": None,
            "billing_account": account, "invitation_sent": True,
            "teams": [{"team_id": world.team_id, "team_name": "Kemper", "role": "editor"}],
        }  # fmt: skip
        user = reply.data["id"]
        assert actions(world, "user.", "team.member") == [("user.create", user), ("team.member_add", user)]
        kind, to, text = mails(world)[0]
        assert (kind, to) == ("user_invited", "luis@kemper.mx")
        assert link_in(text).startswith("https://cfdi.example.com/set-password?token=pw_")
        assert world.api.get(f"/users/{user}").data == {k: v for k, v in reply.data.items() if k != "invitation_sent"}

    def test_without_names_the_address_names(self, world: World) -> None:
        made = world.api.post("/users", {"email": "Eva.Sol@kemper.mx"}).data

        assert (made["name"], made["email"], made["role"], made["teams"]) == (
            "Eva.Sol", "Eva.Sol@kemper.mx", "member", [],
        )  # fmt: skip

    def test_only_a_digest_of_the_link_is_stored(self, world: World) -> None:
        person(world)
        token = link_in(mails(world)[0][2]).partition("token=")[2]

        rows = world.query("select token_sha256, expires_ms from user_tokens")
        assert [expires - NOON_MS for _, expires in rows] == [7 * 86_400_000]
        assert token.encode() not in bytes(rows[0][0])
        assert token not in str(world.query("select * from mail_outbox"))

    @pytest.mark.parametrize(
        ("change", "code", "paths"),
        [
            ({"email": None}, "missing_required_field", [("email", "required")]),
            ({"email": "luis"}, "invalid_field_value", [("email", "format")]),
            ({"phone": "12345a7"}, "invalid_field_value", [("phone", "format")]),
            ({"phone": "123"}, "invalid_field_value", [("phone", "min_length")]),
            ({"address": {"country": "Narnia"}}, "invalid_field_value", [("address.country", "enum")]),
            ({"address": {"zip": "1"}}, "invalid_field_value", [("address.zip", "format")]),
            ({"role": "owner"}, "invalid_field_value", [("role", "enum")]),
            ({"firstName": "x" * 101}, "invalid_field_value", [("firstName", "max_length")]),
        ],
    )
    def test_refuses(self, world: World, change: dict[str, Any], code: str, paths: list[tuple[str, str]]) -> None:
        with untouched(world):
            reply = world.api.post("/users", {**LUIS, **change})

        assert (reply.status, reply.error_code, reply.paths) == (400, code, paths)

    def test_an_address_is_registered_once_on_the_server(self, world: World) -> None:
        person(world)

        with untouched(world):
            replies = [api.post("/users", {"email": "LUIS@kemper.MX"}) for api in (world.api, world.rival)]
        assert [(one.status, one.error_code) for one in replies] == [(409, "resource_already_exists")] * 2

    def test_at_the_same_time_one_wins(self, world: World) -> None:
        replies = world.together([world.api.later("POST", "/users", LUIS) for _ in range(4)])

        assert sorted(reply.status for reply in replies) == [201, 409, 409, 409]


class TestSight:
    def test_with_connect_the_whole_account(self, world: World) -> None:
        norte = branch(world)
        there = person(world, "n@kemper.mx", api=key_of(world, norte), auto_join=True)

        assert there in [user["id"] for user in world.api.get("/users").data]
        assert world.api.get(f"/users/{there}").data["role"] == "member"
        assert world.api.get(f"/users/{there}?team={norte}").data["role"] == "viewer"

    def test_without_connect_the_team_and_its_own_strays(self, world: World) -> None:
        norte = branch(world)
        own = key_of(world, norte)
        member = person(world, "m@kemper.mx", api=own, auto_join=True)
        stray = person(world, "s@kemper.mx", api=own)
        elsewhere = person(world, "e@kemper.mx", auto_join=True)
        strange = world.rival.get("/users").data[0]["id"]

        owner = world.api.get(f"/teams/{norte}").data["owner"]
        assert {user["id"] for user in own.get("/users").data} == {owner, member, stray}
        for hidden in (elsewhere, strange, "user_x"):
            reply = own.get(f"/users/{hidden}")
            assert (reply.status, reply.error_code) == (404, "resource_not_found")
        assert world.api.get(f"/users/{strange}").status == 404

    def test_rows_of_the_list(self, world: World) -> None:
        person(world)

        reply = world.api.get("/users?order_by=name&sort=asc")
        assert [user["name"] for user in reply.data] == ["Ana Ruiz", "luis"]
        assert "teams" not in reply.data[0]
        assert "last_login" not in reply.data[0]
        assert [user["role"] for user in reply.data] == ["owner", "member"]
        assert reply.json["total_results"] == 2
        assert [user["email"] for user in world.api.get("/users?email=LUIS@kemper.mx").data] == ["luis@kemper.mx"]

    def test_scopes(self, world: World) -> None:
        assert key_of(world, world.team_id, scopes=("read",)).get("/users").status == 403
        assert key_of(world, world.team_id, scopes=("users:read",)).get("/users").status == 200
        assert key_of(world, world.team_id, scopes=("users:read",)).post("/users", LUIS).status == 403

    def test_no_user_is_deleted(self, world: World) -> None:
        assert world.api.delete(f"/users/{person(world)}").status == 405


class TestUpdate:
    def test_merges_the_address_and_clears(self, world: World) -> None:
        user = world.api.post("/users", LUIS).data["id"]
        world.clock.advance(1_000)

        reply = world.api.call(
            "PUT",
            f"/users/{user}",
            {"first_name": "Luis Alberto", "phone": None, "address": {"neighborhood": "Real de Minas"},
             "email": "LUIS@kemper.mx", "role": "viewer"},
        )  # fmt: skip

        assert reply.message == "User updated successfully"
        shown = reply.data
        assert (shown["name"], shown["phone"], shown["role"]) == ("Luis Alberto Mora", None, "editor")
        assert (shown["address"]["zip"], shown["address"]["neighborhood"]) == ("42501", "Real de Minas")
        assert (shown["email"], shown["updated_at"]) == ("luis@kemper.mx", NOON + 1)
        assert actions(world, "user.update") == [("user.update", user)]

    def test_an_empty_body_changes_nothing(self, world: World) -> None:
        user = person(world)

        with untouched(world):
            assert world.api.call("PUT", f"/users/{user}", {}).status == 200

    def test_refuses(self, world: World) -> None:
        user = person(world)

        with untouched(world):
            email = world.api.call("PUT", f"/users/{user}", {"email": "otro@kemper.mx"})
            phone = world.api.call("PUT", f"/users/{user}", {"phone": "x"})
            unknown = world.api.call("PUT", "/users/user_x", {"phone": "5512345678"})

        assert (email.status, email.error_code) == (403, "operation_not_allowed")
        assert (phone.status, phone.error_code) == (400, "invalid_field_value")
        assert (unknown.status, unknown.error_code) == (404, "resource_not_found")
