"""The carta manifiesto through the API (contract teams.md section 10)."""

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from pypdf import PdfReader

from factories.csds import issue_fiel
from timbra.cfdi.certificate import read
from timbra.pac.sandbox.authority import Issued, issue_csd
from world import DAY_MS, NOON_MS, Api, Reply, World

PASSWORD = "la clave"
RFC, NAME = "EKU9003173C9", "ESCUELA KEMPER URGATE"


def fiel(world: World, rfc: str = RFC) -> Issued:
    return issue_fiel(world.house.sandbox.authority, rfc=rfc, name=NAME, at_ms=NOON_MS - DAY_MS)


def body_of(issued: Issued, **changes: Any) -> dict[str, Any]:
    parts = {"cert": issued.certificate, "key": issued.encrypted_key(PASSWORD)}
    coded = {name: base64.b64encode(content).decode() for name, content in parts.items()}
    return {**coded, "password": PASSWORD, **changes}


def sign(world: World, body: dict[str, Any], api: Api | None = None, team: str | None = None) -> Reply:
    return (api or world.api).post(f"/teams/{team or world.team_id}/manifest/sign", body)


def test_a_manifest_is_signed_kept_and_served_as_pdf(world: World):
    issued = fiel(world)

    reply = sign(world, body_of(issued))

    assert (reply.status, reply.message) == (200, "Manifest signed successfully")
    data = reply.data
    url = data.pop("file_url")
    assert data == {
        "signed": True, "signed_at": NOON_MS // 1000, "tax_id": RFC, "certificate_number": "30009000000000000077",
    }  # fmt: skip
    ((text, signature, certificate),) = world.query("select text, signature, certificate from manifests")
    read(bytes(certificate)).public_key.verify(bytes(signature), text.encode(), PKCS1v15(), SHA256())
    for fact in (RFC, NAME, "30009000000000000077", "SANDBOX PAC SIN VALIDEZ FISCAL", "2026-10-09 12:00:00"):
        assert fact in text
    file = world.run(world.http.get(url))
    assert (file.status_code, file.headers["content-type"]) == (200, "application/pdf")
    page = PdfReader(BytesIO(file.content)).pages[0].extract_text()
    assert RFC in page
    assert base64.b64encode(bytes(signature)).decode()[:60] in page
    assert world.run(world.http.get(url[:-4] + "0000")).status_code == 404
    assert world.api.get(f"/teams/{world.team_id}").data["sat"]["manifest"] == {
        "signed": True,
        "signed_at": NOON_MS // 1000,
    }
    assert world.event_bodies("teams.sat.manifest.signed")[0]["id"] == world.team_id
    assert world.query("select count(*) from audit_log where action = 'team.manifest_sign'") == [(1,)]


def test_the_fiel_is_not_kept_and_signing_again_makes_a_new_record(world: World):
    issued = fiel(world)
    sign(world, body_of(issued))
    sign(world, body_of(issued))

    rows = world.query("select * from manifests")
    assert len(rows) == 2
    assert issued.key not in [value for row in rows for value in row]
    assert world.query("select count(*) from csds where certificate = :c", c=issued.certificate) == [(0,)]


def test_every_error_row(world: World):
    good = body_of(fiel(world))
    csd = issue_csd(
        world.house.sandbox.authority, rfc=RFC, name=NAME, serial="30009000000000000078", at_ms=NOON_MS - DAY_MS
    )
    rows: list[tuple[dict[str, Any], int, str, list[str]]] = [
        ({"cert": None}, 400, "missing_required_field", ["cert"]),
        ({"cert": None, "key": None, "password": ""}, 400, "missing_required_field", ["cert", "key", "password"]),
        ({"cert": 7}, 400, "invalid_field_value", ["cert"]),
        ({"cert": "no base64!"}, 400, "invalid_field_value", ["cert"]),
        ({"key": "a"}, 400, "invalid_field_value", ["key"]),
        ({"cert": base64.b64encode(b"hello").decode()}, 400, "invalid_file_format", ["cert"]),
        ({"cert": base64.b64encode(b"0" * 65_537).decode()}, 413, "file_upload_error", ["cert"]),
        ({"password": "wrong"}, 400, "invalid_field_value", ["password"]),
        (body_of(csd), 400, "invalid_file_format", ["cert"]),
        (body_of(fiel(world, "XIA190128J61")), 400, "business_rule_violation", []),
    ]
    for changes, status, code, paths in rows:
        with world.unchanged():
            reply = sign(world, {**good, **changes})
            assert (reply.status, reply.error_code, [path for path, _ in reply.paths]) == (status, code, paths), changes
    blank = world.api.post("/teams", {"brand": {"alias": "sin RFC"}}).data["id"]
    assert sign(world, good, team=blank).error_code == "business_rule_violation"
    assert sign(world, good, api=world.live).error_code == "business_rule_violation"
    assert sign(world, good, api=world.rival).status == 404
    world.clock.advance(1462 * DAY_MS)
    assert "expired" in sign(world, good).json["message"]


def test_the_public_fiel_of_sat_signs_in_test_mode(world: World, sat_samples: Path):
    file = sat_samples / "csd" / "valid-2027" / "fiel" / RFC
    parts = {"cert": file.with_suffix(".cer").read_bytes(), "key": file.with_suffix(".key").read_bytes()}
    body = {name: base64.b64encode(content).decode() for name, content in parts.items()} | {"password": "12345678a"}

    assert sign(world, body).data["tax_id"] == RFC
    assert sign(world, body, api=world.live).error_code == "business_rule_violation"
