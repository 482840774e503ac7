"""Send again: one delivery, or what an endpoint missed in a stretch of time (contract §7)."""

from collections.abc import Sequence
from typing import Final

from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, Conflict, FieldError, Invalid, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.webhooks import store, store_deliveries, store_events
from timbra.webhooks.model import PROCESSING, Delivery, Endpoint
from timbra.webhooks.names import canonical, goes_to, wants_all
from timbra.webhooks.relay import delivery
from timbra.webhooks.schemas import Resend

RANGE_MAX_MS: Final = 90 * 24 * 3_600_000
RESENT_MAX: Final = 10_000


def retry(tx: Tx, caller: Caller, endpoint_id: str, delivery_id: str, at_ms: int) -> Delivery:
    """A new delivery of the same event, tried at once. Raises NotFound, Conflict, BusinessRule."""
    endpoint = _active(tx, caller, endpoint_id)
    old = store_deliveries.get(tx, caller.scope, endpoint_id, delivery_id)
    if old is None:
        raise NotFound
    if old.status == PROCESSING:
        raise Conflict("The delivery is being sent now")
    if old.sample is None and store_events.get(tx, caller.scope, old.event_id) is None:
        raise BusinessRule("The event of this delivery is not kept any more")
    new = _again(old, at_ms)
    _queue(tx, caller, endpoint, [new], at_ms)
    changes = {"delivery": {"old": delivery_id, "new": new.id}}
    audit.append(tx, caller.scope, Action.WEBHOOK_RETRY, endpoint_id, caller.actor, at_ms, changes=changes)
    return new


def resend(tx: Tx, caller: Caller, endpoint_id: str, body: Resend, at_ms: int) -> int:
    """What the endpoint did not get, or everything it asked for, is on its way again; how many deliveries.

    ``failed``: events whose deliveries of that time failed and that the endpoint has not got since. ``all``: every event
    of that time that it listens to, delivered before or not. Raises NotFound, Invalid, BusinessRule.
    """
    _refuse_range(body)
    endpoint = _active(tx, caller, endpoint_id)
    found = _failed(tx, endpoint, body, at_ms) if body.status == "failed" else _all(tx, endpoint, body, at_ms)
    _refuse_more(len(found))
    if found:
        _queue(tx, caller, endpoint, found, at_ms)
    changes = {"range": {"new": [body.from_ms, body.to_ms]}, "queued": {"new": len(found)}}
    audit.append(tx, caller.scope, Action.WEBHOOK_RETRY, endpoint_id, caller.actor, at_ms, changes=changes)
    return len(found)


def _refuse_range(body: Resend) -> None:
    if body.to_ms < body.from_ms:
        raise Invalid([FieldError("to", "min", "must not be before from", body.from_ms)])
    if body.to_ms - body.from_ms > RANGE_MAX_MS:
        raise Invalid([FieldError("to", "max", "must be at most 90 days after from", body.from_ms + RANGE_MAX_MS)])


def _active(tx: Tx, caller: Caller, endpoint_id: str) -> Endpoint:
    endpoint = store.lock(tx, caller.scope, endpoint_id)
    if endpoint is None:
        raise NotFound
    if not endpoint.is_active:
        raise BusinessRule("The webhook is inactive: switch it on first")
    return endpoint


def _failed(tx: Tx, endpoint: Endpoint, body: Resend, at_ms: int) -> list[Delivery]:
    failed = store_deliveries.failed_between(
        tx, endpoint.scope, endpoint.id, body.from_ms, body.to_ms, RESENT_MAX + 1, _types(body.events)
    )
    return [_again(old, at_ms) for old in failed]


def _all(tx: Tx, endpoint: Endpoint, body: Resend, at_ms: int) -> list[Delivery]:
    happened = store_events.between(
        tx, endpoint.scope, body.from_ms, body.to_ms, RESENT_MAX + 1, types=_wanted(endpoint, body)
    )
    _refuse_more(len(happened))
    listened = (event for event in happened if goes_to(endpoint.events, endpoint.type, event.type))
    return [delivery(event, endpoint, at_ms, manual=True) for event in listened]


def _refuse_more(count: int) -> None:
    if count > RESENT_MAX:
        raise BusinessRule(f"More than {RESENT_MAX} deliveries: ask for a shorter time")


def _wanted(endpoint: Endpoint, body: Resend) -> Sequence[str] | None:
    """Types to look for; None for every one."""
    asked = _types(body.events)
    if asked is not None or wants_all(endpoint.events):
        return asked
    return _types(endpoint.events)


def _types(names: Sequence[str] | None) -> Sequence[str] | None:
    return None if names is None or wants_all(names) else sorted({canonical(name) for name in names})


def _again(old: Delivery, at_ms: int) -> Delivery:
    """A new delivery of what the old one carried."""
    return Delivery(
        id=new_id("del"),
        team_id=old.team_id,
        livemode=old.livemode,
        endpoint_id=old.endpoint_id,
        number=old.number,
        event_id=old.event_id,
        event=old.event,
        object_id=old.object_id,
        created_ms=at_ms,
        updated_ms=at_ms,
        manual=True,
        sample=old.sample,
    )


def _queue(tx: Tx, caller: Caller, endpoint: Endpoint, deliveries: Sequence[Delivery], at_ms: int) -> None:
    store_deliveries.add(tx, deliveries)
    store_deliveries.wake(tx, [endpoint.id], at_ms, caller.scope)
