"""SQL of the end of a period: what expires, what goes into a global invoice, and what became of it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select, tuple_, update

from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import marks
from timbra.receipts.model import Receipt, Status
from timbra.receipts.store import COLUMNS, SEARCHED_AS, in_scope, receipt_of
from timbra.receipts.tables import receipts

PART: Final = 500
MXN, USD = "MXN", "USD"


class Group(NamedTuple):
    """Receipts of one period and currency group. currency: MXN stands for all that are told in pesos."""

    period_end: str
    period_code: str
    months: str
    year: int
    currency: str
    fresh: int = 0  # receipts of it that no document was refused for


def scopes(tx: Tx, until_ms: int) -> list[TeamScope]:
    """Whose receipts expire by then or wait for a global invoice; for the server itself."""
    due = or_(
        receipts.c.status == Status.EXPIRED.value,
        and_(receipts.c.status == Status.PENDING.value, receipts.c.valid_until_ms <= until_ms),
    )
    rows = tx.execute(select(receipts.c.team_id, receipts.c.livemode).where(due).distinct())
    return [TeamScope(row.team_id, row.livemode) for row in rows]


def expiring(tx: Tx, scope: TeamScope, until_ms: int, limit: int) -> list[Receipt]:
    """Pending receipts whose time is over by then and that wait for no document, locked."""
    found = select(*COLUMNS).where(
        in_scope(scope),
        receipts.c.status == Status.PENDING.value,
        receipts.c.valid_until_ms <= until_ms,
        receipts.c.stamping_id.is_(None),
    )
    found = found.order_by(receipts.c.created_ms, receipts.c.id).limit(limit).with_for_update()
    return [receipt_of(row) for row in tx.execute(found)]


def mark_expired(tx: Tx, scope: TeamScope, ids: Sequence[str], at_ms: int) -> None:
    """The receipts wait for the global invoice from now on."""
    _update(tx, scope, ids, status=Status.EXPIRED.value, updated_ms=at_ms)
    marks.changed(tx, scope, SEARCHED_AS, ids)


def _waiting(scope: TeamScope) -> ColumnElement[bool]:
    return and_(
        in_scope(scope),
        receipts.c.status == Status.EXPIRED.value,
        receipts.c.stamping_id.is_(None),
        receipts.c.total > receipts.c.total_refunded,
    )


def groups(tx: Tx, scope: TeamScope, last_day: str, *, dollars_apart: bool) -> list[Group]:
    """What waits of the periods that end by that day (ISO), oldest first."""
    named = (receipts.c.period_end, receipts.c.period_code, receipts.c.period_months, receipts.c.period_year)
    fresh = (func.count() - func.count(receipts.c.error_ms)).label("fresh")
    found = select(*named, receipts.c.currency, fresh).where(_waiting(scope), receipts.c.period_end <= last_day)
    merged: dict[Group, int] = {}
    for row in tx.execute(found.group_by(*named, receipts.c.currency)):
        currency = USD if dollars_apart and row.currency == USD else MXN
        group = Group(row.period_end, row.period_code, row.period_months, row.period_year, currency)
        merged[group] = merged.get(group, 0) + row.fresh
    return [group._replace(fresh=merged[group]) for group in sorted(merged)]


def _of_group(group: Group, *, dollars_apart: bool) -> ColumnElement[bool]:
    period = and_(
        receipts.c.period_end == group.period_end,
        receipts.c.period_code == group.period_code,
        receipts.c.period_months == group.months,
    )
    if not dollars_apart:
        return period
    is_usd = receipts.c.currency == USD
    return and_(period, is_usd if group.currency == USD else not_(is_usd))


def batch(
    tx: Tx, scope: TeamScope, group: Group, after: tuple[int, str], limit: int, *, dollars_apart: bool
) -> list[Receipt]:
    """Receipts of the group behind a place (created_ms, id), oldest first."""
    found = select(*COLUMNS).where(
        _waiting(scope),
        _of_group(group, dollars_apart=dollars_apart),
        tuple_(receipts.c.created_ms, receipts.c.id) > after,
    )
    found = found.order_by(receipts.c.created_ms, receipts.c.id).limit(limit)
    return [receipt_of(row) for row in tx.execute(found)]


def hold(tx: Tx, scope: TeamScope, held: Sequence[Receipt], invoice_id: str, kind: str) -> bool:
    """The receipts wait for the document of this ``inv_`` id; False when one of them is not as it was."""
    expected = {receipt.id: receipt.updated_ms for receipt in held}
    ids = sorted(expected)
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        found = select(receipts.c.id, receipts.c.updated_ms).where(_waiting(scope), receipts.c.id.in_(part))
        rows = tx.execute(found.order_by(receipts.c.id).with_for_update()).all()
        if len(rows) != len(part) or any(expected[row.id] != row.updated_ms for row in rows):
            return False
    _update(tx, scope, ids, stamping_id=invoice_id, stamping=json.dumps({"as": kind, "client": None}))
    return True


def note_refusal(tx: Tx, scope: TeamScope, ids: Sequence[str], error: bytes, at_ms: int) -> None:
    """The receipts are free again and tell why."""
    _update(tx, scope, ids, stamping_id=None, stamping=None, error=error, error_ms=at_ms, updated_ms=at_ms)


def complete(tx: Tx, scope: TeamScope, completed: Sequence[Receipt]) -> None:
    """The receipts have their CFDI, as given."""
    rows = [
        {
            "the_id": one.id,
            "status": one.status,
            "invoices": json.dumps(one.invoices),
            "invoice_id": one.invoice_id,
            "invoiced_ms": one.invoiced_ms,
            "invoiced_as": one.invoiced_as,
            "updated_ms": one.updated_ms,
            "the_team": scope.team_id,
        }
        for one in completed
    ]
    mine = and_(receipts.c.team_id == bindparam("the_team"), receipts.c.id == bindparam("the_id"))
    names = ("status", "invoices", "invoice_id", "invoiced_ms", "invoiced_as", "updated_ms")
    given: dict[str, Any] = {name: bindparam(name) for name in names}
    freed = {"stamping_id": None, "stamping": None, "error": None, "error_ms": None}
    tx.execute(update(receipts).where(mine).values(**given, **freed), rows)
    marks.changed(tx, scope, SEARCHED_AS, [one.id for one in completed])


def _update(tx: Tx, scope: TeamScope, ids: Sequence[str], **values: Any) -> None:
    for start in range(0, len(ids), PART):
        part = receipts.c.id.in_(ids[start : start + PART])
        tx.execute(update(receipts).where(in_scope(scope), part).values(**values))
