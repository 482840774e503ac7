"""SQL of the delivery log, and of new deliveries. What workers do with open ones is in ``store_lanes``."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, or_, select, update

from timbra.platform.db import Tx, insert_or
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope
from timbra.webhooks.model import FAILED, PENDING, PROCESSING, RETRYING, SUCCEEDED, UNAVAILABLE, Delivery
from timbra.webhooks.tables import webhook_deliveries as t
from timbra.webhooks.tables import webhook_lanes

OPEN = (PENDING, PROCESSING, RETRYING)
CHUNK = 1_000


def _where(scope: TeamScope) -> tuple[ColumnElement[bool], ...]:
    return t.c.team_id == scope.team_id, t.c.livemode == scope.livemode


def _delivery(row: Any) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__slots__})


def _one(tx: Tx, statement: Select[Any]) -> Delivery | None:
    row = tx.execute(statement).one_or_none()
    return _delivery(row) if row else None


def add(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """The deliveries are stored. An event that an endpoint has already is not given to it again, but by hand."""
    rows = [{name: getattr(delivery, name) for name in Delivery.__slots__} for delivery in deliveries]
    statement = insert_or(tx, t).on_conflict_do_nothing()
    for start in range(0, len(rows), CHUNK):
        tx.execute(statement, rows[start : start + CHUNK])


def wake(tx: Tx, endpoint_ids: Collection[str], now_ms: int, scope: TeamScope | None = None) -> None:
    """These endpoints have something to send now. scope: whose they are, when all are of one team."""
    lanes = update(webhook_lanes).where(webhook_lanes.c.endpoint_id.in_(sorted(endpoint_ids)))
    if scope is not None:
        lanes = lanes.where(webhook_lanes.c.team_id == scope.team_id)
    sooner = case((webhook_lanes.c.due_ms < now_ms, webhook_lanes.c.due_ms), else_=now_ms)
    tx.execute(lanes.values(due_ms=sooner))


def get(tx: Tx, scope: TeamScope, endpoint_id: str, delivery_id: str) -> Delivery | None:
    """The delivery of that id to that endpoint."""
    return _one(tx, select(t).where(*_where(scope), t.c.endpoint_id == endpoint_id, t.c.id == delivery_id))


def page(
    tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any], *, endpoint_id: str | None = None
) -> Slice[Delivery]:
    """A page of the log, of one endpoint or of all.

    filters: ``from``, ``to`` (ms, both inclusive), ``status``, ``event``, ``webhook_id``.
    """
    matching = select(t).where(*_where(scope))
    if endpoint_id is not None:
        matching = matching.where(t.c.endpoint_id == endpoint_id)
    equal = {"status": t.c.status, "event": t.c.event, "webhook_id": t.c.endpoint_id}
    for name, column in equal.items():
        if name in filters:
            matching = matching.where(column == filters[name])
    if "from" in filters:
        matching = matching.where(t.c.created_ms >= filters["from"])
    if "to" in filters:
        matching = matching.where(t.c.created_ms <= filters["to"])
    return fetch(tx, matching, window, orders={"timestamp": t.c.created_ms}, identity=t.c.id).map(_delivery)


def end_open(tx: Tx, scope: TeamScope, endpoint_id: str, now_ms: int) -> None:
    """Nothing of the endpoint waits any more: what did has failed because it is not available."""
    mine = and_(*_where(scope), t.c.endpoint_id == endpoint_id, t.c.status.in_(OPEN), t.c.is_test.is_(False))
    ended = {"status": FAILED, "error_category": UNAVAILABLE, "due_ms": None, "updated_ms": now_ms}
    tx.execute(update(t).where(mine).values(ended))
    lane = (webhook_lanes.c.team_id == scope.team_id, webhook_lanes.c.endpoint_id == endpoint_id)
    tx.execute(update(webhook_lanes).where(*lane).values(due_ms=None))


def failed_between(
    tx: Tx,
    scope: TeamScope,
    endpoint_id: str,
    from_ms: int,
    to_ms: int,
    limit: int,
    types: Sequence[str] | None,
) -> list[Delivery]:
    """One failed delivery per event that the endpoint did not get otherwise and is not about to get, in order.

    types: of events; None for every one.
    """
    other = t.alias("other")
    better = exists().where(
        other.c.event_id == t.c.event_id,
        other.c.endpoint_id == t.c.endpoint_id,
        other.c.team_id == scope.team_id,
        or_(
            other.c.status.in_((SUCCEEDED, *OPEN)),
            and_(other.c.status == FAILED, other.c.id > t.c.id, other.c.created_ms.between(from_ms, to_ms)),
        ),
    )
    found = select(t).where(
        *_where(scope),
        t.c.endpoint_id == endpoint_id,
        t.c.status == FAILED,
        t.c.is_test.is_(False),
        t.c.created_ms.between(from_ms, to_ms),
        ~better,
    )
    if types is not None:
        found = found.where(t.c.event.in_(types))
    return [_delivery(row) for row in tx.execute(found.order_by(t.c.number, t.c.id).limit(limit))]


def record_test(tx: Tx, scope: TeamScope, delivery: Delivery) -> None:
    """The outcome of a test's one try."""
    names = ("status", "tries", "attempts", "response_code", "latency_ms", "error_category", "updated_ms")
    values = {name: getattr(delivery, name) for name in names}
    tx.execute(update(t).where(*_where(scope), t.c.id == delivery.id).values(values))


def end_lost_tests(tx: Tx, before_ms: int, now_ms: int) -> int:
    """Tests whose process died before it knew the outcome have failed, of all teams; how many."""
    lost = update(t).where(t.c.is_test, t.c.status == PROCESSING, t.c.updated_ms < before_ms)
    ended = {"status": FAILED, "error_category": "network_or_timeout", "updated_ms": now_ms}
    return tx.execute(lost.values(ended)).rowcount


def forget(tx: Tx, before_ms: int, limit: int) -> int:
    """At most ``limit`` deliveries that are older are gone, of all teams; how many. Open ones stay until they end."""
    old = select(t.c.id).where(t.c.created_ms < before_ms, t.c.status.not_in(OPEN)).limit(limit)
    return tx.execute(delete(t).where(t.c.id.in_(old.scalar_subquery()))).rowcount
