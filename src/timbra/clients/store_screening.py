"""The SQL of screening: every client of every team, in pages, with the few fields that it reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_, update

from timbra.clients import store
from timbra.clients.model import Client
from timbra.clients.tables import clients
from timbra.platform import json
from timbra.platform.db import Tx

_READ = select(clients.c.team_id, clients.c.id, clients.c.tax_id, clients.c.address, clients.c.sat_status)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of a client's standing. ``said``: JSON of what the lists said last, None when none was asked."""

    team_id: str
    id: str
    tax_id: str
    country: str | None
    said: str | None


def page(tx: Tx, after: tuple[str, str], limit: int) -> list[Standing]:
    """Clients with a tax id behind (team, id), by team and id."""
    found = (
        _READ.where(
            tuple_(clients.c.team_id, clients.c.id) > tuple_(*after),
            clients.c.deleted.is_(False),
            clients.c.tax_id.is_not(None),
        )
        .order_by(clients.c.team_id, clients.c.id)
        .limit(limit)
    )
    return [_standing(row) for row in tx.execute(found)]


def still(tx: Tx, seen: Sequence[Standing]) -> frozenset[Standing]:
    """Those that nobody has changed since they were read; nobody does until the transaction ends."""
    if tx.dialect == "sqlite":
        return frozenset(seen)  # a writing unit is alone already
    now = {
        _standing(row)
        for team_id, ids in _by_team(seen).items()
        for row in tx.execute(
            _READ.where(clients.c.team_id == team_id, clients.c.id.in_(ids)).order_by(clients.c.id).with_for_update()
        )
    }
    return frozenset(now.intersection(seen))


def save(tx: Tx, changed: Mapping[Standing, str | None], *, told_ms: int | None = None) -> None:
    """What the lists say of these clients is stored, with one statement for all of which they say the same.

    told_ms: when they changed, for those that are told of.
    """
    values = {} if told_ms is None else {"updated_ms": told_ms}
    saying: dict[str | None, list[Standing]] = {}
    for one, said in changed.items():
        saying.setdefault(said, []).append(one)
    for said, group in saying.items():
        for team_id, ids in _by_team(group).items():
            of_them = (clients.c.team_id == team_id, clients.c.id.in_(ids))
            tx.execute(update(clients).where(*of_them).values(sat_status=said, **values))


def whole(tx: Tx, some: Collection[Standing]) -> list[Client]:
    """These clients as they are stored now, with all that is known of them."""
    return [
        store.client_of(row)
        for team_id, ids in _by_team(some).items()
        for row in tx.execute(select(clients).where(clients.c.team_id == team_id, clients.c.id.in_(ids)))
    ]


def _standing(row: Any) -> Standing:
    country = json.loads(row.address.encode())["country"]
    return Standing(row.team_id, row.id, row.tax_id, country, row.sat_status)


def _by_team(some: Collection[Standing]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in some:
        found.setdefault(one.team_id, []).append(one.id)
    return found
