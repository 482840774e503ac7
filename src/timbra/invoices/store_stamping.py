"""SQL of stamping: leases, attempts, and the moves out of ``pending``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, insert, or_, select, update

from timbra.invoices import store
from timbra.invoices.model import FileKind, InvoiceRecord, Status
from timbra.invoices.tables import invoices, stamp_attempts
from timbra.pac.port import Spoken
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

ALARM = "alarm"
STAMP = "stamp"
URGENT_MS = 12 * 3_600_000  # so long before its 72 hours end a document is tried before all others


def take_lease(
    tx: Tx, scope: TeamScope, invoice_id: str, owner: str, now_ms: int, until_ms: int
) -> InvoiceRecord | None:
    """The pending document, which ``owner`` alone may call a PAC for until ``until_ms``; None when it is not free."""
    free = or_(invoices.c.lease_until_ms.is_(None), invoices.c.lease_until_ms <= now_ms)
    row = tx.execute(
        update(invoices)
        .where(store.by_id(scope, invoice_id), invoices.c.status == Status.PENDING, free)
        .values(lease_owner=owner, lease_until_ms=until_ms)
        .returning(*store.COLUMNS)
    ).one_or_none()
    return store.record_of(row) if row else None


def extend_lease(tx: Tx, record: InvoiceRecord, until_ms: int) -> bool:
    """False when the lease was lost in between."""
    done = tx.execute(update(invoices).where(_held(record)).values(lease_until_ms=until_ms))
    return done.rowcount == 1


def void_foreign_leases(tx: Tx, owner: str) -> None:
    """Leases of dead processes end now. Only for SQLite, where this process is the only one."""
    tx.execute(
        update(invoices)
        .where(store.IS_PENDING, invoices.c.lease_owner.is_not(None), invoices.c.lease_owner != owner)
        .values(lease_until_ms=0, next_try_ms=0)
    )


def due(tx: Tx, now_ms: int, limit: int, scope: TeamScope | None = None) -> list[tuple[TeamScope, str]]:
    """Pending documents whose next try is due and that nobody holds; of one scope or all.

    Those near the end of their 72 hours come first, then each team's first, each team's second ... in the order of their
    creation: one team's backlog does not hold up the others.
    """
    is_patient = case((invoices.c.stamp_before_ms <= now_ms + URGENT_MS, 0), else_=1)
    turn = func.row_number().over(
        partition_by=(invoices.c.team_id, invoices.c.livemode), order_by=(invoices.c.created_ms, invoices.c.id)
    )
    rows = tx.execute(
        select(invoices.c.team_id, invoices.c.livemode, invoices.c.id)
        .where(
            *store.within(scope),
            store.IS_PENDING,
            invoices.c.next_try_ms <= now_ms,
            or_(invoices.c.lease_until_ms.is_(None), invoices.c.lease_until_ms <= now_ms),
        )
        .order_by(is_patient, turn, invoices.c.created_ms, invoices.c.id)
        .limit(limit)
    )
    return [(TeamScope(row.team_id, row.livemode), row.id) for row in rows]


def hasten(tx: Tx, scope: TeamScope, pac: str, now_ms: int) -> int:
    """``pac`` works again: the team's documents that wait for it, or for any PAC, are due now; how many."""
    waits = or_(invoices.c.held_by.is_(None), invoices.c.held_by == pac)
    done = tx.execute(
        update(invoices)
        .where(
            invoices.c.team_id == scope.team_id,
            invoices.c.livemode == scope.livemode,
            store.IS_PENDING,
            waits,
            invoices.c.lease_owner.is_(None),
            invoices.c.next_try_ms > now_ms,
            invoices.c.tries > 0,
        )
        .values(next_try_ms=now_ms)
    )
    return done.rowcount


def _held(record: InvoiceRecord) -> Any:
    return and_(
        store.by_id(record.scope, record.id),
        invoices.c.status == Status.PENDING,
        invoices.c.generation == record.generation,
        invoices.c.lease_owner == record.lease_owner,
    )


_MARK_VALID = (
    update(invoices)
    .where(
        invoices.c.team_id == bindparam("team"),
        invoices.c.livemode == bindparam("mode"),
        invoices.c.id == bindparam("invoice"),
        invoices.c.status == Status.PENDING,
        invoices.c.generation == bindparam("sealed_as"),
    )
    .values(
        status=Status.VALID.value,
        uuid=bindparam("new_uuid"),
        stamp=bindparam("new_stamp"),
        last_balance=bindparam("balance"),
        updated_ms=bindparam("at_ms"),
        held_by=None,
        lease_owner=None,
        lease_until_ms=None,
        next_try_ms=None,
    )
)


