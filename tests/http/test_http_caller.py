"""Credentials, Connect, roles, scopes and the order of checks."""

import pytest

from timbra.http.caller import Access, Caller, Role
from timbra.platform.scope import TeamScope

pytestmark = pytest.mark.anyio


def verdict(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_no_credential_is_unauthorized(world) -> None:
    for given in ("", "   "):
        assert verdict(await world.api.get("/v2/notes", headers={"Authorization": given})) == (401, "unauthorized")


@pytest.mark.parametrize("given", ["Bearer", "Bearer bad", "Basic good", "Bearer good good", "bad"])
async def test_useless_credential_is_invalid_token_with_one_text(world, given: str) -> None:
    reply = await world.api.get("/v2/notes", headers={"Authorization": given})

    assert verdict(reply) == (401, "invalid_token")
    assert reply.json()["message"] == "The API key is not valid"


@pytest.mark.parametrize("given", ["Bearer good", "bearer good", "BEARER  good", "good"])
async def test_scheme_in_any_case_or_absent(world, given: str) -> None:
    assert (await world.api.get("/v2/notes/a", headers={"Authorization": given})).status_code == 200


async def test_nothing_else_authenticates(world) -> None:
    reply = await world.api.get(
        "/v2/notes?token=good&api_key=good",
        headers={"Authorization": "", "X-API-Key": "good", "Cookie": "Authorization=good"},
    )

    assert verdict(reply) == (401, "unauthorized")


async def test_team_parameter_selects_the_effective_team_but_not_the_mode(world) -> None:
    reply = await world.api.get("/v2/notes/a?team=team_OTHER", headers={"Authorization": "live"})

    assert reply.json()["data"] == {"id": "a", "team": "team_OTHER", "livemode": True}


async def test_empty_team_parameter_is_the_own_team(world) -> None:
    assert (await world.api.get("/v2/notes/a?team=")).json()["data"]["team"] == "team_OWN"


async def test_unknown_team_is_not_found(world) -> None:
    reply = await world.api.get("/v2/notes/a?team=team_FOREIGN")

    assert verdict(reply) == (404, "resource_not_found")
    assert reply.json()["error"]["details"] == ["team: not found"]


async def test_team_in_the_path_decides(world) -> None:
    reply = await world.api.get("/v2/teams/team_OTHER/things")

    assert reply.json()["data"] == {"team": "team_OTHER", "home": "team_OWN"}


async def test_role_below_the_operation_is_refused(world) -> None:
    asked = await world.api.post("/v2/notes", json={"name": "a"}, headers={"Authorization": "viewer"})

    assert verdict(asked) == (403, "insufficient_permissions")
    assert (await world.api.get("/v2/notes", headers={"Authorization": "viewer"})).status_code == 200


async def test_scope_read_covers_gets_only(world) -> None:
    reader = {"Authorization": "reader"}

    assert (await world.api.get("/v2/notes", headers=reader)).status_code == 200
    assert verdict(await world.api.post("/v2/notes", json={"name": "a"}, headers=reader))[0] == 403


async def test_scope_write_includes_read(world) -> None:
    noter = {"Authorization": "noter"}

    assert (await world.api.get("/v2/notes", headers=noter)).status_code == 200
    assert (await world.api.post("/v2/notes", json={"name": "a"}, headers=noter)).status_code == 201


@pytest.mark.parametrize(
    ("scopes", "access", "allowed"),
    [
        ({"*"}, Access("keys", True), True),
        ({"read"}, Access("keys"), False),
        ({"read"}, Access("users"), False),
        ({"read"}, Access("clients"), True),
        ({"clients:read"}, Access("clients"), True),
        ({"clients:read"}, Access("clients", True), False),
        ({"clients:write"}, Access("services"), False),
        (set(), Access(None), True),
        ({"*"}, Access(None, True, Role.OWNER), False),
    ],
)
async def test_scopes_and_roles(scopes: set[str], access: Access, allowed: bool) -> None:
    caller = Caller(TeamScope("t", False), "t", "k", "u", "b", frozenset(scopes), Role.ADMIN, "req_1")

    assert caller.may(access) is allowed


async def test_actor_is_the_audit_view() -> None:
    caller = Caller(TeamScope("t2", False), "t", "k", "u", "b", frozenset("*"), Role.ADMIN, "req_1", "1.2.3.4")
    actor = caller.actor

    assert (actor.key_id, actor.user_id, actor.role, actor.home_team) == ("k", "u", "admin", "t")
    assert (actor.request_id, actor.ip) == ("req_1", "1.2.3.4")


async def test_order_of_checks(world) -> None:
    """Each request fails in two ways; the earlier step answers."""
    post, nobody, viewer = world.api.post, {"Authorization": ""}, {"Authorization": "viewer"}
    bad_key = {"Idempotency-Key": "x" * 256}

    assert (await world.api.patch("/v2/notes", headers=nobody)).status_code == 405
    assert verdict(await post("/v2/notes?team=team_FOREIGN", headers=nobody))[0] == 401
    assert verdict(await post("/v2/notes?team=team_FOREIGN", headers=viewer))[0] == 404
    assert verdict(await post("/v2/notes", headers=viewer | bad_key))[0] == 403
    assert verdict(await post("/v2/notes", content=b"{", headers=bad_key)) == (400, "invalid_field_value")
    assert verdict(await post("/v2/notes", content=b"{", headers={"Idempotency-Key": "a"})) == (
        400,
        "invalid_request_body",
    )
    assert verdict(await world.api.put("/v2/notes/a.b", json={"amount": "x"})) == (400, "invalid_field_value")
    assert verdict(await world.api.put("/v2/notes/a.b", json={})) == (404, "resource_not_found")
