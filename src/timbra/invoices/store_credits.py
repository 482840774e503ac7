"""SQL of balances: what egresses credit on income invoices. Amounts move by single statements under CHECKs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, insert, select, update

from timbra.invoices import store
from timbra.invoices.model import Credit, InvoiceRecord, Status
from timbra.invoices.tables import invoice_credits, invoices
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import marks


def lock(tx: Tx, scope: TeamScope, invoice_ids: Sequence[str]) -> list[InvoiceRecord]:
    """The invoices as they are now, locked until the transaction ends, in the order of their ids."""
    locked = []
    for invoice_id in sorted(set(invoice_ids)):
        row = tx.execute(
            update(invoices)
            .where(store.by_id(scope, invoice_id))
            .values(updated_ms=invoices.c.updated_ms)
            .returning(*store.COLUMNS)
        ).one()
        locked.append(store.record_of(row))
    return locked


def set_outstanding(tx: Tx, egress: InvoiceRecord, credits_: Sequence[Credit]) -> None:
    """The amounts are reserved while the egress waits for its stamp."""
    for credit in credits_:
        tx.execute(
            update(invoices)
            .where(store.by_id(egress.scope, credit.invoice_id))
            .values(credit_outstanding=invoices.c.credit_outstanding + credit.amount)
        )
    rows = [
        {
            "team_id": egress.team_id,
            "egress_id": egress.id,
            "invoice_id": credit.invoice_id,
            "amount": credit.amount,
            "state": "outstanding",
        }
        for credit in credits_
    ]
    if rows:
        tx.execute(insert(invoice_credits), rows)


def _credits(tx: Tx, egress: InvoiceRecord, state: str) -> list[Credit]:
    rows = tx.execute(
        select(invoice_credits.c.invoice_id, invoice_credits.c.amount)
        .where(
            invoice_credits.c.team_id == egress.team_id,
            invoice_credits.c.egress_id == egress.id,
            invoice_credits.c.state == state,
        )
        .order_by(invoice_credits.c.invoice_id)
    )
    return [Credit(row.invoice_id, row.amount) for row in rows]


def _move(tx: Tx, egress: InvoiceRecord, before: str, after: str) -> None:
    tx.execute(
        update(invoice_credits)
        .where(
            invoice_credits.c.team_id == egress.team_id,
            invoice_credits.c.egress_id == egress.id,
            invoice_credits.c.state == before,
        )
        .values(state=after)
    )


def _mark(tx: Tx, egress: InvoiceRecord, state: str) -> None:
    """The search learns whether these invoices are paid."""
    marks.changed(tx, egress.scope, store.SEARCHED_AS, [credit.invoice_id for credit in _credits(tx, egress, state)])


def balance(credited: Any, paid: Any) -> Any:
    """``last_balance`` of a valid or pending PPD invoice, 0 of every other. Source: contract invoices.md section 8.2."""
    left = invoices.c.total - paid - credited
    is_open = (invoices.c.payment_method == "PPD") & invoices.c.status.in_([Status.PENDING, Status.VALID])
    return case((is_open & (left > 0), left), else_=0)


def apply(tx: Tx, egress: InvoiceRecord, at_ms: int) -> None:
    """The egress is stamped: what it reserved is credited, balances fall."""
    for credit in _credits(tx, egress, "outstanding"):
        tx.execute(
            update(invoices)
            .where(store.by_id(egress.scope, credit.invoice_id))
            .values(
                credit_outstanding=invoices.c.credit_outstanding - credit.amount,
                credited=invoices.c.credited + credit.amount,
                last_balance=balance(invoices.c.credited + credit.amount, invoices.c.paid),
                updated_ms=at_ms,
            )
        )
    _move(tx, egress, "outstanding", "live")
    _mark(tx, egress, "live")


def release(tx: Tx, egress: InvoiceRecord) -> None:
    """The egress was refused: nothing is reserved any more."""
    for credit in _credits(tx, egress, "outstanding"):
        tx.execute(
            update(invoices)
            .where(store.by_id(egress.scope, credit.invoice_id))
            .values(credit_outstanding=invoices.c.credit_outstanding - credit.amount)
        )
    _move(tx, egress, "outstanding", "undone")


def undo(tx: Tx, egress: InvoiceRecord, at_ms: int) -> None:
    """The egress is canceled: what it credited is owed again."""
    for credit in _credits(tx, egress, "live"):
        tx.execute(
            update(invoices)
            .where(store.by_id(egress.scope, credit.invoice_id))
            .values(
                credited=invoices.c.credited - credit.amount,
                last_balance=balance(invoices.c.credited - credit.amount, invoices.c.paid),
                updated_ms=at_ms,
            )
        )
    _mark(tx, egress, "live")
    _move(tx, egress, "live", "undone")
