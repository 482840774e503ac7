"""CSD upload through the API (contract teams.md section 9)."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from factories.csds import issue_fiel
from timbra.credentials import expiry
from timbra.pac.sandbox.authority import Issued, issue_csd, make_authority
from timbra.platform.ids import new_serial_digits
from timbra.platform.scope import TeamScope
from world import DAY_MS, NOON_MS, Api, Reply, World

PASSWORD = "contraseña 1 "
RFC, NAME = "EKU9003173C9", "ESCUELA KEMPER URGATE"
BOUNDARY = "frontera"


def form(**parts: Any) -> bytes:
    """A multipart body: bytes are files, text is text."""
    lines = []
    for name, value in parts.items():
        file = f'; filename="{name}.der"' if isinstance(value, bytes) else ""
        raw = value if isinstance(value, bytes) else value.encode()
        lines.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + raw)
    return b"\r\n".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


def upload(api: Api, team: str, **parts: Any) -> Reply:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return api.call("POST", f"/teams/{team}/sat-connection", form(**parts), content_type=kind)


def csd(world: World, rfc: str = RFC, name: str = NAME, authority: Issued | None = None) -> Issued:
    return issue_csd(
        authority or world.house.sandbox.authority,
        rfc=rfc,
        name=name,
        serial=new_serial_digits(20),
        at_ms=NOON_MS - DAY_MS,
    )


def parts_of(issued: Issued, **changes: Any) -> dict[str, Any]:
    return {"cert": issued.certificate, "key": issued.encrypted_key(PASSWORD), "keyPass": PASSWORD} | changes


def test_an_upload_replaces_the_slot_and_signs_the_next_invoice(world: World):
    before = world.issue()
    issued = csd(world)

    reply = upload(world.api, world.team_id, **parts_of(issued))

    assert (reply.status, reply.message) == (200, "SAT connection completed successfully")
    data = reply.data
    assert data == {
        "completed": True, "tax_id": RFC, "legal_name": NAME, "certificate_number": data["certificate_number"],
        "valid_from": (NOON_MS - DAY_MS) // 1000, "csd_expires_at": (NOON_MS - DAY_MS) // 1000 + 1461 * 86_400,
        "connected_at": NOON_MS // 1000, "environment": "sandbox",
    }  # fmt: skip
    after = world.issue()
    number = world.root(after["uuid"]).get("NoCertificado")
    assert number == data["certificate_number"]
    assert number != world.root(before["uuid"]).get("NoCertificado")
    kept = world.query("select count(*) from csds where team_id = :t and livemode = :l", t=world.team_id, l=False)
    assert kept == [(2,)]
    assert world.query(
        "select action from audit_log where team_id = :t and action = 'team.sat_connection' order by seq",
        t=world.team_id,
    )[-1:] == [("team.sat_connection",)]
    event = world.event_bodies("teams.sat.completed")[-1]
    assert (event["id"], event["sat"]["certificate_number"]) == (world.team_id, number)


def test_nothing_secret_comes_back_or_lies_in_the_database(world: World):
    issued = csd(world)
    upload(world.api, world.team_id, **parts_of(issued), idempotency_key="x")

    rows = repr(world.query("select * from csds")) + repr(world.query("select * from audit_log"))
    assert repr(issued.key)[2:60] not in rows
    assert PASSWORD.strip() not in rows
    shown = world.api.get(f"/teams/{world.team_id}").data["sat"]
    assert set(shown) == {
        "completed", "tax_id", "certificate_number", "csd_expires_at", "connected_at", "environment", "manifest",
    }  # fmt: skip


def test_a_team_without_rfc_takes_rfc_and_name_from_the_certificate(world: World):
    made = world.api.post("/teams", {"brand": {"alias": "Nueva"}})
    assert made.status == 201, made.json
    team = made.data["id"]

    reply = upload(world.api, team, **parts_of(csd(world, "HAÑ930228SM9", "HERRERÍA ÑANDÚ")))

    assert reply.status == 200, reply.json
    shown = world.api.get(f"/teams/{team}").data
    assert (shown["tax_id"], shown["legal_name"]) == ("HAÑ930228SM9", "HERRERÍA ÑANDÚ")
    assert shown["sat"]["completed"] is True
    told = world.query("select team_id from events where type = 'teams.sat.completed' and object_id = :t", t=team)
    assert told == [(world.team_id,)]  # the team with Connect hears of it
    assert world.live.get(f"/teams/{team}").data["sat"]["completed"] is False


def test_every_error_row(world: World):
    good = parts_of(csd(world))
    team = world.team_id
    fiel = issue_fiel(world.house.sandbox.authority, rfc=RFC, name=NAME, at_ms=NOON_MS - DAY_MS)
    stranger = csd(world, authority=make_authority(serial=new_serial_digits(20), at_ms=NOON_MS - DAY_MS))
    rows: list[tuple[dict[str, Any], int, str, list[str]]] = [
        ({"cert": None}, 400, "missing_required_field", ["cert"]),
        ({"key": None}, 400, "missing_required_field", ["key"]),
        ({"keyPass": None}, 400, "missing_required_field", ["keyPass"]),
        ({"cert": None, "key": None, "keyPass": None}, 400, "missing_required_field", ["cert", "key", "keyPass"]),
        ({"cert": "text, no file"}, 400, "missing_required_field", ["cert"]),
        ({"cert": b""}, 400, "file_upload_error", ["cert"]),
        ({"key": b""}, 400, "file_upload_error", ["key"]),
        ({"cert": b"0" * 65_537}, 413, "file_upload_error", ["cert"]),
        ({"key": b"0" * 65_537}, 413, "file_upload_error", ["key"]),
        ({"cert": b"hello"}, 400, "invalid_file_format", ["cert"]),
        ({"key": b"hello"}, 400, "invalid_file_format", ["key"]),
        ({"cert": good["key"], "key": good["cert"]}, 400, "invalid_file_format", ["cert"]),
        (parts_of(fiel), 400, "invalid_file_format", ["cert"]),
        ({"keyPass": "wrong"}, 400, "invalid_field_value", ["keyPass"]),
        ({"keyPass": PASSWORD.strip()}, 400, "invalid_field_value", ["keyPass"]),
        ({"cert": csd(world).certificate}, 400, "invalid_field_value", ["key"]),
        (parts_of(csd(world, "XIA190128J61", "XENON")), 400, "business_rule_violation", []),
        (parts_of(stranger), 400, "business_rule_violation", []),
    ]
    for changes, status, code, paths in rows:
        parts = {name: value for name, value in {**good, **changes}.items() if value is not None}
        with world.unchanged():
            reply = upload(world.api, team, **parts)
            assert (reply.status, reply.error_code, [p for p, _ in reply.paths]) == (status, code, paths), changes
    with world.unchanged():
        assert upload(world.live, team, **good).error_code == "business_rule_violation"
        assert world.api.post(f"/teams/{team}/sat-connection", {"keyPass": "x"}).error_code == "invalid_request_body"
        assert upload(world.rival, team, **good).status == 404
    world.clock.advance(1462 * DAY_MS)
    assert "expired" in upload(world.api, team, **good).json["message"]


def test_the_password_is_taken_literally_but_for_one_line_end(world: World):
    issued = csd(world)
    assert upload(world.api, world.team_id, **parts_of(issued, keyPass=PASSWORD + "\n")).status == 200
    aliased = parts_of(issued)
    aliased["password"] = aliased.pop("keyPass")
    assert upload(world.api, world.team_id, **aliased).status == 200


def test_a_repeat_with_the_same_key_is_answered_the_same(world: World):
    body = form(**parts_of(csd(world)))
    headers = {"content_type": f"multipart/form-data; boundary={BOUNDARY}", "idempotency_key": "once"}
    path = f"/teams/{world.team_id}/sat-connection"
    first = world.api.call("POST", path, body, **headers)
    again = world.api.call("POST", path, body, **headers)
    assert first.json == again.json
    assert again.header("idempotent-replayed") == "true"


def test_five_hundred_damaged_files_are_refused_quickly(world: World):
    chance = random.Random(500)
    good = parts_of(csd(world))
    slowest = 0.0
    for number in range(500):
        part = ("cert", "key")[number % 2]
        broken = bytearray(good[part])
        match number % 5:
            case 0:
                del broken[chance.randrange(1, len(broken)) :]
            case 1:
                broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
            case 2:
                at = chance.randrange(len(broken))
                broken[at : at + 1] = chance.randbytes(chance.randrange(2, 40))
            case 3:
                for _ in range(20):
                    broken[chance.randrange(min(120, len(broken)))] = chance.randrange(256)
            case _:
                broken = bytearray(chance.randbytes(chance.randrange(1, 3000)))
        began = time.monotonic()
        reply = upload(world.api, world.team_id, **{**good, part: bytes(broken)})
        slowest = max(slowest, time.monotonic() - began)
        assert 400 <= reply.status < 500, (number, reply.status)
        assert "Traceback" not in reply.raw.text
    assert slowest <= 2.0
    assert upload(world.api, world.team_id, **good).status == 200


@pytest.fixture
def sat_public(sat_samples: Path) -> dict[str, Any]:
    """SAT's public test CSD of EKU9003173C9."""
    file = sat_samples / "csd" / "valid-2027" / "csd" / RFC
    return {
        "cert": file.with_suffix(".cer").read_bytes(),
        "key": file.with_suffix(".key").read_bytes(),
        "keyPass": "12345678a",
    }


