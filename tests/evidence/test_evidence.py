"""Evidence bundles: what is in them, that they verify offline, and that nothing in them can be altered unseen."""

import io
import zipfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timbra.evidence import bundle
from timbra.evidence.bundle import BundleRefused, pack, unpack
from timbra.evidence.check import check
from timbra.evidence.collect import collect
from timbra.invoices import store
from timbra.platform import json
from timbra.platform.tenancy import acting_for
from world import NOON_MS, World

SEED = bytes(range(32))


def packed(world: World, uuid: str) -> bytes:
    async def make() -> bytes:
        with acting_for(world.scope):
            record = await world.database.read(lambda tx: store.find(tx, world.scope, uuid))
            assert record is not None
            made = await collect(world.parts, record)
        return pack(made.about, made.files, SEED, NOON_MS)

    return bytes(world.run(make()))


def canceled(world: World) -> str:
    uuid = str(world.issue(100, metadata={"sandbox": "pac_timeout"})["uuid"])
    assert world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).status == 200
    return uuid


def problems(world: World, content: bytes) -> list[str]:
    """What was looked at and does not hold."""
    return [finding.what for finding in check(unpack(content), world.sat) if finding.problem is not None]


def resigned(content: bytes, **changed: bytes | None) -> bytes:
    """The bundle with other files, hashed and signed anew by somebody else. A file given as None is left out."""
    opened = unpack(content)
    files = {**opened.files, **{name.replace("__", "/"): value for name, value in changed.items() if value is not None}}
    for name, value in changed.items():
        if value is None:
            del files[name.replace("__", "/")]
    about = {name: opened.manifest[name] for name in ("uuid", "internal_id", "status", "livemode", "team")}
    return pack(about, files, bytes(32), NOON_MS)


def test_everything_is_in_it_and_holds(world: World) -> None:
    uuid = canceled(world)

    content = packed(world, uuid)

    opened = unpack(content)
    assert opened.faults == ()
    assert problems(world, content) == []
    assert opened.manifest["uuid"] == uuid
    assert opened.manifest["team"] == {"id": world.team_id, "name": "Kemper", "tax_id": "EKU9003173C9"}
    assert {name.partition("-")[0] for name in opened.files} == {
        "README.txt", "audit.json", "cancellations.json", "certificates/issuer", "certificates/pac", "documents/acuse",
        "documents/sealed", "documents/stamped", "invoice.json", "ledger.json", "sat.json",
    }  # fmt: skip
    assert opened.files["documents/stamped-1.xml"] == world.xml(uuid)
    assert json.loads(opened.files["sat.json"])["answer"]["state"] == "Cancelado"
    calls = [(line["call"], line["outcome"]) for line in json.loads(opened.files["ledger.json"])]
    assert calls == [("stamp", "unknown"), ("find", "stamped"), ("stamp", "stamped"), ("cancel", "taken")]
    actions = [row["action"] for row in json.loads(opened.files["audit.json"])]
    assert actions == ["invoice.create", "invoice.stamp", "invoice.cancel"]


def test_the_same_document_and_instant_give_the_same_bytes(world: World) -> None:
    uuid = canceled(world)

    first, second = unpack(packed(world, uuid)), unpack(packed(world, uuid))

    links = {"invoice.json"}  # its links have an end
    assert {name: first.files[name] for name in first.files.keys() - links} == {
        name: second.files[name] for name in second.files.keys() - links
    }


def test_no_credential_is_in_it(world: World) -> None:
    content = packed(world, canceled(world))

    text = b"".join(unpack(content).files.values())
    for secret in (world.founded.test_key, world.founded.live_key):
        assert secret.encode() not in text
    assert b"PRIVATE KEY" not in text