def mark_valid(
    tx: Tx, record: InvoiceRecord, *, uuid: str, stamped: bytes, stamp: bytes, last_balance: int, at_ms: int
) -> bool:
    """The document is valid, with the bytes as received. False when it was settled in between."""
    done = tx.execute(
        _MARK_VALID,
        {
            "team": record.team_id,
            "mode": record.livemode,
            "invoice": record.id,
            "sealed_as": record.generation,
            "new_uuid": uuid,
            "new_stamp": stamp,
            "balance": last_balance,
            "at_ms": at_ms,
        },
    )
    if done.rowcount != 1:
        return False
    store.add_file(tx, record, FileKind.STAMPED, stamped)
    return True


def mark_failed(tx: Tx, record: InvoiceRecord, error: bytes, at_ms: int) -> bool:
    """The document was refused for good: it holds no folio and no key any more. False when settled in between."""
    done = tx.execute(
        update(invoices)
        .where(
            store.by_id(record.scope, record.id),
            invoices.c.status == Status.PENDING,
            invoices.c.generation == record.generation,
        )
        .values(
            status=Status.FAILED.value,
            is_listed=False,
            folio=0,
            unique_key=None,
            last_balance=0,
            error=error,
            updated_ms=at_ms,
            held_by=None,
            lease_owner=None,
            lease_until_ms=None,
            next_try_ms=None,
        )
    )
    return done.rowcount == 1


def postpone(tx: Tx, record: InvoiceRecord, *, held_by: str | None, next_try_ms: int) -> bool:
    """The document stays pending and free, to be tried again at ``next_try_ms``. False when the lease was lost."""
    done = tx.execute(
        update(invoices)
        .where(_held(record))
        .values(
            held_by=held_by,
            next_try_ms=next_try_ms,
            tries=invoices.c.tries + 1,
            lease_owner=None,
            lease_until_ms=None,
        )
    )
    return done.rowcount == 1


def hold(tx: Tx, record: InvoiceRecord, pac: str | None) -> bool:
    """``pac`` may be told of the document from now on (None: nobody has it). False when the lease was lost."""
    done = tx.execute(update(invoices).where(_held(record)).values(held_by=pac))
    return done.rowcount == 1


def regenerate(
    tx: Tx,
    record: InvoiceRecord,
    sealed: bytes,
    *,
    issued_ms: int,
    stamp_before_ms: int,
    sello: str,
    certificate_number: str,
    at_ms: int,
) -> InvoiceRecord | None:
    """A new generation of the same document: new bytes, same folio. Only after every PAC has denied the old one."""
    row = tx.execute(
        update(invoices)
        .where(_held(record), invoices.c.held_by.is_(None))
        .values(
            generation=record.generation + 1,
            issued_ms=issued_ms,
            stamp_before_ms=stamp_before_ms,
            sello=sello,
            certificate_number=certificate_number,
            updated_ms=at_ms,
        )
        .returning(*store.COLUMNS)
    ).one_or_none()
    if row is None:
        return None
    renewed = store.record_of(row)
    store.add_file(tx, renewed, FileKind.SEALED, sealed)
    return renewed


_LAST_ATTEMPT = select(func.coalesce(func.max(stamp_attempts.c.number), 0)).where(
    stamp_attempts.c.team_id == bindparam("team"), stamp_attempts.c.invoice_id == bindparam("invoice")
)
_INSERT_ATTEMPT = insert(stamp_attempts)


