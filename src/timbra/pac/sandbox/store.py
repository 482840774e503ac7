"""SQL of the sandbox PAC."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, bindparam, insert, select, update

from timbra.pac.sandbox.tables import sandbox_keys, sandbox_losses, sandbox_stamps
from timbra.platform.db import Tx, insert_on


@dataclass(frozen=True, slots=True)
class SandboxStamp:
    """A document the sandbox has stamped, and what became of it."""

    pac: str
    sha256: bytes
    reference: str
    uuid: str
    issuer_rfc: str
    stamped_ms: int
    visible_ms: int
    timbre: bytes
    cancel_hint: str | None
    cancel_requested_ms: int | None


_COLUMNS = [sandbox_stamps.c[name] for name in SandboxStamp.__slots__]
_STAMP: Select[Any] = select(*_COLUMNS)
_BY_XML = _STAMP.where(sandbox_stamps.c.pac == bindparam("pac"), sandbox_stamps.c.sha256 == bindparam("digest"))


def find(tx: Tx, pac: str, sha256: bytes) -> SandboxStamp | None:
    """What the PAC did with these very bytes."""
    row: Any = tx.execute(_BY_XML, {"pac": pac, "digest": sha256}).one_or_none()
    return SandboxStamp(*row) if row else None


def find_by_uuid(tx: Tx, uuid: str) -> SandboxStamp | None:
    """The stamped document with this UUID, of whichever sandbox PAC."""
    row: Any = tx.execute(_STAMP.where(sandbox_stamps.c.uuid == uuid.lower())).one_or_none()
    return SandboxStamp(*row) if row else None


def add(tx: Tx, stamp: SandboxStamp) -> bool:
    """False when the bytes were stamped before; nothing changes then."""
    row = {name: getattr(stamp, name) for name in SandboxStamp.__slots__}
    return tx.execute(_add(tx.dialect), row).first() is not None


@cache
def _add(dialect: str) -> Executable:
    return insert_on(dialect, sandbox_stamps).on_conflict_do_nothing().returning(sandbox_stamps.c.uuid)


def request_cancel(tx: Tx, uuid: str, at_ms: int) -> None:
    """The document's cancellation is asked for, from now on."""
    tx.execute(update(sandbox_stamps).where(sandbox_stamps.c.uuid == uuid.lower()).values(cancel_requested_ms=at_ms))


def first_seen_ms(tx: Tx, reference: str, hint: str, at_ms: int) -> tuple[int, bool]:
    """(instant of the first call of this reference with this hint, whether this is that call)."""
    known = select(sandbox_losses.c.first_ms).where(
        sandbox_losses.c.reference == reference, sandbox_losses.c.hint == hint
    )
    first_ms = tx.execute(known).scalar_one_or_none()
    if first_ms is not None:
        return first_ms, False
    tx.execute(insert(sandbox_losses), {"reference": reference, "hint": hint, "first_ms": at_ms})
    return at_ms, True


def keys(tx: Tx) -> dict[str, tuple[bytes, str]]:
    """(certificate DER, sealed key) by name."""
    rows = tx.execute(select(sandbox_keys.c.name, sandbox_keys.c.certificate, sandbox_keys.c.sealed_key))
    return {row.name: (bytes(row.certificate), row.sealed_key) for row in rows}


def add_key(tx: Tx, name: str, certificate: bytes, sealed_key: str) -> None:
    """The key pair is kept."""
    tx.execute(insert(sandbox_keys), {"name": name, "certificate": certificate, "sealed_key": sealed_key})
