"""Password resets, login links and what using them does (contract users.md section 2)."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher

from factories.accounts import actions, branch, execute, key_of, link_in, mails, person, untouched
from timbra.teams import store_people
from timbra.users import access
from timbra.users.passwords import Passwords
from world import HOUR_MS, MINUTE_MS, NOON_MS, World


@pytest.fixture(autouse=True)
def mail_is_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "no_mail" not in request.node.name:
        monkeypatch.setenv("TIMBRA_MAIL", "smtp://127.0.0.1:2525?from=no-reply@example.com")


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


class TestReset:
    def test_by_address_and_by_id(self, world: World) -> None:
        user = person(world)
        mails(world)

        first = world.api.post("/users/reset-password", {"email": "LUIS@kemper.mx"})
        second = world.api.post(f"/users/reset-password/{user}")

        assert (first.status, first.message) == (200, "Password reset email sent")
        assert first.data == second.data == {"id": user, "email": "luis@kemper.mx", "email_sent": True}
        assert actions(world, "user.reset") == [("user.reset_password", user)] * 2
        world.clock.advance(1)
        assert [kind for kind, _, _ in mails(world)].count("password_reset") == 2

    def test_the_link_works_once_within_an_hour(self, world: World) -> None:
        user = person(world)
        mails(world)
        world.api.post(f"/users/reset-password/{user}")
        world.clock.advance(1)
        token = next(token_of(link_in(text)) for kind, _, text in mails(world) if kind == "password_reset")

        def use(at_ms: int) -> str | None:
            return world.database.write_sync(lambda tx: access.set_password(tx, token, "hash", at_ms=at_ms))

        assert use(NOON_MS + HOUR_MS - 1) == user
        assert use(NOON_MS + HOUR_MS - 1) is None
        stored = world.database.read_sync(lambda tx: store_people.password_of(tx, "Luis@kemper.mx"))
        assert stored == (user, "hash")
        assert world.rows("user_tokens") == 0

    def test_a_late_link_does_nothing(self, world: World) -> None:
        user = person(world)
        mails(world)
        world.api.post(f"/users/reset-password/{user}")
        world.clock.advance(1)
        token = next(token_of(link_in(text)) for kind, _, text in mails(world) if kind == "password_reset")

        late = NOON_MS + HOUR_MS
        assert world.database.write_sync(lambda tx: access.set_password(tx, token, "hash", at_ms=late)) is None
        assert world.database.read_sync(lambda tx: store_people.password_of(tx, "luis@kemper.mx")) == (user, None)

    def test_refuses(self, world: World) -> None:
        stranger = world.rival.get("/users").data[0]

        with untouched(world):
            replies = [
                world.api.post("/users/reset-password", {}),
                world.api.post("/users/reset-password", {"email": stranger["email"]}),
                world.api.post(f"/users/reset-password/{stranger['id']}"),
            ]

        assert [(one.status, one.error_code) for one in replies] == [
            (400, "missing_required_field"), (404, "resource_not_found"), (404, "resource_not_found"),
        ]  # fmt: skip

    def test_no_mail_server(self, world: World) -> None:
        user = person(world)

        assert world.api.post(f"/users/reset-password/{user}").data["email_sent"] is False


class TestLoginLink:
    def test_signs_in_once_within_a_quarter_of_an_hour(self, world: World) -> None:
        user = person(world)

        reply = world.api.post("/users/login-link", {"user_id": user})

        assert (reply.status, reply.message) == (200, "Login link generated successfully")
        data = reply.data
        assert data["url"] == data["link"] == f"https://cfdi.example.com/login?token={data['token']}"
        assert data["token"].startswith("ll_")
        assert data["expires_at"] == (NOON_MS + 15 * MINUTE_MS) // 1000
        assert actions(world, "user.login") == [("user.login_link", user)]

        def use(at_ms: int) -> str | None:
            session = world.database.write_sync(lambda tx: access.sign_in(tx, data["token"], at_ms=at_ms))
            return session.user_id if session else None

        at_ms = NOON_MS + 15 * MINUTE_MS - 1
        assert [use(at_ms), use(at_ms)] == [user, None]
        assert world.api.get(f"/users/{user}").data["last_login"] == at_ms // 1000

    def test_a_login_token_sets_no_password(self, world: World) -> None:
        token = world.api.post("/users/login-link", {"user_id": person(world)}).data["token"]

        assert world.database.write_sync(lambda tx: access.set_password(tx, token, "h", at_ms=NOON_MS)) is None

    def test_a_replay_is_the_same_link_and_stored_sealed(self, world: World) -> None:
        user = person(world)
        calls = [world.api.post("/users/login-link", {"user_id": user}, Idempotency_Key="k") for _ in range(2)]

        assert calls[0].data == calls[1].data
        assert calls[0].data["token"] not in str(world.query("select * from idempotency_records"))

    def test_refuses(self, world: World) -> None:
        owner = world.api.get(f"/teams/{world.team_id}").data["owner"]
        stranger = world.rival.get("/users").data[0]["id"]

        with untouched(world):
            replies = [
                world.api.post("/users/login-link", {}),
                world.api.post("/users/login-link", {"user_id": stranger}),
                world.api.post("/users/login-link", {"user_id": owner}),
            ]

        assert [(one.status, one.error_code) for one in replies] == [
            (400, "missing_required_field"), (404, "resource_not_found"), (403, "operation_not_allowed"),
        ]  # fmt: skip

    def test_not_for_the_owner_of_a_team_out_of_reach(self, world: World) -> None:
        norte = branch(world)
        owner = world.api.get(f"/teams/{world.team_id}").data["owner"]
        execute(world, "update users set origin = 'api' where id = :id", id=owner)
        api = key_of(world, norte)

        with untouched(world):
            reply = api.post("/users/login-link", {"user_id": owner})

        assert (reply.status, reply.error_code) == (403, "insufficient_permissions")
        assert world.api.post("/users/login-link", {"user_id": owner}).status == 200


def test_five_an_hour_for_one_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from timbra.http.ratelimit import RateLimits

    user, other = person(world), person(world, "otra@kemper.mx")
    object.__setattr__(world.house.kit, "limits", RateLimits(world.clock, "api=0,badauth=0"))

    replies = [world.api.post("/users/login-link", {"user_id": user}) for _ in range(3)]
    replies += [world.api.post(f"/users/reset-password/{user}") for _ in range(3)]

    assert [reply.status for reply in replies] == [200] * 5 + [429]
    assert (replies[-1].error_code, int(replies[-1].header("Retry-After") or 0) >= 1) == ("rate_limit_exceeded", True)
    assert world.api.post("/users/login-link", {"user_id": other}).status == 200


def test_passwords_are_argon2id() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))

    async def story() -> list[object]:
        stored = await passwords.hash("correcto caballo")
        return [
            stored[:9],
            await passwords.matches(stored, "correcto caballo"),
            await passwords.matches(stored, "otro"),
            await passwords.matches(None, "x"),
            await passwords.matches("no hash", "x"),
        ]

    assert asyncio.run(story()) == ["$argon2id", True, False, False, False]
