"""API keys through the API (contract auth.md section 2)."""

import base64

import pytest

from timbra.platform import json
from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database
from world import NOON_MS, SECOND_MS, Api, World, _house

NOON_S = NOON_MS // 1000
FIELDS = {
    "id", "key_id", "name", "team", "livemode", "scopes", "status", "created_by", "created_at", "expires_at",
    "last_used_at", "revokes_at", "revoked_at", "rotated_to", "rotated_from",
}  # fmt: skip


def made(world: World, api: Api | None = None, **body) -> dict:
    reply = (api or world.api).post("/api-keys", {"name": "till 3", **body})
    assert reply.status == 201, reply.json
    return reply.data


def claims(token: str) -> dict:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_created_key_is_shown_once_with_its_token_and_works(world: World):
    reply = world.api.post("/api-keys", {"name": "till 3", "scopes": ["clients:write"], "expires_at": NOON_S + 3600})

    assert (reply.status, reply.message) == (201, "API key created successfully")
    key = dict(reply.data)
    token = key.pop("token")
    assert set(key) == FIELDS
    assert key["status"] == "active"
    assert key["livemode"] is False
    assert key["key_id"] == "sk_test_" + key["id"].removeprefix("key_")
    assert (key["created_at"], key["expires_at"], key["last_used_at"]) == (NOON_S, NOON_S + 3600, None)
    assert claims(token) == {
        "iss": "https://cfdi.example.com",
        "iat": NOON_S,
        "exp": NOON_S + 3600,
        "team": world.team_id,
        "livemode": False,
        "key_id": key["key_id"],
        "scopes": ["clients:write"],
    }
    assert Api(world, token).get("/clients").status == 200
    assert Api(world, token).get("/services").error_code == "insufficient_permissions"
    shown = world.api.get("/api-keys").data
    assert all("token" not in row for row in shown)


def test_a_replay_shows_the_token_again_for_a_day_and_the_row_holds_no_token(world: World):
    body = {"name": "till 3"}
    first = world.api.post("/api-keys", body, Idempotency_Key="till-3")
    again = world.api.post("/api-keys", body, Idempotency_Key="till-3")

    assert again.json == first.json
    stored = world.query("select body from idempotency_records")
    assert first.data["token"] not in stored[0][0]
    world.clock.advance(24 * 3600 * SECOND_MS)
    assert world.api.post("/api-keys", body, Idempotency_Key="till-3").data == {**first.data, "token": None}


def test_the_list_filters_by_status_and_mode(world: World):
    active = made(world)
    expiring = made(world, expires_at=NOON_S + 60)
    rotated = made(world)
    gone = made(world)
    world.api.post(f"/api-keys/{rotated['id']}/rotate", {})
    world.api.delete(f"/api-keys/{gone['id']}")
    world.clock.advance(60 * SECOND_MS)

    def ids(query: str, api: Api = world.api) -> set[str]:
        return {row["id"] for row in api.get(f"/api-keys?limit=100&{query}").data}

    assert ids("status=expired") == {expiring["id"]}
    assert ids("status=scheduled_revocation") == {rotated["id"]}
    assert ids("status=revoked") == {gone["id"]}
    assert active["id"] in ids("status=active")
    assert all(row["livemode"] is False for row in world.api.get("/api-keys?limit=100").data)
    assert ids("") < ids("", world.live)
    assert ids("livemode=true", world.live) == ids("", world.live) - ids("")
    assert world.api.get("/api-keys?livemode=true").error_code == "insufficient_permissions"


def test_a_rotation_gives_a_like_key_and_ends_the_old_one_after_the_overlap(world: World):
    old = made(world, scopes=["clients:read"], expires_at=NOON_S + 7200)

    reply = world.api.post(f"/api-keys/{old['key_id']}/rotate", {"overlap_seconds": 600})

    assert (reply.status, reply.message) == (201, "API key rotated successfully")
    new = reply.data
    assert (new["rotated_from"], new["scopes"], new["expires_at"]) == (old["id"], ["clients:read"], NOON_S + 7200)
    rows = {row["id"]: row for row in world.api.get("/api-keys?limit=100").data}
    former = rows[old["id"]]
    assert (former["status"], former["revokes_at"], former["rotated_to"]) == (
        "scheduled_revocation", NOON_S + 600, new["id"],
    )  # fmt: skip
    assert Api(world, old["token"]).get("/clients").status == 200
    world.clock.advance(599 * SECOND_MS)
    assert Api(world, old["token"]).get("/clients").status == 200
    world.clock.advance(SECOND_MS)
    assert Api(world, old["token"]).get("/clients").error_code == "invalid_token"
    assert Api(world, new["token"]).get("/clients").status == 200
    former = next(row for row in world.api.get("/api-keys?status=revoked").data)
    assert (former["id"], former["revoked_at"]) == (old["id"], NOON_S + 600)


