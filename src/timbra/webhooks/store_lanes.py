"""SQL of the workers: leases of lanes, and what they do with open deliveries while they hold one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, bindparam, case, exists, func, or_, select, tuple_, update

from timbra.platform.db import Tx
from timbra.platform.events import events
from timbra.platform.scope import TeamScope
from timbra.webhooks.model import PENDING, PROCESSING, RETRYING, Event
from timbra.webhooks.store_events import take_turn
from timbra.webhooks.tables import webhook_deliveries as t
from timbra.webhooks.tables import webhook_lanes as lanes

ENDPOINT_SLOTS: Final = 10
TEAM_SLOTS: Final = 50
TURN: Final = "lanes"


@dataclass(frozen=True, slots=True)
class Lane:
    """The right to send to one endpoint, for a while. slots: deliveries at once."""

    scope: TeamScope
    endpoint_id: str
    token: str
    slots: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery to try. ``tries``: made before; ``event`` None: its event is not kept any more."""

    id: str
    tries: int
    manual: bool
    attempts: str
    event: Event | None
    object_id: str

    @property
    def is_first(self) -> bool:
        """Whether it must keep the order of its object."""
        return self.tries == 0 and not self.manual


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is recorded after a try."""

    id: str
    status: str
    tries: int
    attempts: bytes
    response_code: int | None
    latency_ms: int
    error_category: str | None
    due_ms: int | None


def has_due(tx: Tx, now_ms: int) -> bool:
    """Whether a lane waits for a worker."""
    due = select(lanes.c.endpoint_id).where(lanes.c.due_ms <= now_ms, lanes.c.lease_until_ms <= now_ms)
    return bool(tx.execute(select(exists(due))).scalar_one())


def lease(tx: Tx, tokens: Sequence[str], now_ms: int, until_ms: int) -> list[Lane]:
    """At most one lane per token, those that have waited longest; together no team has more than TEAM_SLOTS.

    A lane whose team has no share left is not leased now.
    """
    take_turn(tx, TURN)
    full = select(lanes.c.team_id, lanes.c.livemode).where(lanes.c.lease_until_ms > now_ms)
    full = full.group_by(lanes.c.team_id, lanes.c.livemode).having(func.sum(lanes.c.slots) >= TEAM_SLOTS)
    due = select(lanes).where(lanes.c.due_ms <= now_ms, lanes.c.lease_until_ms <= now_ms)
    due = due.where(tuple_(lanes.c.team_id, lanes.c.livemode).not_in(full))
    due = due.order_by(lanes.c.due_ms, lanes.c.endpoint_id).limit(len(tokens)).with_for_update(skip_locked=True)
    rows = tx.execute(due).all()
    if not rows:
        return []
    shares = _shares(tx, {(row.team_id, row.livemode) for row in rows}, now_ms)
    for row in rows:
        shares[row.team_id, row.livemode].wanted += 1
    leased = []
    for row, token in zip(rows, tokens, strict=False):
        slots = shares[row.team_id, row.livemode].take()
        if slots:
            leased.append(Lane(TeamScope(row.team_id, row.livemode), row.endpoint_id, token, slots))
    for lane in leased:
        mine = (lanes.c.team_id == lane.scope.team_id, lanes.c.endpoint_id == lane.endpoint_id)
        given = {"leased_by": lane.token, "lease_until_ms": until_ms, "slots": lane.slots}
        tx.execute(update(lanes).where(*mine).values(given))
        _revive(tx, lane, now_ms)
    return leased


class _Share:
    """What is left of a team's slots. wanted: lanes that hold some or want some."""

    def __init__(self, used: int = 0, holders: int = 0) -> None:
        self.used = used
        self.wanted = holders

    def take(self) -> int:
        """A fair part of the team's slots, as far as there are any."""
        fair = min(ENDPOINT_SLOTS, max(1, TEAM_SLOTS // self.wanted))
        slots = min(fair, TEAM_SLOTS - self.used)
        self.used += max(slots, 0)
        return max(slots, 0)


def _shares(tx: Tx, whose: set[tuple[str, bool]], now_ms: int) -> dict[tuple[str, bool], _Share]:
    held = select(lanes.c.team_id, lanes.c.livemode, func.sum(lanes.c.slots), func.count())
    held = held.where(tuple_(lanes.c.team_id, lanes.c.livemode).in_(sorted(whose)), lanes.c.lease_until_ms > now_ms)
    shares = {key: _Share() for key in whose}
    rows: Any = tx.execute(held.group_by(lanes.c.team_id, lanes.c.livemode))
    for team_id, livemode, used, holders in rows:
        shares[team_id, livemode] = _Share(int(used), int(holders))
    return shares


def _revive(tx: Tx, lane: Lane, now_ms: int) -> None:
    """What a dead worker had begun is to be sent again."""
    begun = and_(_of(lane), t.c.status == PROCESSING, t.c.is_test.is_(False))
    again = {
        "status": case((t.c.tries == 0, PENDING), else_=RETRYING),
        "due_ms": case((t.c.tries == 0, None), else_=now_ms),
    }
    tx.execute(update(t).where(begun).values(again))


def _of(lane: Lane) -> Any:
    return and_(t.c.team_id == lane.scope.team_id, t.c.endpoint_id == lane.endpoint_id)


def renew(tx: Tx, lane: Lane, until_ms: int) -> bool:
    """The lease lasts until then; False when somebody else has the lane meanwhile. The lane is locked."""
    mine = and_(
        lanes.c.team_id == lane.scope.team_id, lanes.c.endpoint_id == lane.endpoint_id, lanes.c.leased_by == lane.token
    )
    return tx.execute(update(lanes).where(mine).values(lease_until_ms=until_ms)).rowcount == 1


_TAKEN = (
    t.c.id, t.c.tries, t.c.manual, t.c.attempts, t.c.event_id, t.c.event, t.c.object_id, t.c.number, t.c.livemode,
    t.c.sample, t.c.created_ms, events.c.team_id.label("event_team"), events.c.object, events.c.created_ms.label("at_ms"),
)  # fmt: skip
_JOINED = select(*_TAKEN).select_from(t.outerjoin(events, events.c.id == t.c.event_id))
_MINE = and_(t.c.team_id == bindparam("team"), t.c.endpoint_id == bindparam("endpoint"))
_FIRST = _JOINED.where(_MINE, t.c.status == PENDING).order_by(t.c.number, t.c.id).limit(bindparam("most"))
_AGAIN = _JOINED.where(_MINE, t.c.status == RETRYING, t.c.due_ms <= bindparam("now")).order_by(t.c.due_ms, t.c.id)
_AGAIN = _AGAIN.limit(bindparam("most"))
_BEGIN = (
    update(t)
    .where(t.c.team_id == bindparam("team"), t.c.id.in_(bindparam("ids", expanding=True)))
    .values(status=PROCESSING, due_ms=None, updated_ms=bindparam("now"))
)


def take(tx: Tx, lane: Lane, most: int, now_ms: int) -> list[Taken]:
    """At most ``most`` deliveries are processing from now on: first tries in order of the feed, due retries among them."""
    where = {"team": lane.scope.team_id, "endpoint": lane.endpoint_id}
    again = tx.execute(_AGAIN, {**where, "now": now_ms, "most": most}).all()
    first = tx.execute(_FIRST, {**where, "most": most}).all()
    half = max(most // 2, most - len(first))
    rows = [*first[: max(most - len(again), most - half)], *again[:half]]
    if rows:
        tx.execute(_BEGIN, {"team": lane.scope.team_id, "ids": [row.id for row in rows], "now": now_ms})
    return [_taken(row, lane.scope.team_id) for row in rows]


def _taken(row: Any, team_id: str) -> Taken:
    event = None
    if row.sample is not None:
        event = Event(row.event_id, team_id, row.livemode, row.event, row.object_id, row.sample, 0, row.created_ms)
    elif row.object is not None:
        event = Event(
            row.event_id, row.event_team, row.livemode, row.event, row.object_id, row.object, row.number, row.at_ms
        )
    return Taken(row.id, row.tries, row.manual, row.attempts, event, row.object_id)


_RECORD = (
    update(t)
    .where(t.c.team_id == bindparam("team"), t.c.id == bindparam("delivery"), t.c.status == PROCESSING)
    .values(
        status=bindparam("new_status"),
        tries=bindparam("new_tries"),
        attempts=bindparam("new_attempts"),
        response_code=bindparam("new_code"),
        latency_ms=bindparam("new_latency"),
        error_category=bindparam("new_category"),
        due_ms=bindparam("new_due"),
        updated_ms=bindparam("now"),
    )
)


def record(tx: Tx, lane: Lane, outcomes: Sequence[Outcome], now_ms: int) -> None:
    """The outcomes are in the log. Deliveries that were ended meanwhile stay as they are."""
    rows = [
        {
            "team": lane.scope.team_id,
            "delivery": outcome.id,
            "new_status": outcome.status,
            "new_tries": outcome.tries,
            "new_attempts": outcome.attempts,
            "new_code": outcome.response_code,
            "new_latency": outcome.latency_ms,
            "new_category": outcome.error_category,
            "new_due": outcome.due_ms,
            "now": now_ms,
        }
        for outcome in outcomes
    ]
    if rows:
        tx.execute(_RECORD, rows)


def has_more(tx: Tx, lane: Lane, now_ms: int) -> bool:
    """Whether the lane's endpoint has deliveries to try now."""
    first = select(t.c.id).where(_of(lane), t.c.status == PENDING)
    again = select(t.c.id).where(_of(lane), t.c.status == RETRYING, t.c.due_ms <= now_ms)
    return bool(tx.execute(select(or_(exists(first), exists(again)))).scalar_one())


def release(tx: Tx, lane: Lane, now_ms: int) -> None:
    """The lane is free; it is due when its next delivery is. What was taken and not tried waits again."""
    if not renew(tx, lane, 0):
        return
    _revive(tx, lane, now_ms)
    waits = bool(tx.execute(select(exists(select(t.c.id).where(_of(lane), t.c.status == PENDING)))).scalar_one())
    soonest = select(func.min(t.c.due_ms)).where(_of(lane), t.c.status == RETRYING)
    due_ms = now_ms if waits else tx.execute(soonest).scalar_one()
    mine = (lanes.c.team_id == lane.scope.team_id, lanes.c.endpoint_id == lane.endpoint_id)
    tx.execute(update(lanes).where(*mine).values(due_ms=due_ms, leased_by=None, slots=0))


def void_leases(tx: Tx) -> None:
    """No lane is leased: the only process of an embedded database has just begun."""
    tx.execute(update(lanes).where(lanes.c.leased_by.is_not(None)).values(lease_until_ms=0))
