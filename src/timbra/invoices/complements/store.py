"""SQL of what complements pay: their applications, and the balances of the invoices they pay.

Balances move by single statements under CHECKs. Whoever locks several rows locks complements first, then invoices by id.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import and_, insert, or_, select, update

from timbra.invoices import store, store_credits
from timbra.invoices.complements.model import COUNTS, IN_FLIGHT, Application, State, share_of
from timbra.invoices.complements.tables import invoice_payments
from timbra.invoices.model import InvoiceRecord, Status
from timbra.invoices.tables import invoices
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

_COLUMNS = [invoice_payments.c[field.name] for field in fields(Application)]


def _in_scope(scope: TeamScope) -> Any:
    return and_(invoice_payments.c.team_id == scope.team_id, invoice_payments.c.livemode == scope.livemode)


def _read(tx: Tx, scope: TeamScope, *conditions: Any) -> list[Application]:
    rows = tx.execute(
        select(*_COLUMNS)
        .where(_in_scope(scope), *conditions)
        .order_by(invoice_payments.c.uuid, invoice_payments.c.installment, invoice_payments.c.complement_id)
    )
    return [_application(row) for row in rows]


def _application(row: Any) -> Application:
    values = dict(zip((field.name for field in fields(Application)), row, strict=True))
    values["taxes"] = tuple(map(share_of, json.loads(row.taxes.encode())))
    return Application(**values)


def of_complements(tx: Tx, scope: TeamScope, complement_ids: Sequence[str]) -> list[Application]:
    """Everything that the complements pay."""
    return _read(tx, scope, invoice_payments.c.complement_id.in_(list(complement_ids)))


def counting(tx: Tx, scope: TeamScope, uuids: Iterable[str]) -> dict[str, list[Application]]:
    """Live instalments of each invoice, lowest first."""
    found: dict[str, list[Application]] = defaultdict(list)
    wanted = list(uuids)
    for one in _read(tx, scope, invoice_payments.c.uuid.in_(wanted), invoice_payments.c.state.in_(COUNTS)):
        found[one.uuid].append(one)
    return found


def in_flight(tx: Tx, scope: TeamScope, uuids: Iterable[str]) -> list[str]:
    """The invoices that a complement is being made for, in order."""
    rows = tx.execute(
        select(invoice_payments.c.uuid)
        .where(_in_scope(scope), invoice_payments.c.uuid.in_(list(uuids)), invoice_payments.c.state.in_(IN_FLIGHT))
        .distinct()
        .order_by(invoice_payments.c.uuid)
    )
    return [row.uuid for row in rows]


def lock(tx: Tx, scope: TeamScope, complement_ids: Sequence[str], invoice_ids: Sequence[str]) -> None:
    """The rows are this transaction's until it ends: complements first, then invoices, each in the order of their ids."""
    store_credits.lock(tx, scope, complement_ids)
    store_credits.lock(tx, scope, invoice_ids)


def add(tx: Tx, complement: InvoiceRecord, applications: Sequence[Application]) -> None:
    """The applications are reserved while the complement waits for its stamp."""
    rows = [
        {
            "team_id": complement.team_id,
            "livemode": complement.livemode,
            **{field.name: getattr(one, field.name) for field in fields(Application)},
            "taxes": json.dumps([[*share[:2], int(share.rate), share.withheld, *share[4:]] for share in one.taxes]),
        }
        for one in applications
    ]
    tx.execute(insert(invoice_payments), rows)


def hold_replaced(tx: Tx, complement: InvoiceRecord, replaced_ids: Sequence[str]) -> None:
    """What the new complement takes the place of is kept from others until it is stamped or refused."""
    if replaced_ids:
        _move(tx, complement.scope, replaced_ids, State.LIVE, State.REPLACING, replaced_by=complement.id)


def _move(
    tx: Tx, scope: TeamScope, complement_ids: Sequence[str], before: State, after: State, **values: str | None
) -> None:
    tx.execute(
        update(invoice_payments)
        .where(
            _in_scope(scope),
            invoice_payments.c.complement_id.in_(list(complement_ids)),
            invoice_payments.c.state == before,
        )
        .values(state=after, **values)
    )


def _held_by(tx: Tx, complement: InvoiceRecord, state: State) -> list[Application]:
    return _read(
        tx,
        complement.scope,
        invoice_payments.c.replaced_by == complement.id,
        invoice_payments.c.state == state,
    )


def apply(tx: Tx, complement: InvoiceRecord, at_ms: int) -> None:
    """The complement is stamped: what it pays counts, what it takes the place of counts no longer."""
    own = [one for one in of_complements(tx, complement.scope, [complement.id]) if one.state == State.OUTSTANDING]
    old = _held_by(tx, complement, State.REPLACING)
    _move(tx, complement.scope, [complement.id], State.OUTSTANDING, State.LIVE)
    _move_held(tx, complement, State.REPLACING, State.REPLACED)
    _settle(tx, complement.scope, plus=own, minus=old, at_ms=at_ms)


