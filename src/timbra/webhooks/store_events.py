"""SQL of the feed. An event waits until it has a number; numbers are given by one at a time, so none appears late.

Row numbers of the outbox are handed out before transactions commit and may become visible out of order; a reader that
pages by them would miss events. Events of one object are numbered in the order of its changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, select, update

from timbra.platform.db import Tx, insert_or
from timbra.platform.events import events
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope
from timbra.webhooks.model import Event
from timbra.webhooks.tables import webhook_turns

FEED = "feed"
_COLUMNS = [events.c[name] for name in ("id", "team_id", "livemode", "type", "object_id", "number", "created_ms")]
_SELECTED = select(*_COLUMNS, events.c.object.label("body"))
_WAITING = select(events.c.position, *_COLUMNS[:5], events.c.created_ms).where(events.c.number.is_(None))


def event_of(row: Any) -> Event:
    """The event of a row that has the columns ``_SELECTED``."""
    return Event(**{name: getattr(row, name) for name in Event.__slots__})


def take_turn(tx: Tx, name: str) -> int:
    """The row ``name`` is locked until the transaction ends; its number."""
    row = insert_or(tx, webhook_turns).values(name=name, last=0)
    mine = row.on_conflict_do_update(index_elements=["name"], set_={"last": webhook_turns.c.last})
    return int(tx.execute(mine.returning(webhook_turns.c.last)).scalar_one())


def has_waiting(tx: Tx, scope: TeamScope | None = None) -> bool:
    """Whether events wait for their number, of the scope or of anybody."""
    return bool(tx.execute(select(exists(_waiting(scope)))).scalar_one())


def _waiting(scope: TeamScope | None) -> Select[Any]:
    if scope is None:
        return _WAITING
    return _WAITING.where(events.c.team_id == scope.team_id, events.c.livemode == scope.livemode)


def number(tx: Tx, limit: int, scope: TeamScope | None = None) -> list[Event]:
    """At most ``limit`` waiting events have their number now, in order; they come without their bodies."""
    last = take_turn(tx, FEED)
    rows = tx.execute(_waiting(scope).order_by(events.c.position).limit(limit)).all()
    if not rows:
        return []
    shift = last + 1 - rows[0].position
    numbered = update(events).where(events.c.position.in_(bindparam("positions", expanding=True)))
    if scope is not None:
        numbered = numbered.where(events.c.team_id == scope.team_id)
    tx.execute(numbered.values(number=events.c.position + shift), {"positions": [row.position for row in rows]})
    newest = rows[-1].position + shift
    tx.execute(update(webhook_turns).where(webhook_turns.c.name == FEED).values(last=newest))
    return [
        Event(row.id, row.team_id, row.livemode, row.type, row.object_id, "", row.position + shift, row.created_ms)
        for row in rows
    ]


def page(tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any]) -> Slice[Event]:
    """A page of the feed, by number. filters: ``type``, ``object_id``."""
    matching = _SELECTED.where(
        events.c.team_id == scope.team_id, events.c.livemode == scope.livemode, events.c.number.is_not(None)
    )
    matching = matching.where(*(events.c[name] == value for name, value in filters.items()))
    if window.created_from_ms is not None:
        matching = matching.where(events.c.created_ms >= window.created_from_ms)
    if window.created_to_ms is not None:
        matching = matching.where(events.c.created_ms <= window.created_to_ms)
    by_number = replace(window, created_from_ms=None, created_to_ms=None)
    return fetch(tx, matching, by_number, orders={"timestamp": events.c.number}, identity=events.c.id).map(event_of)


def get(tx: Tx, scope: TeamScope, event_id: str) -> Event | None:
    """The event of that id, None when it is not of this team and mode, or not kept any more."""
    mine = (events.c.team_id == scope.team_id, events.c.livemode == scope.livemode)
    row = tx.execute(_SELECTED.where(*mine, events.c.id == event_id, events.c.number.is_not(None))).one_or_none()
    return event_of(row) if row else None


def between(
    tx: Tx, scope: TeamScope, from_ms: int, to_ms: int, limit: int, *, types: Sequence[str] | None
) -> list[Event]:
    """The numbered events of a stretch of time, in order, without their bodies. types: None for every one."""
    found = select(*_COLUMNS).where(
        events.c.team_id == scope.team_id,
        events.c.livemode == scope.livemode,
        events.c.number.is_not(None),
        events.c.created_ms >= from_ms,
        events.c.created_ms <= to_ms,
    )
    if types is not None:
        found = found.where(events.c.type.in_(types))
    rows = tx.execute(found.order_by(events.c.number).limit(limit)).mappings()
    return [Event(**row, body="") for row in rows]


def forget(tx: Tx, before_ms: int, limit: int) -> int:
    """At most ``limit`` numbered events that are older are gone; how many."""
    old = select(events.c.position).where(events.c.created_ms < before_ms, events.c.number.is_not(None)).limit(limit)
    return tx.execute(delete(events).where(events.c.position.in_(old.scalar_subquery()))).rowcount
