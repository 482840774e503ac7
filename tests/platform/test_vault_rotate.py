"""A new master key for a database full of secrets, killed half way, and the refusal of foreign keys."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from timbra import wiring
from timbra.migrations import tables
from timbra.platform import vault_rotate
from timbra.platform.db import Database, metadata
from timbra.platform.sealed import Sealed, sealed_columns
from timbra.platform.vault import SecretContext, Vault, VaultRefused
from timbra.platform.vault_local import LocalKeys
from timbra.platform.vault_rotate import BATCH, refuse_foreign, rotate

ROWS = 2_000
WAITS: list[float] = []
KILLED = """
import sys
from timbra import wiring
from timbra.platform import faults, vault_rotate
from timbra.platform.db import Database
from timbra.platform.vault_local import LocalKeys
from pathlib import Path
import os
seen = 0
def hook(name):
    global seen
    seen += name == sys.argv[3]
    if seen == int(sys.argv[4]):
        os._exit(9)
faults.install(hook)
vault_rotate.rotate(Database(sys.argv[1]), LocalKeys.open(Path(sys.argv[2])), lambda _s: None)
"""


def place(number: int) -> SecretContext:
    return SecretContext("mail_outbox", "sealed_values", f"mail_{number:05}", "team_1", False)


def fill(database: Database, vault: Vault, count: int = ROWS) -> None:
    """So many waiting mails, each with a secret of its own."""
    opener = vault.opener("mail")
    rows = [
        {
            "id": f"mail_{number:05}", "team_id": "team_1", "livemode": False, "kind": "x", "language": "es",
            "recipient": "a@b.mx", "sealed_values": opener.seal(place(number), b"secret %d" % number), "attachments": "[]",
            "created_ms": 1, "due_ms": 1, "attempts": 0,
        }
        for number in range(count)
    ]  # fmt: skip
    database.write_sync(lambda tx: tx.execute(metadata.tables["mail_outbox"].insert(), rows))


def texts(database: Database) -> list[str]:
    return list(
        database.read_sync(lambda tx: tx.execute(text("select sealed_values from mail_outbox order by id")).scalars())
    )


def assert_all_open(database: Database, vault: Vault) -> None:
    opener = vault.opener("mail")
    for number, sealed in enumerate(texts(database)):
        assert opener.open(place(number), sealed).reveal() == b"secret %d" % number


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_every_secret_moves_to_the_new_key_and_the_former_one_goes(database: Database, folder: Path):
    keys = LocalKeys.open(folder)
    refuse_foreign(database, keys)
    running = Vault(LocalKeys.open(folder))  # a server that started before the rotation
    fill(database, running, 450)
    derived = running.derive("file urls")

    done = rotate(database, keys, WAITS.append)

    assert (done.key, done.rows) == ("local-2", 450)
    assert os.listdir(folder) == ["master.2.key"]
    assert {sealed.split(".")[1] for sealed in texts(database)} == {"local-2"}
    assert_all_open(database, running)
    fresh = Vault(LocalKeys.open(folder))
    assert_all_open(database, fresh)
    assert fresh.derive("file urls") == derived  # links and cursors of before stay good
    assert running.opener("mail").seal(place(1), b"x").startswith("v1.local-2.")
    assert rotate(database, LocalKeys.open(folder), WAITS.append).key == "local-3"
    assert_all_open(database, Vault(LocalKeys.open(folder)))


@pytest.mark.parametrize(
    ("point", "nth"), [("vault.key_added", 1), ("vault.batch", ROWS // BATCH // 2), ("vault.former_forgotten", 1)]
)
def test_a_killed_rotation_goes_on(database: Database, folder: Path, point: str, nth: int):
    keys = LocalKeys.open(folder)
    refuse_foreign(database, keys)
    fill(database, Vault(keys))

    arguments = [sys.executable, "-c", KILLED, database.url, str(folder), point, str(nth)]
    assert subprocess.run(arguments, check=False).returncode == 9

    moved = sum(sealed.startswith("v1.local-2.") for sealed in texts(database))
    assert moved == {"vault.key_added": 0, "vault.batch": BATCH * nth, "vault.former_forgotten": ROWS}[point]
    between = LocalKeys.open(folder)
    refuse_foreign(database, between)  # a server can start in between
    assert_all_open(database, Vault(between))
    done = rotate(database, LocalKeys.open(folder), WAITS.append)
    assert (done.key, done.rows) == ("local-2", ROWS - moved)
    assert os.listdir(folder) == ["master.2.key"]
    assert_all_open(database, Vault(LocalKeys.open(folder)))


def test_a_secret_that_does_not_open_keeps_both_keys(database: Database, folder: Path, tmp_path: Path):
    keys = LocalKeys.open(folder)
    refuse_foreign(database, keys)
    fill(database, Vault(LocalKeys.open(tmp_path / "other")), 1)

    with pytest.raises(VaultRefused):
        rotate(database, keys, WAITS.append)

    assert sorted(os.listdir(folder)) == ["master.2.key", "master.key"]


def test_another_master_key_than_the_databases_is_refused(database: Database, folder: Path, tmp_path: Path):
    refuse_foreign(database, LocalKeys.open(folder))
    refuse_foreign(database, LocalKeys.open(folder))

    with pytest.raises(VaultRefused, match="not the one of this database"):
        refuse_foreign(database, LocalKeys.open(tmp_path / "other"))
    with pytest.raises(VaultRefused, match="no master key"):
        LocalKeys.open(tmp_path / "lost", may_create=not vault_rotate.is_sealed(database))
    former = (folder / "master.key").read_bytes()
    rotate(database, LocalKeys.open(folder), WAITS.append)
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    (restored / "master.key").write_bytes(former)
    (restored / "master.key").chmod(0o600)
    with pytest.raises(VaultRefused, match="sealed with local-2"):
        refuse_foreign(database, LocalKeys.open(restored))


def test_every_sealed_column_is_in_the_registry():
    assert wiring.Wiring
    assert tables.metadata is metadata
    named = {
        column for table in metadata.tables.values() for column in table.columns if column.name.startswith("sealed_")
    }
    named -= {column for column in named if column.name.endswith("_ms")}
    assert {str(column) for column in sealed_columns(metadata)} == {str(column) for column in named}
    assert all(isinstance(column.type, Sealed) for column in named)
    assert {str(column) for column in named} >= {
        "csds.sealed_key", "idempotency_records.sealed_body", "mail_outbox.sealed_values", "sandbox_keys.sealed_key",
        "signing_keys.sealed_private_key",
    }  # fmt: skip
