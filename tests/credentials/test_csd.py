import asyncio
import base64
import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from sqlalchemy import text

from factories.csds import OCTOBER_2026_MS, RFC, IssuedCsds
from timbra.cfdi.certificate import read
from timbra.credentials import csd as csd_module
from timbra.credentials.csd import CsdFacts, CsdSigner, Signers, current, store_csd
from timbra.credentials.trust import Environment
from timbra.credentials.upload import CheckedCsd
from timbra.pac.sandbox.authority import Issued
from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database, UniqueViolation
from timbra.platform.scope import SERVER, TeamScope
from timbra.platform.vault import Opener, Vault, VaultRefused
from timbra.platform.vault_local import LocalKeys

TEST = TeamScope("team_1", livemode=False)
LIVE = TeamScope("team_1", livemode=True)
OTHER = TeamScope("team_2", livemode=False)


@pytest.fixture
def opener() -> Opener:
    return Vault(LocalKeys(bytes(range(32)))).opener("csd")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(OCTOBER_2026_MS)


@pytest.fixture
def signers(database: Database, opener: Opener, clock: FrozenClock) -> Signers:
    return Signers(database, opener, clock)


@pytest.fixture
def reads(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with every unit of work that reads."""
    seen: list[str] = []
    original = database.read_sync

    def counted(unit):
        seen.append("read")
        return original(unit)

    monkeypatch.setattr(database, "read_sync", counted)
    return seen


def connect(
    database: Database, opener: Opener, scope: TeamScope, csd: Issued, at_ms: int = OCTOBER_2026_MS
) -> CsdFacts:
    checked = CheckedCsd(read(csd.certificate), Environment.SANDBOX, csd.key)
    return database.write_sync(lambda tx: store_csd(tx, scope, checked, opener=opener, actor=SERVER, at_ms=at_ms))


def signer_for(signers: Signers, scope: TeamScope) -> CsdSigner | None:
    return asyncio.run(signers.signer_for(scope))


def rows(database: Database, sql: str) -> list[tuple]:
    return [tuple(row) for row in database.read_sync(lambda tx: tx.execute(text(sql)).all())]


def test_stored_csd_signs_and_carries_its_certificate(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds
):
    connect(database, opener, TEST, issued.first)

    signer = signer_for(signers, TEST)

    key = read(issued.first.certificate).public_key
    key.verify(signer.sign(b"cadena"), b"cadena", PKCS1v15(), SHA256())
    key.verify(signer.sign_sha1(b"info"), b"info", PKCS1v15(), SHA1())
    assert signer.certificate.rfc == RFC
    assert signer.text.number == "30009000000000000002"
    assert base64.b64decode(signer.text.base64) == issued.first.certificate


def test_a_slot_without_csd_has_no_signer(database: Database, opener: Opener, signers: Signers, issued: IssuedCsds):
    connect(database, opener, TEST, issued.first)

    assert signer_for(signers, LIVE) is None
    assert signer_for(signers, OTHER) is None
    assert database.read_sync(lambda tx: current(tx, LIVE)) is None


def test_facts_of_the_current_csd(database: Database, opener: Opener, issued: IssuedCsds):
    stored = connect(database, opener, TEST, issued.first)

    found = database.read_sync(lambda tx: current(tx, TEST))

    assert found == stored
    assert dataclasses.asdict(found) == {
        "id": found.id,
        "number": "30009000000000000002",
        "rfc": RFC,
        "name": "HERRERÍA ÑANDÚ SA DE CV",
        "environment": "sandbox",
        "not_before_ms": OCTOBER_2026_MS,
        "not_after_ms": OCTOBER_2026_MS + 1461 * 86_400_000,
        "connected_ms": OCTOBER_2026_MS,
    }


def test_an_upload_replaces_the_current_one_and_keeps_it(database: Database, opener: Opener, issued: IssuedCsds):
    connect(database, opener, TEST, issued.first)
    connect(database, opener, LIVE, issued.first)
    connect(database, opener, TEST, issued.second, OCTOBER_2026_MS + 1000)

    assert database.read_sync(lambda tx: current(tx, TEST)).number == "30009000000000000003"
    assert database.read_sync(lambda tx: current(tx, LIVE)).number == "30009000000000000002"
    assert rows(database, "SELECT number, replaced_ms FROM csds WHERE livemode = false ORDER BY created_ms") == [
        ("30009000000000000002", OCTOBER_2026_MS + 1000),
        ("30009000000000000003", None),
    ]


def test_each_upload_is_audited_without_secrets(database: Database, opener: Opener, issued: IssuedCsds):
    stored = connect(database, opener, TEST, issued.first)

    assert rows(database, "SELECT action, resource_id, changes FROM audit_log") == [
        (
            "team.sat_connection",
            stored.id,
            f'{{"certificate_number":"30009000000000000002","tax_id":"{RFC}","environment":"sandbox"}}',
        )
    ]


def test_the_private_key_is_not_readable_in_the_row(database: Database, opener: Opener, issued: IssuedCsds):
    connect(database, opener, TEST, issued.first)

    [(sealed,)] = rows(database, "SELECT sealed_key FROM csds")
    secret = issued.first.key[60:120]

    assert sealed.startswith("v1.local.")
    for form in (secret.hex(), base64.b64encode(secret).decode()[:60], base64.urlsafe_b64encode(secret).decode()[:60]):
        assert form not in sealed


def test_a_sealed_key_moved_to_another_team_does_not_open(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds
):
    connect(database, opener, TEST, issued.first)
    database.write_sync(lambda tx: tx.execute(text("UPDATE csds SET team_id = 'team_2'")))

    with pytest.raises(VaultRefused):
        signer_for(signers, OTHER)


def test_a_held_signer_asks_the_database_once_in_five_seconds(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds, clock: FrozenClock, reads: list[str]
):
    connect(database, opener, TEST, issued.first)

    first = signer_for(signers, TEST)
    clock.advance(4_999)
    assert signer_for(signers, TEST) is first
    assert len(reads) == 1
    clock.advance(1)
    assert signer_for(signers, TEST) is first
    assert len(reads) == 2
    clock.advance(4_999)
    assert signer_for(signers, TEST) is first
    assert len(reads) == 2


def test_a_csd_replaced_elsewhere_is_noticed_after_five_seconds(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds, clock: FrozenClock
):
    connect(database, opener, TEST, issued.first)
    signer_for(signers, TEST)
    connect(database, opener, TEST, issued.second)

    clock.advance(5_000)

    assert (signer_for(signers, TEST)).text.number == "30009000000000000003"


def test_a_csd_replaced_here_is_used_at_once(database: Database, opener: Opener, signers: Signers, issued: IssuedCsds):
    connect(database, opener, TEST, issued.first)
    signer_for(signers, TEST)
    connect(database, opener, TEST, issued.second)

    signers.forget(TEST)

    assert (signer_for(signers, TEST)).text.number == "30009000000000000003"


def test_a_deleted_csd_signs_no_more(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds, clock: FrozenClock
):
    connect(database, opener, TEST, issued.first)
    signer_for(signers, TEST)
    database.write_sync(lambda tx: tx.execute(text("DELETE FROM csds")))

    clock.advance(5_000)

    assert signer_for(signers, TEST) is None
    assert len(signers._held) == 0


def test_an_idle_key_leaves_the_memory_after_ten_minutes(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds, clock: FrozenClock
):
    connect(database, opener, TEST, issued.first)
    signer_for(signers, TEST)

    clock.advance(10 * 60_000 + 1)
    signer_for(signers, OTHER)

    assert len(signers._held) == 0


def test_the_least_recently_used_key_leaves_when_there_are_too_many(
    database: Database, opener: Opener, signers: Signers, issued: IssuedCsds, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(csd_module, "HELD_MAX", 2)
    for scope in (TEST, LIVE, OTHER):
        connect(database, opener, scope, issued.first)
    signer_for(signers, TEST)
    signer_for(signers, LIVE)
    signer_for(signers, TEST)

    signer_for(signers, OTHER)

    assert set(signers._held) == {TEST, OTHER}
    signers.close()
    assert len(signers._held) == 0


def test_a_slot_cannot_have_two_current_csds(database: Database, opener: Opener, issued: IssuedCsds):
    connect(database, opener, TEST, issued.first)
    connect(database, opener, TEST, issued.second)

    with pytest.raises(UniqueViolation):
        database.write_sync(lambda tx: tx.execute(text("UPDATE csds SET replaced_ms = NULL")))
