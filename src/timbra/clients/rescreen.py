"""Look every client up again after SAT's lists have changed (contract sat-lists.md section 5).

Page by page, each in a transaction of its own over the lists in force at that moment; who begins again after a crash
finds the done ones unchanged. A client whose standing has changed is told of with ``customer.updated``; one that was
never looked up counts as not listed, so a server's first load tells of the listed ones only.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

import structlog

from timbra.clients import store_screening
from timbra.clients.model import Client
from timbra.clients.screening import screened
from timbra.platform import events, json
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope

PAGE: Final = 200  # on SQLite the event loop does nothing else meanwhile: some 10 ms
FIRST: Final = ("", "")

Status = Mapping[str, Any]

log = structlog.get_logger(__name__)


class Lists(Protocol):
    """Looks many RFCs up in the lists that are loaded."""

    def statuses(self, tx: Tx, rfcs: Collection[str], at_ms: int) -> Mapping[str, Status]:
        """``sat_status`` by RFC; empty while no list is loaded."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """What was looked up for a page, as the room asks for one client."""

    by_rfc: Mapping[str, Status]

    def status(self, tx: Tx, rfc: str, at_ms: int) -> Status | None:
        return self.by_rfc.get(rfc)


async def rescreen(database: Database, clock: Clock, lists: Lists) -> int:
    """Every client says what the lists say now; how many had said something else."""
    after: tuple[str, str] | None = FIRST
    total = told = 0
    while after is not None:
        unit = partial(_page, lists=lists, after=after, at_ms=clock.now_ms())
        after, changed, events_ = await database.write(unit)
        total, told = total + changed, told + events_
    log.info("clients_screened", changed=total, told=told)
    return total


def _page(tx: Tx, lists: Lists, after: tuple[str, str], at_ms: int) -> tuple[tuple[str, str] | None, int, int]:
    """Where the next page begins, clients that changed, and those told of."""
    page = store_screening.page(tx, after, PAGE)
    found = _Found(lists.statuses(tx, {client.tax_id for client in page if client.tax_id}, at_ms))
    changed, told = [], []
    for client in page:
        fresh = screened(tx, client, found, at_ms)
        if _standing(client.sat_status) != _standing(fresh.sat_status):
            fresh = replace(fresh, updated_ms=at_ms)
            told.append(fresh)
        if _said(client.sat_status) != _said(fresh.sat_status):
            changed.append(fresh)
    store_screening.save(tx, changed)
    _tell(tx, told, at_ms)
    return ((page[-1].team_id, page[-1].id) if len(page) == PAGE else None), len(changed), len(told)


def _tell(tx: Tx, told: Collection[Client], at_ms: int) -> None:
    for client in told:
        scope = TeamScope(client.team_id, client.livemode)
        events.append(tx, scope, "customer.updated", client.id, json.dumps(client.to_wire()), at_ms)


def _said(status: Status | None) -> Any:
    """All but the time of the look-up."""
    return None if status is None else {name: value for name, value in status.items() if name != "checked_at"}


def _standing(status: Status | None) -> tuple[bool, bool]:
    """(risky, on a list that affects EFOS)."""
    if status is None:
        return False, False
    return bool(status["is_risky"]), status["efos"] is not None and not status["efos"]["is_valid"]