def test_only_an_active_key_is_rotated(world: World):
    key = made(world)
    assert world.api.post(f"/api-keys/{key['id']}/rotate", {}).status == 201
    assert world.api.post(f"/api-keys/{key['id']}/rotate", {}).error_code == "resource_conflict"


def test_a_revoked_key_is_refused_everywhere_within_five_seconds(world: World):
    key = made(world)
    other = _house(Database(world.url), world.folder, world.founded.keys_dir, world.sat, world.clock)
    try:
        seen = world.run(other.kit.authenticator.authenticate(key["token"]))
        assert seen.key_id == key["key_id"]
        revoked = world.api.delete(f"/api-keys/{key['id']}")
        assert revoked.json == {
            "success": True,
            "message": "API key revoked successfully",
            "data": {"id": key["id"], "status": "revoked", "revoked_at": NOON_S},
        }
        assert Api(world, key["token"]).get("/clients").error_code == "invalid_token"
        world.clock.advance(5 * SECOND_MS)
        with pytest.raises(Exception, match="not valid"):
            world.run(other.kit.authenticator.authenticate(key["token"]))
    finally:
        other.close()


def test_revoking_again_answers_the_same(world: World):
    key = made(world)
    first = world.api.delete(f"/api-keys/{key['id']}").json
    world.clock.advance(9 * SECOND_MS)
    assert world.api.delete(f"/api-keys/{key['id']}").json == first
    assert [row[0] for row in world.query("select action from audit_log where resource_id = :i order by seq", i=key["id"])] == [
        "api_key.create", "api_key.revoke",
    ]  # fmt: skip


def test_a_key_may_end_itself_and_no_other_without_the_scope(world: World):
    narrow, other = made(world, scopes=["clients:read"]), made(world, scopes=["clients:read"])
    as_narrow = Api(world, narrow["token"])

    assert as_narrow.delete(f"/api-keys/{other['id']}").error_code == "insufficient_permissions"
    assert as_narrow.delete("/api-keys/key_unknown").error_code == "insufficient_permissions"
    assert as_narrow.delete(f"/api-keys/{narrow['key_id']}").status == 200


def test_nothing_wider_than_the_caller_is_made_rotated_or_ended(world: World):
    wide = made(world)
    clerk = Api(world, made(world, scopes=["keys:write", "clients:write", "read"])["token"])

    for scopes in (["*"], ["invoices:write"], ["users:read"], ["connect"], ["clients:read", "services:write"]):
        assert clerk.post("/api-keys", {"name": "x", "scopes": scopes}).error_code == "insufficient_permissions", scopes
    assert clerk.post("/api-keys", {"name": "x"}).error_code == "insufficient_permissions"
    assert clerk.post(f"/api-keys/{wide['id']}/rotate", {}).error_code == "insufficient_permissions"
    assert clerk.delete(f"/api-keys/{wide['id']}").error_code == "insufficient_permissions"
    for scopes in (["clients:read"], ["clients:write", "keys:read"], ["invoices:read"], ["read"]):
        assert clerk.post("/api-keys", {"name": "x", "scopes": scopes}).status == 201, scopes


def test_a_test_key_does_not_touch_live_ones(world: World):
    live = made(world, world.live)
    assert live["livemode"] is True
    assert live["key_id"].startswith("sk_live_")
    assert made(world, world.live, livemode=False)["livemode"] is False

    assert world.api.post("/api-keys", {"name": "x", "livemode": True}).error_code == "insufficient_permissions"
    assert world.api.post(f"/api-keys/{live['id']}/rotate", {}).error_code == "insufficient_permissions"
    assert world.api.delete(f"/api-keys/{live['id']}").error_code == "insufficient_permissions"


