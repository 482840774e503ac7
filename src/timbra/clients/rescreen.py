"""Look every client up again after SAT's lists have changed (contract sat-lists.md section 5).

Page by page, each in a transaction of its own over the lists in force at that moment; who begins again after a crash
finds the done ones unchanged. A client whose standing has changed is told of with ``customer.updated``; one that was
never looked up counts as not listed, so a server's first load tells of the listed ones only.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from typing import Any, Final, Protocol

import structlog

from timbra.clients import store_screening
from timbra.clients.screening import may_be_listed
from timbra.clients.store_screening import Standing
from timbra.platform import events, json
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope

PAGE: Final = 200  # on SQLite the event loop does nothing else meanwhile: some 5 ms
FIRST: Final = ("", "")

Status = Mapping[str, Any]

log = structlog.get_logger(__name__)


class Lists(Protocol):
    """Looks many RFCs up in the lists that are loaded."""

    def statuses(self, tx: Tx, rfcs: Collection[str], at_ms: int) -> Mapping[str, Status]:
        """``sat_status`` by RFC; empty while no list is loaded."""
        ...


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
    asked = {one.tax_id for one in page if may_be_listed(one.tax_id, one.country)}
    found = lists.statuses(tx, asked, at_ms)
    new: dict[Standing, str | None] = {}
    for one in page:
        status = found.get(one.tax_id) if may_be_listed(one.tax_id, one.country) else None
        said = None if status is None else json.dumps(status).decode()
        if _without_time(one.said) != _without_time(said):
            new[one] = said
    locked = store_screening.still(tx, list(new))  # who changed a client meanwhile has looked it up too
    told = {one: new[one] for one in locked if _standing(one.said) != _standing(new[one])}
    store_screening.save(tx, {one: new[one] for one in locked if one not in told})
    store_screening.save(tx, told, told_ms=at_ms)
    for client in store_screening.whole(tx, told):
        scope = TeamScope(client.team_id, client.livemode)
        events.append(tx, scope, "customer.updated", client.id, json.dumps(client.to_wire()), at_ms)
    last = (page[-1].team_id, page[-1].id) if len(page) == PAGE else None
    return last, len(locked), len(told)


def _without_time(said: str | None) -> str | None:
    """All but the time of the look-up, which comes last."""
    return None if said is None else said.rpartition('"checked_at"')[0]


@lru_cache(maxsize=1_000)  # most clients are told the same
def _standing(said: str | None) -> tuple[bool, bool]:
    """(risky, on a list that affects EFOS)."""
    if said is None:
        return False, False
    status = json.loads(said.encode())
    return bool(status["is_risky"]), status["efos"] is not None and not status["efos"]["is_valid"]