def altered(content: bytes, name: str, old: bytes, new: bytes) -> bytes:
    before = unpack(content).files[name]
    assert before.count(old) >= 1, (name, old)
    return before.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        (
            "documents/stamped-1.xml",
            b'Total="116.00"',
            b'Total="16.00"',
            "documents/stamped-1.xml: form, seal and timbre",
        ),
        (
            "documents/sealed-1.xml",
            b"Consultor",
            b"Consulter",
            "documents/stamped-1.xml: is the document that was sealed",
        ),
        ("documents/acuse-1.xml", b"201", b"202", "documents/acuse-1.xml: signature, and the document it names"),
        ("ledger.json", b'"number":2', b'"number":7', "ledger.json: numbers, and the stamp it tells of"),
        ("audit.json", b"invoice.create", b"invoice.creatE", "audit.json: every hash covers its row"),
    ],
)
def test_what_somebody_alters_and_signs_anew_is_found_by_what_it_says(
    world: World, name: str, old: bytes, new: bytes, what: str
) -> None:
    content = packed(world, canceled(world))

    forged = resigned(content, **{name.replace("/", "__"): altered(content, name, old, new)})

    assert what in problems(world, forged)
    assert unpack(forged).signer != unpack(content).signer


def test_the_documents_of_another_bundle_do_not_fit(world: World) -> None:
    mine, other = packed(world, canceled(world)), unpack(packed(world, canceled(world)))

    for kind in ("stamped", "acuse"):
        name = f"documents/{kind}-1.xml"
        forged = resigned(mine, **{name.replace("/", "__"): other.files[name]})
        assert any(found.startswith(name) for found in problems(world, forged))


def test_what_is_left_out_is_missed(world: World) -> None:
    content = packed(world, canceled(world))

    assert problems(world, resigned(content, **{"documents__sealed-1.xml": None})) != []
    assert problems(world, resigned(content, **{"audit.json": None})) != []
    assert problems(world, resigned(content, **{"ledger.json": None})) != []


def rezipped(content: bytes, change: Any) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(held, "w") as new:
        for name in old.namelist():
            changed = change(name, old.read(name))
            if changed is not None:
                new.writestr(name, changed)
    return held.getvalue()


def test_without_signing_anew_every_change_is_a_fault(world: World) -> None:
    content = packed(world, canceled(world))

    for target in unpack(content).files:
        touched = rezipped(content, lambda name, data, target=target: data + b" " if name == target else data)
        assert unpack(touched).faults == (f"{target}: its SHA-256 is not the one in the manifest",)
        gone = rezipped(content, lambda name, data, target=target: None if name == target else data)
        assert unpack(gone).faults == (f"{target}: is missing",)
    signed = rezipped(
        content, lambda name, data: data.replace(b"Kemper", b"Camper") if name == "manifest.json" else data
    )
    assert unpack(signed).faults == ("manifest.json: the signature is not over it",)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"not a zip", b"PK\x05\x06" + bytes(18), rezipped(pack({}, {}, SEED, NOON_MS), lambda *_: None)],
)
def test_what_is_no_bundle(content: bytes) -> None:
    with pytest.raises(BundleRefused):
        unpack(content)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[]", b"{}", b'{"version":2}', b'{"version":1,"files":[],"signed_by":"x"}', b'{"version":1,"files":{}}'],
)
def test_bad_manifests(manifest: bytes) -> None:
    content = rezipped(
        pack({}, {"a": b"b"}, SEED, NOON_MS), lambda name, data: manifest if name == "manifest.json" else data
    )

    with pytest.raises(BundleRefused):
        unpack(content)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pack({}, {"zeros": bytes(2_000_000)}, SEED, NOON_MS)
    monkeypatch.setattr(bundle, "BYTES_MAX", 1_000_000)

    with pytest.raises(BundleRefused):
        unpack(content)


VALID = pack({"uuid": None}, {"ledger.json": b"[]", "audit.json": b"[]"}, SEED, NOON_MS)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(VALID) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_a_refusal_or_a_fault_or_nothing_said(place: int, value: int) -> None:
    content = VALID[:place] + bytes([value]) + VALID[place + 1 :]

    try:
        opened = unpack(content)
    except BundleRefused:
        return
    same = {**opened.files} == {**unpack(VALID).files} and opened.manifest == unpack(VALID).manifest
    assert opened.faults or same