def test_the_fifty_first_key_of_a_mode_is_refused(world: World):
    have = len(world.api.get("/api-keys?limit=100").data)
    for _ in range(50 - have):
        made(world)
    with world.unchanged():
        assert world.api.post("/api-keys", {"name": "one more"}).error_code == "business_rule_violation"
    assert world.live.post("/api-keys", {"name": "live"}).status == 201
    newest = world.api.get("/api-keys").data[0]
    world.api.delete(f"/api-keys/{newest['id']}")
    assert world.api.post("/api-keys", {"name": "one more"}).status == 201


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "missing_required_field", "name"),
        ({"name": "x" * 65}, "invalid_field_value", "name"),
        ({"name": "x", "scopes": ["invoices"]}, "invalid_field_value", "scopes[0]"),
        ({"name": "x", "scopes": []}, "invalid_field_value", "scopes"),
        ({"name": "x", "scopes": "clients:read"}, "invalid_field_value", "scopes"),
        ({"name": "x", "livemode": "yes"}, "invalid_field_value", "livemode"),
        ({"name": "x", "expires_at": NOON_S + 59}, "invalid_field_value", "expires_at"),
        ({"name": "x", "expires_at": NOON_S - 1}, "invalid_field_value", "expires_at"),
    ],
)
def test_bad_bodies_are_refused_by_field(world: World, body: dict, code: str, path: str):
    with world.unchanged():
        reply = world.api.post("/api-keys", body)
        assert (reply.status, reply.error_code, reply.paths[0][0]) == (400, code, path)


def test_bad_rotations_are_refused_by_field(world: World):
    key = made(world)
    for body in ({"overlap_seconds": -1}, {"overlap_seconds": 86_401}, {"expires_at": NOON_S}):
        reply = world.api.post(f"/api-keys/{key['id']}/rotate", body)
        assert (reply.error_code, reply.paths[0][0]) == ("invalid_field_value", next(iter(body)))


def test_keys_of_another_team_do_not_exist(world: World):
    foreign = made(world, world.rival)
    for reply in (
        world.api.delete(f"/api-keys/{foreign['id']}"),
        world.api.post(f"/api-keys/{foreign['key_id']}/rotate", {}),
    ):
        assert (reply.status, reply.error_code) == (404, "resource_not_found")


def test_last_use_is_written_behind_the_request_to_the_minute(world: World):
    key = made(world)
    world.clock.advance(90 * SECOND_MS)
    with world.unchanged():
        assert Api(world, key["token"]).get("/clients").status == 200
    assert world.query("select last_used_ms from api_keys where id = :i", i=key["id"]) == [(None,)]

    world.run(world.house.key_use.flush())

    row = next(row for row in world.api.get("/api-keys?limit=100").data if row["id"] == key["id"])
    assert row["last_used_at"] == NOON_S + 60


def test_an_expired_key_is_refused_after_the_leeway(world: World):
    key = made(world, expires_at=NOON_S + 60)
    world.clock.advance(89 * SECOND_MS)
    assert Api(world, key["token"]).get("/clients").status == 200
    world.clock.advance(SECOND_MS)
    assert Api(world, key["token"]).get("/clients").error_code == "invalid_token"


def test_every_change_is_audited_and_mailed_to_the_owner(world: World):
    world.house.mail.is_on = True
    key = made(world)
    new = world.api.post(f"/api-keys/{key['id']}/rotate", {}).data
    world.api.delete(f"/api-keys/{new['id']}")

    sql = "select action, resource_id from audit_log where action like 'api_key.%' and resource_id in (:a, :b) order by seq"
    assert world.query(sql, a=key["id"], b=new["id"]) == [
        ("api_key.create", key["id"]), ("api_key.rotate", key["id"]), ("api_key.revoke", new["id"]),
    ]  # fmt: skip
    mails = world.house.mail
    waiting = world.database.write_sync(lambda tx: mails.take(tx, now_ms=NOON_MS, lease_ms=1000, limit=9))
    assert sorted(each.kind for each in waiting) == ["api_key_created", "api_key_revoked", "api_key_rotated"]
    assert {each.recipient for each in waiting} == {"ana@kemper.example"}
    assert all(key["token"] not in each.text.plain for each in waiting)
    assert isinstance(world.clock, FrozenClock)
