"""The SQL of screening: every client of every team, in pages, with the few fields that it reads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, tuple_, update

from timbra.clients import store
from timbra.clients.model import Client
from timbra.clients.tables import clients
from timbra.platform import json
from timbra.platform.db import Tx

_SAVE = (
    update(clients)
    .where(clients.c.team_id == bindparam("team"), clients.c.id == bindparam("client"))
    .values(sat_status=bindparam("said"))
)
_SAVE_TOLD = _SAVE.values(updated_ms=bindparam("at"))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of a client's standing. ``said``: JSON of what the lists said last, None when none was asked."""

    team_id: str
    id: str
    tax_id: str
    country: str | None
    said: str | None


def page(tx: Tx, after: tuple[str, str], limit: int) -> list[Standing]:
    """Clients with a tax id behind (team, id), by team and id; other writers of theirs wait until the transaction ends."""
    wanted = (clients.c.team_id, clients.c.id, clients.c.tax_id, clients.c.address, clients.c.sat_status)
    found = (
        select(*wanted)
        .where(
            tuple_(clients.c.team_id, clients.c.id) > tuple_(*after),
            clients.c.deleted.is_(False),
            clients.c.tax_id.is_not(None),
        )
        .order_by(clients.c.team_id, clients.c.id)
        .limit(limit)
        .with_for_update()
    )
    return [
        Standing(row.team_id, row.id, row.tax_id, json.loads(row.address.encode())["country"], row.sat_status)
        for row in tx.execute(found)
    ]


def save(tx: Tx, changed: Sequence[tuple[Standing, str | None]]) -> None:
    """What the lists say of these clients is stored; nothing else of them."""
    rows = [{"team": one.team_id, "client": one.id, "said": said} for one, said in changed]
    if rows:
        tx.execute(_SAVE, rows)


def save_told(tx: Tx, changed: Sequence[tuple[Standing, str | None]], at_ms: int) -> list[Client]:
    """Like ``save``, and they were changed now. The clients as they are, in no order."""
    if not changed:
        return []
    rows = [{"team": one.team_id, "client": one.id, "said": said, "at": at_ms} for one, said in changed]
    tx.execute(_SAVE_TOLD, rows)
    return _all_of(tx, [(one.team_id, one.id) for one, _ in changed])


def _all_of(tx: Tx, keys: Collection[tuple[str, str]]) -> list[Client]:
    found = select(clients).where(tuple_(clients.c.team_id, clients.c.id).in_(keys))
    return [store.client_of(row) for row in tx.execute(found)]
