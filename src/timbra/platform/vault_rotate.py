"""The master keys a database was sealed with, and the change to a new one.

``master_keys`` holds a fingerprint of each key that texts of this database may be sealed under, so that a server with
another key refuses to start instead of failing at the first secret.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, LargeBinary, String, Table, delete, select, tuple_, update

from timbra.platform import faults
from timbra.platform.db import Database, Tx, insert_or, metadata
from timbra.platform.sealed import sealed_columns
from timbra.platform.vault import KeyProvider, Vault, VaultRefused, prefix_of
from timbra.platform.vault_local import LocalKeys

BATCH = 200
SETTLE_S = 15  # longer than any unit of work that may still write a text sealed under the former key

master_keys = Table(
    "master_keys",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Rotated:
    """``rows`` secrets were rewrapped by this run; ``key`` is the only master key now."""

    key: str
    rows: int


def is_sealed(database: Database) -> bool:
    """Whether the database has a master key already."""
    return database.read_sync(lambda tx: bool(_known(tx)))


def refuse_foreign(database: Database, keys: KeyProvider) -> None:
    """Raises VaultRefused unless the keys are those of the database. An unsealed database takes them as its own."""
    here = keys.fingerprints()

    def unit(tx: Tx) -> None:
        known = _known(tx)
        missing = sorted(name for name, fingerprint in known.items() if here.get(name) != fingerprint)
        if missing:
            raise VaultRefused(
                f"the master key here is not the one of this database, which was sealed with {', '.join(missing)} "
                f"({', '.join(known[name].hex()[:12] for name in missing)}); here is {', '.join(here)} "
                f"({', '.join(here[name].hex()[:12] for name in here)}). Put the right key file back, "
                f"or connect to the right database"
            )
        if keys.name not in known:
            _register(tx, keys.name, here[keys.name])

    database.write_sync(unit)


def rotate(
    database: Database, keys: LocalKeys, pause: Callable[[float], None], *, settle_s: float = SETTLE_S
) -> Rotated:
    """Every secret is under a new master key and the former one is gone. Begins where a killed run ended.

    Servers may run meanwhile. pause: waits so many seconds. Raises VaultRefused when a secret does not open: then
    both keys stay.
    """
    refuse_foreign(database, keys)
    if len(keys.fingerprints()) == 1:
        keys.add()
    faults.point("vault.key_added")
    refuse_foreign(database, keys)  # registers the new key
    vault = Vault(keys)
    rows = _rewrap_all(database, vault)
    pause(settle_s)
    rows += _rewrap_all(database, vault)
    newest = keys.name
    database.write_sync(lambda tx: tx.execute(delete(master_keys).where(master_keys.c.name != newest)))
    faults.point("vault.former_forgotten")
    keys.remove_former()
    return Rotated(newest, rows)


def _rewrap_all(database: Database, vault: Vault) -> int:
    return sum(_rewrap_column(database, vault, column) for column in sealed_columns(metadata))


def _rewrap_column(database: Database, vault: Vault, column: Column[str]) -> int:
    """Every text of the column is under the key in use; how many were not."""
    identity = list(column.table.primary_key.columns)
    others = select(column, *identity).where(column.is_not(None), ~column.startswith(prefix_of(vault.key_name)))
    done, last = 0, None
    while True:
        page = others.order_by(*identity).limit(BATCH)
        if last is not None:
            page = page.where(tuple_(*identity) > tuple_(*last))
        batch = database.read_sync(lambda tx, page=page: tx.execute(page).all())  # type: ignore[misc]
        if not batch:
            return done
        changes = [(row[0], vault.rewrapped(row[0]), tuple(row[1:])) for row in batch]
        done += database.write_sync(lambda tx, changes=changes: _replace(tx, column, changes))  # type: ignore[misc]
        faults.point("vault.batch")
        last = changes[-1][2]


def _replace(tx: Tx, column: Column[str], changes: list[tuple[str, str, tuple[object, ...]]]) -> int:
    """A text that changed meanwhile is left as it is: it was sealed anew, or is met by the next round."""
    table, identity = column.table, list(column.table.primary_key.columns)
    replaced = 0
    for former, text, key in changes:
        same = [part == value for part, value in zip(identity, key, strict=True)]
        replaced += tx.execute(update(table).where(*same, column == former).values({column: text})).rowcount
    return replaced


def _known(tx: Tx) -> dict[str, bytes]:
    return {row.name: bytes(row.fingerprint) for row in tx.execute(select(master_keys))}


def _register(tx: Tx, name: str, fingerprint: bytes) -> None:
    row = {"name": name, "fingerprint": fingerprint}
    tx.execute(insert_or(tx, master_keys).on_conflict_do_nothing(), row)
