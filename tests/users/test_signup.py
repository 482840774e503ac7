"""POST /auth/signup (contract auth.md section 9)."""

import base64
import hashlib
import uuid
from typing import Any

import pytest

from factories.accounts import actions, link_in, mails, untouched
from timbra.platform import json
from timbra.users.signup import _months_later
from world import NOON_MS, Api, Reply, World

PARTNER = "partner-key-of-a-marketplace"
BODY = {
    "email": "agent@example.com", "name": "Agent Builder Inc", "rfc": "EKU9003173C9", "country": "MEX", "plan_id": "free",
    "partner_ref": "SANTIAGO-A7K9", "metadata": {"source": "my-agent-cli"},
}  # fmt: skip
K1 = "7f0e4f7c-3f3c-4f7c-9a53-0a2f6f0f8a11"


@pytest.fixture(autouse=True)
def partners(monkeypatch: pytest.MonkeyPatch) -> None:
    other = hashlib.sha256(b"another").hexdigest()
    monkeypatch.setenv("TIMBRA_INTERNAL_API_KEYS", f"{other}, {hashlib.sha256(PARTNER.encode()).hexdigest()}")
    monkeypatch.setenv("TIMBRA_MAIL", "smtp://127.0.0.1:2525?from=no-reply@example.com")


def sign_up(world: World, body: Any = None, key: str | None = None, partner: str = PARTNER) -> Reply:
    headers = {"X_Internal_API_Key": partner, "Idempotency_Key": key or str(uuid.uuid4())}
    return Api(world, "ignored").post("/auth/signup", BODY if body is None else body, **headers)


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_makes_account_team_owner_subscription_and_keys(world: World) -> None:
    reply = sign_up(world)

    assert reply.status == 201, reply.json
    made = reply.json
    assert "data" not in made
    assert (made["success"], made["message"]) == (True, "Account created successfully")
    assert set(made["subscription"]) == {"id", "status", "current_period_end"}
    assert made["subscription"]["status"] == "active"
    assert made["subscription"]["current_period_end"] == NOON_MS // 1000 + 31 * 86_400
    assert made["next_steps"]["fiel_upload_url"] == f"POST /v2/teams/{made['team_id']}/sat-connection"
    for mode, livemode in (("live", True), ("test", False)):
        found = claims(made["api_keys"][mode])
        assert (found["team"], found["livemode"]) == (made["team_id"], livemode)
        team = Api(world, made["api_keys"][mode]).get(f"/teams/{made['team_id']}").data
        assert (team["name"], team["account_type"], team["connect_enabled"]) == ("Agent Builder Inc", "api_only", True)
        assert (team["tax_id"], team["billing_account"]) == ("EKU9003173C9", made["billing_account_id"])
        assert team["members"] == [
            {"id": made["user_id"], "email": "agent@example.com", "name": "Agent Builder Inc", "role": "owner"}
        ]
    assert ("account.signup", made["team_id"]) in actions(world, "account.")
    assert world.events(of="teams.") == []
    kind, to, text = mails(world)[0]
    assert (kind, to) == ("welcome", "agent@example.com")
    assert "/set-password?token=pw_" in link_in(text)
    stored = world.query(
        "select partner_ref, metadata from billing_accounts where id = :b", b=made["billing_account_id"]
    )
    assert stored == [("SANTIAGO-A7K9", '{"source":"my-agent-cli"}')]
    series = Api(world, made["api_keys"]["test"]).get(f"/teams/{made['team_id']}/series").data
    assert [one["series"] for one in series] == ["A", "E", "P"]


def test_the_new_owner_gets_login_links(world: World) -> None:
    made = sign_up(world).json

    reply = Api(world, made["api_keys"]["test"]).post("/users/login-link", {"user_id": made["user_id"]})

    assert reply.status == 200


def test_defaults(world: World) -> None:
    made = sign_up(world, {"email": "b@example.com", "name": "B", "plan_id": "PRO", "livemode": False}).json

    team = Api(world, made["api_keys"]["test"]).get(f"/teams/{made['team_id']}").data
    assert (team["tax_id"], team["address"]["country"]) == ("XAXX010101000", "MEX")


def test_the_same_key_gives_the_same_account_with_its_tokens_sealed(world: World) -> None:
    first = sign_up(world, key=K1)
    with untouched(world):
        again = sign_up(world, key=K1)
        other = sign_up(world, {**BODY, "name": "Other"}, key=K1)

    assert (again.status, again.header("Idempotent-Replayed"), again.json) == (201, "true", first.json)
    assert (other.status, other.error_code) == (409, "resource_conflict")
    assert first.json["api_keys"]["live"] not in str(world.query("select * from idempotency_records"))


def test_an_address_signs_up_once(world: World) -> None:
    sign_up(world)

    with untouched(world):
        reply = sign_up(world, {**BODY, "email": "AGENT@example.com"})
    assert (reply.status, reply.error_code) == (409, "resource_already_exists")


@pytest.mark.parametrize("partner", ["", "wrong"])
def test_needs_a_partner_key(world: World, partner: str) -> None:
    with untouched(world):
        reply = sign_up(world, b"no json", partner=partner)
    assert (reply.status, reply.error_code) == (401, "unauthorized")


def test_without_partner_keys_nobody_signs_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIMBRA_INTERNAL_API_KEYS")
    world.restart()

    assert [sign_up(world, partner=partner).status for partner in (PARTNER, "")] == [401, 401]


@pytest.mark.parametrize("key", ["x", "7f0e4f7c-3f3c-1f7c-9a53-0a2f6f0f8a11"])
def test_needs_a_uuid_v4_as_key(world: World, key: str) -> None:
    with untouched(world):
        reply = sign_up(world, key=key)
        absent = Api(world, "x").post("/auth/signup", BODY, X_Internal_API_Key=PARTNER)
    assert (reply.status, reply.error_code, reply.paths) == (
        400,
        "invalid_field_value",
        [("Idempotency-Key", "format")],
    )
    assert (absent.status, absent.error_code) == (400, "missing_required_field")


@pytest.mark.parametrize(
    ("change", "code", "paths"),
    [
        ({"email": None, "name": None, "plan_id": None}, "missing_required_field",
         [("email", "required"), ("name", "required"), ("plan_id", "required")]),
        ({"plan_id": "gold"}, "invalid_field_value", [("plan_id", "enum")]),
        ({"rfc": "X"}, "invalid_field_value", [("rfc", "format")]),
        ({"billing_cycle": "daily"}, "invalid_field_value", [("billing_cycle", "enum")]),
        ({"partner_ref": "x" * 65, "name": None}, "validation_failed", [("name", "required"), ("partner_ref", "max_length")]),
    ],
)  # fmt: skip
def test_refuses(world: World, change: dict[str, Any], code: str, paths: list[tuple[str, str]]) -> None:
    with untouched(world):
        reply = sign_up(world, {**BODY, **change})
    assert (reply.status, reply.error_code, reply.paths) == (400, code, paths)


def test_a_fault_carries_binnacle_id(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.users.signup._create", lambda *_: 1 // 0)

    with untouched(world):
        reply = sign_up(world)

    assert (reply.status, reply.error_code) == (500, "internal_server_error")
    assert reply.json["binnacle_id"] == reply.json["request_id"]


def test_months_end_on_the_last_day() -> None:
    january_31 = 1_801_353_600_000  # 2027-01-31
    assert _months_later(january_31, 1) == january_31 + 28 * 86_400_000
    assert _months_later(january_31, 12) == january_31 + 365 * 86_400_000
