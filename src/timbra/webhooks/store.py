"""All SQL of endpoints. Lanes, deliveries and events have stores of their own."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope
from timbra.webhooks.model import ACTIVE, Endpoint
from timbra.webhooks.tables import webhook_lanes, webhooks

_LISTS = ("events", "header_names")


def _where(scope: TeamScope) -> tuple[ColumnElement[bool], ...]:
    return webhooks.c.team_id == scope.team_id, webhooks.c.livemode == scope.livemode


def _row(endpoint: Endpoint) -> dict[str, Any]:
    values = {name: getattr(endpoint, name) for name in Endpoint.__slots__}
    return {**values, **{name: json.dumps(list(values[name])) for name in _LISTS}}


def _endpoint(row: Any) -> Endpoint:
    values = {name: getattr(row, name) for name in Endpoint.__slots__}
    return Endpoint(**{**values, **{name: tuple(json.loads(values[name].encode())) for name in _LISTS}})


def _one(tx: Tx, statement: Select[Any]) -> Endpoint | None:
    row = tx.execute(statement).one_or_none()
    return _endpoint(row) if row else None


def add(tx: Tx, scope: TeamScope, endpoint: Endpoint) -> None:
    """The endpoint is stored, with a lane that has nothing to do."""
    assert endpoint.scope == scope, "an endpoint belongs to its scope"
    tx.execute(insert(webhooks), _row(endpoint))
    lane = {"team_id": scope.team_id, "livemode": scope.livemode, "endpoint_id": endpoint.id}
    tx.execute(insert(webhook_lanes), {**lane, "due_ms": None, "leased_by": None, "lease_until_ms": 0, "slots": 0})


def get(tx: Tx, scope: TeamScope, endpoint_id: str) -> Endpoint | None:
    """The endpoint of that id, None when it is not of this team and mode."""
    return _one(tx, select(webhooks).where(*_where(scope), webhooks.c.id == endpoint_id))


def lock(tx: Tx, scope: TeamScope, endpoint_id: str) -> Endpoint | None:
    """Like ``get``; other writers of this endpoint wait, workers included. The lane is locked first, as workers do."""
    lane = select(webhook_lanes.c.endpoint_id).where(
        webhook_lanes.c.team_id == scope.team_id, webhook_lanes.c.endpoint_id == endpoint_id
    )
    tx.execute(lane.with_for_update())
    return _one(tx, select(webhooks).where(*_where(scope), webhooks.c.id == endpoint_id).with_for_update())


def save(tx: Tx, scope: TeamScope, endpoint: Endpoint) -> None:
    """Every field of an endpoint that exists is replaced."""
    tx.execute(update(webhooks).where(*_where(scope), webhooks.c.id == endpoint.id).values(_row(endpoint)))


def remove(tx: Tx, scope: TeamScope, endpoint_id: str) -> None:
    """The endpoint and its lane are gone; the log keeps its deliveries."""
    tx.execute(delete(webhooks).where(*_where(scope), webhooks.c.id == endpoint_id))
    mine = (webhook_lanes.c.team_id == scope.team_id, webhook_lanes.c.endpoint_id == endpoint_id)
    tx.execute(delete(webhook_lanes).where(*mine))


def count(tx: Tx, scope: TeamScope) -> int:
    """How many endpoints the team has in this mode."""
    return int(tx.execute(select(func.count()).select_from(webhooks).where(*_where(scope))).scalar_one())


def page(tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any]) -> Slice[Endpoint]:
    """A page of endpoints. filters: ``status``, ``type``."""
    matching = select(webhooks).where(*_where(scope), *(webhooks.c[name] == value for name, value in filters.items()))
    return fetch(tx, matching, window, orders={"timestamp": webhooks.c.created_ms}, identity=webhooks.c.id).map(
        _endpoint
    )


def active_of(tx: Tx, team_ids: Collection[str]) -> Sequence[Endpoint]:
    """The endpoints of these teams that get events, oldest first."""
    found = select(webhooks).where(webhooks.c.team_id.in_(team_ids), webhooks.c.status == ACTIVE)
    return [_endpoint(row) for row in tx.execute(found.order_by(webhooks.c.created_ms, webhooks.c.id))]


def note_outcomes(
    tx: Tx,
    scope: TeamScope,
    endpoint_id: str,
    *,
    success_ms: int | None,
    failure_ms: int | None,
    failing_ms: int | None,
) -> None:
    """Times of the last success and failure; failing_ms: the first failure after the last success of this batch.

    With a success in the batch the clock starts at ``failing_ms`` (None: it stands); without one it goes on.
    """
    changes: dict[str, Any] = {}
    if success_ms is not None:
        changes |= {"last_success_ms": success_ms, "failing_since_ms": failing_ms}
    elif failing_ms is not None:
        changes["failing_since_ms"] = func.coalesce(webhooks.c.failing_since_ms, failing_ms)
    if failure_ms is not None:
        changes["last_failure_ms"] = failure_ms
    tx.execute(update(webhooks).where(*_where(scope), webhooks.c.id == endpoint_id).values(changes))


def failing_since(tx: Tx, before_ms: int, limit: int) -> list[tuple[TeamScope, str]]:
    """Active endpoints of all teams whose last success lies before a failure that is older than ``before_ms``."""
    found = select(webhooks.c.team_id, webhooks.c.livemode, webhooks.c.id)
    found = found.where(webhooks.c.status == ACTIVE, webhooks.c.failing_since_ms <= before_ms)
    rows = tx.execute(found.order_by(webhooks.c.failing_since_ms, webhooks.c.id).limit(limit))
    return [(TeamScope(row.team_id, row.livemode), row.id) for row in rows]
