"""SQL that reads clients for the search: by their ids, and all of them in the order of their ids."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, case, func, select

from timbra.clients.model import Client
from timbra.clients.store import client_of
from timbra.clients.tables import clients
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


def those(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Client]:
    """The clients of these ids that are not deleted, unordered."""
    found = select(clients).where(_visible(scope), clients.c.id.in_(ids))
    return [client_of(row) for row in tx.execute(found)]


def after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Client]:
    """The clients behind an id, in the order of ids."""
    found = select(clients).where(_visible(scope), clients.c.id > last).order_by(clients.c.id)
    return [client_of(row) for row in tx.execute(found.limit(limit))]


def scopes(tx: Tx) -> list[TeamScope]:
    """Who has clients; for the server itself."""
    rows = tx.execute(select(clients.c.team_id, clients.c.livemode).distinct())
    return [TeamScope(row.team_id, row.livemode) for row in rows]


def count(tx: Tx, scope: TeamScope) -> int:
    """How many clients there are."""
    return int(tx.execute(select(func.count()).select_from(clients).where(_visible(scope))).scalar_one())


def _visible(scope: TeamScope) -> ColumnElement[bool]:
    """Rows of the scope that are not deleted.

    Mode and deletion stand in an expression: as plain conditions they lead SQLite, which has no statistics, to an index
    that starts with them and to all the clients of the team.
    """
    is_visible = case((and_(clients.c.livemode == scope.livemode, clients.c.deleted.is_(False)), 1), else_=0)
    return and_(clients.c.team_id == scope.team_id, is_visible == 1)
