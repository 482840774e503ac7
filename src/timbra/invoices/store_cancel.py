"""SQL of cancelling: the requests of a document and what became of them."""

from dataclasses import fields
from typing import Any

from sqlalchemy import func, insert, select, update

from timbra.invoices import store
from timbra.invoices.model import Cancellation, InvoiceRecord, Status
from timbra.invoices.tables import invoice_cancellations, invoices
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

_COLUMNS = [invoice_cancellations.c[field.name] for field in fields(Cancellation)]


def current(tx: Tx, record: InvoiceRecord) -> Cancellation | None:
    """The newest request of the document."""
    row: Any = tx.execute(
        select(*_COLUMNS)
        .where(invoice_cancellations.c.team_id == record.team_id, invoice_cancellations.c.invoice_id == record.id)
        .order_by(invoice_cancellations.c.number.desc())
        .limit(1)
    ).one_or_none()
    return Cancellation(*row) if row else None


def requests(tx: Tx, record: InvoiceRecord) -> list[Cancellation]:
    """Every request of the document, in order."""
    rows: Any = tx.execute(
        select(*_COLUMNS)
        .where(invoice_cancellations.c.team_id == record.team_id, invoice_cancellations.c.invoice_id == record.id)
        .order_by(invoice_cancellations.c.number)
    )
    return [Cancellation(*row) for row in rows]


def add(tx: Tx, request: Cancellation) -> None:
    """The request is stored."""
    tx.execute(insert(invoice_cancellations), {field.name: getattr(request, field.name) for field in fields(request)})


def next_number(tx: Tx, record: InvoiceRecord) -> int:
    """1 for the first request of a document."""
    last = select(func.coalesce(func.max(invoice_cancellations.c.number), 0)).where(
        invoice_cancellations.c.team_id == record.team_id, invoice_cancellations.c.invoice_id == record.id
    )
    return int(tx.execute(last).scalar_one()) + 1


def was_rejected(tx: Tx, record: InvoiceRecord) -> bool:
    """True when the receiver has rejected a request before: the next one has no deadline."""
    rejected = select(invoice_cancellations.c.number).where(
        invoice_cancellations.c.team_id == record.team_id,
        invoice_cancellations.c.invoice_id == record.id,
        invoice_cancellations.c.status == "rejected",
    )
    return tx.execute(rejected).first() is not None


def save(tx: Tx, request: Cancellation, expected: str) -> bool:
    """The request is as given now. False when its state was no longer ``expected``."""
    key = ("team_id", "invoice_id", "number")
    values = {field.name: getattr(request, field.name) for field in fields(request) if field.name not in key}
    done = tx.execute(
        update(invoice_cancellations)
        .where(
            invoice_cancellations.c.team_id == request.team_id,
            invoice_cancellations.c.invoice_id == request.invoice_id,
            invoice_cancellations.c.number == request.number,
            invoice_cancellations.c.status == expected,
        )
        .values(**values)
    )
    return done.rowcount == 1


def mirror(
    tx: Tx, record: InvoiceRecord, *, status: str, block: bytes, check_ms: int | None, at_ms: int
) -> InvoiceRecord:
    """The invoice shows the request; ``check_ms`` is when the worker looks at it again (None: it is final)."""
    values: dict[str, Any] = {
        "cancellation": block,
        "cancellation_status": status,
        "cancel_check_ms": check_ms,
        "updated_ms": at_ms,
    }
    row = tx.execute(
        update(invoices).where(store.by_id(record.scope, record.id)).values(**values).returning(*store.COLUMNS)
    ).one()
    return store.record_of(row)


def set_sat_status(tx: Tx, record: InvoiceRecord, sat: bytes, at_ms: int) -> None:
    """What SAT said last is kept."""
    tx.execute(
        update(invoices).where(store.by_id(record.scope, record.id)).values(sat_status=sat, sat_checked_ms=at_ms)
    )


def mark_canceled(tx: Tx, record: InvoiceRecord, *, has_acuse: bool, at_ms: int) -> bool:
    """SAT confirmed: the document is canceled. False when it was already."""
    done = tx.execute(
        update(invoices)
        .where(store.by_id(record.scope, record.id), invoices.c.status == Status.VALID)
        .values(status=Status.CANCELED.value, last_balance=0, has_acuse=has_acuse, updated_ms=at_ms)
    )
    return done.rowcount == 1


def void_claims(tx: Tx) -> None:
    """Requests that a dead process had in hand are due now. Only for SQLite, where this process is the only one."""
    tx.execute(
        update(invoices)
        .where(invoices.c.cancel_check_ms.is_not(None), invoices.c.cancellation_status == "requested")
        .values(cancel_check_ms=0)
    )


def claim_due(
    tx: Tx, now_ms: int, hold_until_ms: int, limit: int, scope: TeamScope | None = None
) -> list[tuple[TeamScope, str]]:
    """Documents whose cancellation is to be looked at, taken until ``hold_until_ms`` so that no other worker looks too."""
    due = (
        select(invoices.c.team_id, invoices.c.id)
        .where(*store.within(scope), invoices.c.cancel_check_ms <= now_ms)
        .order_by(invoices.c.cancel_check_ms)
        .limit(limit)
    )
    if tx.dialect == "postgresql":
        due = due.with_for_update(skip_locked=True)
    found = []
    pair: Any
    for pair in tx.execute(due).all():
        team_id, invoice_id = pair
        row = tx.execute(
            update(invoices)
            .where(invoices.c.team_id == team_id, invoices.c.id == invoice_id)
            .values(cancel_check_ms=hold_until_ms)
            .returning(invoices.c.livemode)
        ).one()
        found.append((TeamScope(team_id, row.livemode), invoice_id))
    return found
