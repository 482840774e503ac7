"""The SQL of screening: every client of every team, in pages."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select, tuple_, update

from timbra.clients import store
from timbra.clients.model import Client
from timbra.clients.tables import clients
from timbra.platform import json
from timbra.platform.db import Tx

_SAVE = (
    update(clients)
    .where(clients.c.team_id == bindparam("team"), clients.c.id == bindparam("client"))
    .values(sat_status=bindparam("said"), updated_ms=bindparam("at"))
)


def page(tx: Tx, after: tuple[str, str], limit: int) -> list[Client]:
    """Clients with a tax id behind (team, id), by team and id; other writers of theirs wait until the transaction ends."""
    found = (
        select(clients)
        .where(
            tuple_(clients.c.team_id, clients.c.id) > tuple_(*after),
            clients.c.deleted.is_(False),
            clients.c.tax_id.is_not(None),
        )
        .order_by(clients.c.team_id, clients.c.id)
        .limit(limit)
        .with_for_update()
    )
    return [store.client_of(row) for row in tx.execute(found)]


def save(tx: Tx, changed: Sequence[Client]) -> None:
    """What the lists say of these clients, and when they changed, is stored; nothing else of them."""
    rows = [
        {
            "team": client.team_id,
            "client": client.id,
            "said": None if client.sat_status is None else json.dumps(client.sat_status),
            "at": client.updated_ms,
        }
        for client in changed
    ]
    if rows:
        tx.execute(_SAVE, rows)