def _move_held(tx: Tx, complement: InvoiceRecord, before: State, after: State, **values: str | None) -> None:
    tx.execute(
        update(invoice_payments)
        .where(
            _in_scope(complement.scope),
            invoice_payments.c.replaced_by == complement.id,
            invoice_payments.c.state == before,
        )
        .values(state=after, **values)
    )


def release(tx: Tx, complement: InvoiceRecord) -> None:
    """The complement was refused: nothing is reserved any more, and what it would have replaced lives on."""
    _move(tx, complement.scope, [complement.id], State.OUTSTANDING, State.UNDONE)
    _move_held(tx, complement, State.REPLACING, State.LIVE, replaced_by=None)


def undo(tx: Tx, complement: InvoiceRecord, at_ms: int) -> None:
    """The complement is canceled: what it paid is owed again.

    A complement that it had replaced and that is still in force counts again, as far as its invoices have room for it.
    """
    scope = complement.scope
    own = [one for one in of_complements(tx, scope, [complement.id]) if one.state in COUNTS]
    for state in COUNTS:
        _move(tx, scope, [complement.id], state, State.UNDONE)
    _settle(tx, scope, minus=own, at_ms=at_ms)
    revived = _with_room(tx, scope, _in_force(tx, scope, _held_by(tx, complement, State.REPLACED)))
    for one in revived:
        tx.execute(
            update(invoice_payments)
            .where(
                _in_scope(scope),
                invoice_payments.c.complement_id == one.complement_id,
                invoice_payments.c.position == one.position,
            )
            .values(state=State.LIVE, replaced_by=None)
        )
    _settle(tx, scope, plus=revived, at_ms=at_ms)


def _in_force(tx: Tx, scope: TeamScope, applications: Sequence[Application]) -> list[Application]:
    ids = {one.complement_id for one in applications}
    valid = select(invoices.c.id).where(
        store.in_scope(scope), invoices.c.id.in_(ids), invoices.c.status == Status.VALID
    )
    living = set(tx.execute(valid).scalars()) if ids else set()
    return [one for one in applications if one.complement_id in living]


def _with_room(tx: Tx, scope: TeamScope, applications: Sequence[Application]) -> list[Application]:
    own = [one for one in applications if one.invoice_id is not None]
    locked = {row.id: row for row in store_credits.lock(tx, scope, [one.invoice_id or "" for one in own])}
    left = {id_: row.total - row.paid for id_, row in locked.items()}
    kept = []
    for one in own:
        if left[one.invoice_id or ""] >= one.amount:
            left[one.invoice_id or ""] -= one.amount
            kept.append(one)
    return kept + [one for one in applications if one.invoice_id is None]


def _settle(
    tx: Tx,
    scope: TeamScope,
    *,
    plus: Sequence[Application] = (),
    minus: Sequence[Application] = (),
    at_ms: int,
) -> None:
    """The invoices show what they were paid, in the order of their ids."""
    for invoice_id, (amount, count) in sorted(_changes(plus, minus).items()):
        paid = invoices.c.paid + amount
        tx.execute(
            update(invoices)
            .where(store.by_id(scope, invoice_id))
            .values(
                paid=paid,
                installments=invoices.c.installments + count,
                last_balance=store_credits.balance(invoices.c.credited, paid),
                updated_ms=at_ms,
            )
        )


def _changes(plus: Sequence[Application], minus: Sequence[Application]) -> Mapping[str, tuple[int, int]]:
    """Amount and number of instalments by which each own invoice changes."""
    changes: dict[str, tuple[int, int]] = {}
    for applications, sign in ((plus, 1), (minus, -1)):
        for one in applications:
            if one.invoice_id is not None:
                amount, count = changes.get(one.invoice_id, (0, 0))
                changes[one.invoice_id] = amount + sign * one.amount, count + sign
    return changes


def later(tx: Tx, complement: InvoiceRecord) -> list[str]:
    """Public ids of complements that pay a later instalment of an invoice that this one pays, in force or awaited."""
    own = [one for one in of_complements(tx, complement.scope, [complement.id]) if one.state in COUNTS]
    found: list[str] = []
    for one in own:
        rows = tx.execute(
            select(invoices.c.id, invoices.c.uuid)
            .join(
                invoice_payments,
                and_(
                    invoice_payments.c.team_id == invoices.c.team_id,
                    invoice_payments.c.complement_id == invoices.c.id,
                ),
            )
            .where(
                _in_scope(complement.scope),
                invoice_payments.c.uuid == one.uuid,
                invoice_payments.c.installment > one.installment,
                invoice_payments.c.state.in_([*COUNTS, State.OUTSTANDING]),
            )
            .order_by(invoice_payments.c.installment)
        )
        found += [row.uuid or row.id for row in rows]
    return list(dict.fromkeys(found))


def pays(scope: TeamScope, any_id: str) -> Any:
    """Condition of complements that pay the invoice with this uuid (any letter case) or ``inv_`` id."""
    paid = or_(invoice_payments.c.uuid == any_id.lower(), invoice_payments.c.invoice_id == any_id)
    return invoices.c.id.in_(select(invoice_payments.c.complement_id).where(_in_scope(scope), paid))
