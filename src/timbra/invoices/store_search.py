"""SQL that reads documents for the search: what is indexed of them, by id and in the order of ids."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select

from timbra.invoices import store
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.tables import invoice_counts, invoices
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


class Searched(NamedTuple):
    """What the index needs of a document."""

    id: str
    created_ms: int
    kind: str
    status: str
    uuid: str | None
    series: str
    folio: int
    receiver_rfc: str
    client_id: str
    client_name: str
    client_email: str | None
    currency: str
    payment_method: str | None
    last_balance: int
    document: str


_SEARCHED: Any = select(*(invoices.c[name] for name in Searched._fields))


def _mine(scope: TeamScope) -> ColumnElement[bool]:
    """Rows of the scope. The mode stands in an expression, so that no index but that of ids serves."""
    return and_(invoices.c.team_id == scope.team_id, case((invoices.c.livemode == scope.livemode, 1), else_=0) == 1)


def those(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Searched]:
    """The documents of these ``inv_`` ids, unordered."""
    rows = tx.execute(_SEARCHED.where(_mine(scope), invoices.c.id.in_(ids))).all()
    return [Searched._make(row) for row in rows]


def after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Searched]:
    """The documents behind an id, in the order of ids."""
    found = _SEARCHED.where(_mine(scope), invoices.c.id > last).order_by(invoices.c.id)
    return [Searched._make(row) for row in tx.execute(found.limit(limit)).all()]


def records(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[InvoiceRecord]:
    """The whole documents of these ``inv_`` ids, unordered."""
    found = select(*store.COLUMNS).where(_mine(scope), invoices.c.id.in_(ids))
    return [store.record_of(row) for row in tx.execute(found)]


def scopes(tx: Tx) -> list[TeamScope]:
    """Who has documents; for the server itself."""
    rows = tx.execute(select(invoice_counts.c.team_id, invoice_counts.c.livemode).distinct())
    return [TeamScope(row.team_id, row.livemode) for row in rows]


def count(tx: Tx, scope: TeamScope) -> int:
    """How many documents there are."""
    counted = select(func.sum(invoice_counts.c.documents)).where(
        invoice_counts.c.team_id == scope.team_id, invoice_counts.c.livemode == scope.livemode
    )
    return int(tx.execute(counted).scalar_one() or 0)