def test_the_public_csd_of_sat_stamps_in_test_mode_and_is_refused_in_live(world: World, sat_public: dict[str, Any]):
    reply = upload(world.api, world.team_id, **sat_public)
    assert reply.status == 200, reply.json
    assert reply.data["environment"] == "test"

    invoice = world.issue()

    assert world.root(invoice["uuid"]).get("NoCertificado") == reply.data["certificate_number"]
    refused = upload(world.live, world.team_id, **sat_public)
    assert (refused.status, refused.error_code) == (400, "business_rule_violation")


def test_every_public_csd_of_sat_goes_into_the_test_slot_of_a_new_team(world: World, sat_samples: Path):
    for cert in sorted((sat_samples / "csd" / "valid-2027" / "csd").glob("*.cer")):
        team = world.api.post("/teams", {"brand": {"alias": cert.stem}}).data["id"]
        parts = {"cert": cert.read_bytes(), "key": cert.with_suffix(".key").read_bytes(), "keyPass": "12345678a"}
        reply = upload(world.api, team, **parts)
        assert (reply.status, reply.json.get("data", {}).get("tax_id")) == (200, cert.stem), reply.json
        assert upload(world.live, team, **parts).error_code == "business_rule_violation"


def test_the_end_of_a_csd_is_announced_once_per_step(world: World):
    world.house.mail.is_on = True
    upload(world.api, world.team_id, **parts_of(csd(world)))
    scope = TeamScope(world.team_id, livemode=False)
    end_ms = NOON_MS - DAY_MS + 1461 * DAY_MS
    told = []
    for days in (61, 60, 59, 31, 30, 30, 8, 7, 2, 1, 0):
        world.clock.advance(end_ms - days * DAY_MS - world.clock.now_ms() + 3_600_000)
        world.run(expiry.warn(world.house.credentials))
        sql = "select count(*) from events where type = 'teams.sat.expiring' and object_id = :t and livemode = :l"
        told.append(world.query(sql, t=scope.team_id, l=False)[0][0])

    assert told == [0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
    mails = world.query("select kind, recipient from mail_outbox where livemode = :l", l=False)
    assert mails == [("csd_expiring", "ana@kemper.example")] * 2
    assert world.api.get(f"/teams/{world.team_id}").data["sat"]["completed"] is False  # an hour past its end