def add_attempt(
    tx: Tx,
    record: InvoiceRecord,
    *,
    pac: str,
    call: str,
    outcome: str,
    detail: str | None,
    at_ms: int,
    said: Sequence[Spoken] = (),
) -> None:
    """One line of the ledger of a document: which PAC was asked what, and what it said, word by word when ``said``."""
    last = tx.execute(_LAST_ATTEMPT, {"team": record.team_id, "invoice": record.id}).scalar_one()
    tx.execute(
        _INSERT_ATTEMPT,
        {
            "team_id": record.team_id,
            "invoice_id": record.id,
            "number": int(last) + 1,
            "generation": record.generation,
            "pac": pac,
            "call": call,
            "outcome": outcome,
            "detail": detail,
            "at_ms": at_ms,
            "dialogue": json.dumps([asdict(one) for one in said]) if said else None,
        },
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the ledger. ``call``: stamp, find, cancel or alarm; ``dialogue``: what was said, redacted."""

    number: int
    generation: int
    pac: str
    call: str
    outcome: str
    detail: str | None
    at_ms: int
    dialogue: tuple[Spoken, ...]


def ledger(tx: Tx, record: InvoiceRecord) -> list[Attempt]:
    """Every line of the document's ledger, in order, with what was said."""
    rows = tx.execute(
        select(*(stamp_attempts.c[name] for name in Attempt.__slots__))
        .where(stamp_attempts.c.team_id == record.team_id, stamp_attempts.c.invoice_id == record.id)
        .order_by(stamp_attempts.c.number)
    )
    return [_attempt(row) for row in rows]


def _attempt(row: Any) -> Attempt:
    values = dict(row._mapping)  # noqa: SLF001 (SQLAlchemy's public name)
    said = json.loads(values["dialogue"].encode()) if values["dialogue"] else ()
    return Attempt(**{**values, "dialogue": tuple(Spoken(**one) for one in said)})


def last_asked_ms(tx: Tx, record: InvoiceRecord, pac: str) -> int:
    """When ``pac`` was last known to have been asked about the current bytes; 0 when it is not known."""
    found = tx.execute(
        select(func.coalesce(func.max(stamp_attempts.c.at_ms), 0)).where(
            stamp_attempts.c.team_id == record.team_id,
            stamp_attempts.c.invoice_id == record.id,
            stamp_attempts.c.generation == record.generation,
            stamp_attempts.c.pac == pac,
            stamp_attempts.c.call == STAMP,
        )
    )
    return int(found.scalar_one())


def held_by(tx: Tx, scope: TeamScope, pac: str) -> int:
    """How many pending documents of the team only ``pac`` can tell about."""
    counted = select(func.count()).where(
        invoices.c.team_id == scope.team_id,
        invoices.c.livemode == scope.livemode,
        store.IS_PENDING,
        invoices.c.held_by == pac,
    )
    return int(tx.execute(counted).scalar_one())


def _is_noted(team_id: Any, invoice_id: Any, generation: Any, detail: str) -> Any:
    return exists().where(
        stamp_attempts.c.team_id == team_id,
        stamp_attempts.c.invoice_id == invoice_id,
        stamp_attempts.c.generation == generation,
        stamp_attempts.c.call == ALARM,
        stamp_attempts.c.detail == detail,
    )


def add_alarm(tx: Tx, record: InvoiceRecord, reason: str, at_ms: int) -> bool:
    """The ledger says that somebody was told; False when it said so before, for the same bytes."""
    noted = select(_is_noted(record.team_id, record.id, record.generation, reason))
    if tx.execute(noted).scalar_one():
        return False
    add_attempt(tx, record, pac=record.held_by or "none", call=ALARM, outcome=ALARM, detail=reason, at_ms=at_ms)
    return True


def overdue(tx: Tx, before_ms: int, reason: str, limit: int, scope: TeamScope | None = None) -> list[InvoiceRecord]:
    """Pending documents made and dated at ``before_ms`` or earlier whose ledger has no alarm of this reason."""
    noted = _is_noted(invoices.c.team_id, invoices.c.id, invoices.c.generation, reason)
    rows = tx.execute(
        select(*store.COLUMNS)
        .where(
            *store.within(scope),
            store.IS_PENDING,
            invoices.c.created_ms <= before_ms,
            invoices.c.issued_ms <= before_ms,
            ~noted,
        )
        .order_by(invoices.c.created_ms, invoices.c.id)
        .limit(limit)
    )
    return [store.record_of(row) for row in rows]


def attempts(tx: Tx, record: InvoiceRecord) -> list[tuple[str, str, str]]:
    """(PAC, call, outcome) of every attempt, in order."""
    rows = tx.execute(
        select(stamp_attempts.c.pac, stamp_attempts.c.call, stamp_attempts.c.outcome)
        .where(stamp_attempts.c.team_id == record.team_id, stamp_attempts.c.invoice_id == record.id)
        .order_by(stamp_attempts.c.number)
    )
    return [(row.pac, row.call, row.outcome) for row in rows]
