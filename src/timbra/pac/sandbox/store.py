"""SQL of the sandbox PAC."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, bindparam, insert, select, update

from timbra.pac.sandbox.cases import Answer
from timbra.pac.sandbox.tables import sandbox_keys, sandbox_losses, sandbox_stamps
from timbra.platform.db import Tx, insert_on
from timbra.platform.keyset import Slice, Window, fetch


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
    account: str | None = None
    receiver_rfc: str | None = None
    total: str | None = None
    sello: str | None = None
    cancel_requests: int = 0
    cancel_answer: str | None = None
    cancel_answer_ms: int | None = None

    @property
    def answer(self) -> Answer | None:
        """What the receiver says to the last request to cancel; None when nobody asked."""
        return None if self.cancel_requested_ms is None else Answer(self.cancel_answer, self.cancel_answer_ms)


_NAMES = tuple(field.name for field in fields(SandboxStamp))
_COLUMNS = [sandbox_stamps.c[name] for name in _NAMES]
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
    row = {name: getattr(stamp, name) for name in _NAMES}
    return tx.execute(_add(tx.dialect), row).first() is not None


@cache
def _add(dialect: str) -> Executable:
    return insert_on(dialect, sandbox_stamps).on_conflict_do_nothing().returning(sandbox_stamps.c.uuid)


def request_cancel(tx: Tx, uuid: str, at_ms: int, answer: Answer) -> None:
    """The document's cancellation is asked for, from now on, and will be answered so."""
    asked = update(sandbox_stamps).where(sandbox_stamps.c.uuid == uuid.lower())
    tx.execute(
        asked.values(
            cancel_requested_ms=at_ms,
            cancel_requests=sandbox_stamps.c.cancel_requests + 1,
            cancel_answer=answer.word,
            cancel_answer_ms=answer.at_ms,
        )
    )


def set_answer(tx: Tx, account: str, uuid: str, answer: Answer) -> None:
    """The receiver answers the open request so."""
    mine = (sandbox_stamps.c.account == account) & (sandbox_stamps.c.uuid == uuid.lower())
    tx.execute(update(sandbox_stamps).where(mine).values(cancel_answer=answer.word, cancel_answer_ms=answer.at_ms))


def of_account(tx: Tx, account: str, uuid: str) -> SandboxStamp | None:
    """The document with this UUID, if the account sent it."""
    mine = (sandbox_stamps.c.account == account) & (sandbox_stamps.c.uuid == uuid.lower())
    row: Any = tx.execute(_STAMP.where(mine)).one_or_none()
    return SandboxStamp(*row) if row else None


def page(tx: Tx, account: str, window: Window, *, is_asked: bool | None = None) -> Slice[SandboxStamp]:
    """Documents of the account; is_asked: only those whose cancellation was (True) or was not (False) asked for."""
    found = _STAMP.where(sandbox_stamps.c.account == account)
    if is_asked is not None:
        asked = sandbox_stamps.c.cancel_requested_ms
        found = found.where(asked.is_not(None) if is_asked else asked.is_(None))
    rows = fetch(tx, found, window, orders={"timestamp": sandbox_stamps.c.stamped_ms}, identity=sandbox_stamps.c.uuid)
    return rows.map(lambda row: SandboxStamp(*row[: len(_COLUMNS)]))


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
