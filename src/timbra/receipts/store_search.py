"""SQL that reads receipts for the search in the order of their ids."""

from sqlalchemy import ColumnElement, and_, case, func, select

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.receipts.model import Receipt
from timbra.receipts.store import COLUMNS, receipt_of
from timbra.receipts.tables import receipts


def _mine(scope: TeamScope) -> ColumnElement[bool]:
    """Rows of the scope. The mode stands in an expression, so that no index but that of ids serves."""
    return and_(receipts.c.team_id == scope.team_id, case((receipts.c.livemode == scope.livemode, 1), else_=0) == 1)


def after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Receipt]:
    """The receipts behind an id, in the order of ids."""
    found = select(*COLUMNS).where(_mine(scope), receipts.c.id > last).order_by(receipts.c.id)
    return [receipt_of(row) for row in tx.execute(found.limit(limit))]


def scopes(tx: Tx) -> list[TeamScope]:
    """Who has receipts; for the server itself."""
    rows = tx.execute(select(receipts.c.team_id, receipts.c.livemode).distinct())
    return [TeamScope(row.team_id, row.livemode) for row in rows]


def count(tx: Tx, scope: TeamScope) -> int:
    """How many receipts there are."""
    return int(tx.execute(select(func.count()).select_from(receipts).where(_mine(scope))).scalar_one())
