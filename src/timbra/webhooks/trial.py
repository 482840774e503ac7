"""The test call: one message with a sample, sent while the caller waits (contract §7)."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from timbra.http.caller import Caller
from timbra.http.errors import NotFound
from timbra.platform import audit, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.webhooks import store, store_deliveries
from timbra.webhooks.attempt import attempt
from timbra.webhooks.model import FAILED, PROCESSING, SUCCEEDED, Delivery, Endpoint
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.samples import sample

LOST_AFTER_MS: Final = 60_000


async def send_test(parts: WebhookParts, caller: Caller, endpoint_id: str, type_: str) -> Delivery:
    """The delivery of one sample after its only try, still to be recorded (``finish``). Raises NotFound."""
    begin = partial(_begin, caller=caller, endpoint_id=endpoint_id, type_=type_, at_ms=parts.clock.now_ms())
    endpoint, delivery = await parts.database.write(begin)
    event = delivery.sample_event()
    assert event is not None, "a test carries a sample"
    egress = parts.egress.apart(connections=1)
    try:
        opened = parts.secrets.open(endpoint, delivery.created_ms)
        tried = await attempt(egress, parts.clock, endpoint, opened, event)
    finally:
        await egress.aclose()
    return replace(
        delivery,
        status=SUCCEEDED if tried.is_success else FAILED,
        tries=1,
        attempts=json.dumps([tried.to_wire()]).decode(),
        response_code=tried.response_code,
        latency_ms=tried.latency_ms,
        error_category=tried.category,
        updated_ms=parts.clock.now_ms(),
    )


def finish(tx: Tx, caller: Caller, ended: Delivery) -> dict[str, Any]:
    """The outcome is in the log; what the API says of it."""
    store_deliveries.record_test(tx, caller.scope, ended)
    return {"delivery": ended.to_wire(), "ok": ended.status == SUCCEEDED}


def _begin(tx: Tx, *, caller: Caller, endpoint_id: str, type_: str, at_ms: int) -> tuple[Endpoint, Delivery]:
    """The test is in the log before it is sent."""
    endpoint = store.get(tx, caller.scope, endpoint_id)
    if endpoint is None:
        raise NotFound
    shown = sample(type_, caller.scope, endpoint.to_wire(at_ms))
    delivery = Delivery(
        id=new_id("del"),
        team_id=caller.scope.team_id,
        livemode=caller.scope.livemode,
        endpoint_id=endpoint_id,
        number=0,
        event_id=new_id("evt"),
        event=type_,
        object_id=str(shown.get("id") or shown.get("uuid") or endpoint_id),
        created_ms=at_ms,
        updated_ms=at_ms,
        manual=True,
        is_test=True,
        sample=json.dumps(shown).decode(),
        status=PROCESSING,
    )
    store_deliveries.add(tx, [delivery])
    changes = {"event": {"new": type_}}
    audit.append(tx, caller.scope, Action.WEBHOOK_TEST, endpoint_id, caller.actor, at_ms, changes=changes)
    return endpoint, delivery
