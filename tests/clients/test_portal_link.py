"""Links to the customer portal (contract clients.md section 2)."""

from typing import Any

import pytest
from sqlalchemy import text

from factories.api import OTHER_TEAM, START_MS, TEAM, Api
from timbra.clients import portal_link, store_portal
from timbra.clients.portal_link import LIFE_MS, SESSION_MS, Visit
from timbra.platform.scope import TeamScope

pytestmark = pytest.mark.anyio


async def made(api: Api, **fields: Any) -> dict[str, Any]:
    return (await api.call("POST", "/clients", {"name": "Kemper", "email": "Pagos@kemper.mx", **fields})).json()["data"]


async def link(api: Api, body: dict[str, Any], **options: Any) -> dict[str, Any]:
    reply = await api.call("POST", "/clients/customerportal", body, **options)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def opened(api: Api, token: str) -> Visit | None:
    return api.db.read_sync(lambda tx: portal_link.verify(tx, token, at_ms=api.clock.now_ms()))


@pytest.mark.parametrize("key", ["id", "email"])
async def test_a_link_names_the_client_and_lives_five_days(api: Api, key: str) -> None:
    client = await made(api)
    body = {"id": client["id"]} if key == "id" else {"email": "PAGOS@KEMPER.MX"}

    reply = await api.call("POST", "/clients/customerportal", body)

    assert reply.json()["message"] == "Customer portal access created successfully"
    data = reply.json()["data"]
    assert data == {
        "url": f"https://cfdi.example.com/portal?token={data['token']}",
        "token": data["token"],
        "expires_at": START_MS // 1000 + 432_000,
        "client": client["id"],
    }
    assert data["token"].startswith("cp_")
    assert len(data["token"]) == 46
    assert api.actions() == ["client.create", "client.portal_link"]
    assert len(api.events()) == 1


async def test_only_a_digest_is_stored(api: Api) -> None:
    token = (await link(api, {"id": (await made(api))["id"]}))["token"]

    rows = api.db.read_sync(lambda tx: tx.execute(text("select * from client_portal_links")).all())

    assert len(rows) == 1
    assert not any(token.encode() in str(value).encode() for value in rows[0])


async def test_a_link_opens_many_times_each_for_three_days(api: Api) -> None:
    client = await made(api)
    token = (await link(api, {"id": client["id"]}))["token"]

    for _ in range(2):
        api.clock.advance(1000)
        visit = opened(api, token)
        assert visit is not None
        assert (visit.scope, visit.client.id) == (TeamScope(TEAM, livemode=False), client["id"])
        assert visit.session_ends_ms == api.clock.now_ms() + SESSION_MS == api.clock.now_ms() + 259_200_000


async def test_newer_links_leave_older_ones_open(api: Api) -> None:
    client = await made(api)
    tokens = [(await link(api, {"id": client["id"]}))["token"] for _ in range(2)]

    assert tokens[0] != tokens[1]
    assert all(opened(api, token) for token in tokens)


async def test_a_link_ends_with_its_time_and_with_its_client(api: Api) -> None:
    first, second = await made(api), await made(api, email="b@b.mx")
    tokens = [(await link(api, {"id": client["id"]}))["token"] for client in (first, second)]

    await api.call("DELETE", f"/clients/{first['id']}")
    assert opened(api, tokens[0]) is None
    assert opened(api, tokens[1]) is not None

    api.clock.advance(LIFE_MS)
    assert opened(api, tokens[1]) is None
    api.db.write_sync(lambda tx: store_portal.forget_expired(tx, api.clock.now_ms()))
    assert api.db.read_sync(lambda tx: tx.execute(text("select count(*) from client_portal_links")).scalar()) == 0


@pytest.mark.parametrize("token", ["", "cp_", "cp_" + "A" * 43, "x" * 5000])
async def test_other_tokens_open_nothing(api: Api, token: str) -> None:
    await link(api, {"id": (await made(api))["id"]})

    assert opened(api, token) is None


async def test_a_repeated_key_gives_the_same_link(api: Api) -> None:
    body = {"id": (await made(api))["id"]}

    links = [await link(api, body, headers={"idempotency-key": "k"}) for _ in range(2)]

    assert links[0]["client"] == links[1]["client"]
    assert api.actions().count("client.portal_link") == 1


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "missing_required_field", "id"),
        ({"id": " ", "email": None}, "missing_required_field", "id"),
        ({"id": "client_x", "email": "a@b.mx"}, "invalid_field_value", "email"),
        ({"email": "nobody"}, "invalid_field_value", "email"),
    ],
)
async def test_exactly_one_of_id_and_email(api: Api, body: dict[str, Any], code: str, path: str) -> None:
    reply = await api.call("POST", "/clients/customerportal", body)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert [row["path"] for row in reply.json()["error"]["fields"]] == [path]


@pytest.mark.parametrize("body", [{"id": "client_01K9ZE2M4Q6S8V0X1Z3B5D7F9H"}, {"email": "nobody@b.mx"}])
async def test_no_such_client(api: Api, body: dict[str, Any]) -> None:
    reply = await api.call("POST", "/clients/customerportal", body)

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "resource_not_found")
    assert reply.json()["error"]["fields"][0]["path"] == next(iter(body))


async def test_several_clients_with_the_address_are_named(api: Api) -> None:
    ids = [(await made(api))["id"] for _ in range(2)]

    reply = await api.call("POST", "/clients/customerportal", {"email": "pagos@kemper.mx"})

    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "resource_conflict")
    assert reply.json()["error"]["details"] == [f"email: matches 2 clients: {ids[0]}, {ids[1]}"]
    assert api.actions() == ["client.create"] * 2


@pytest.mark.parametrize("token", ["live", f"test-{OTHER_TEAM}"])
async def test_other_teams_and_modes_get_no_link(api: Api, token: str) -> None:
    client = await made(api)

    for body in ({"id": client["id"]}, {"email": "pagos@kemper.mx"}):
        reply = await api.call("POST", "/clients/customerportal", body, token=token)
        assert reply.status_code == 404
    assert api.actions() == ["client.create"]
