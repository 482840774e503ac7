"""HTTP of webhooks, their log, and the feed of events (contract webhooks.md)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from timbra.http.caller import Caller, Role
from timbra.http.envelope import Answer, JSONReply
from timbra.http.envelope import listing as list_envelope
from timbra.http.errors import NotFound
from timbra.http.fields import Choice, Instant, Text
from timbra.http.idempotency import Claim
from timbra.http.pagination import Place
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.platform.db import Tx
from timbra.platform.keyset import Slice
from timbra.webhooks import change, message, replay, store, store_deliveries, store_events, trial
from timbra.webhooks.model import ACTIVE, INACTIVE, STATUSES, Delivery
from timbra.webhooks.names import CONNECT, TEST, canonical, name_for
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.relay import relay
from timbra.webhooks.schemas import CreateWebhook, Resend, Rotate, TrialEvent, UpdateWebhook

ADMIN: Final = {"role": Role.ADMIN}
LISTED: Final = {**ADMIN, "orders": ("timestamp",)}
LOG_FILTERS: Final = {
    "from": Instant(),
    "to": Instant(),
    "status": Choice(*STATUSES),
    "event": Text(max=60),
    "webhook_id": Text(max=160),
}
SECRET: Final = ("data.secret",)


def routes(parts: WebhookParts) -> Router:
    """The operations on endpoints, deliveries and events."""
    router = Router(tag="Webhooks", area="webhooks")
    _endpoints(router, parts)
    _beyond(router, parts)
    _log(router, parts)
    _feed(router, parts)
    return router


def _stamped(parts: WebhookParts, data: Any, status: int | None = None) -> Answer:
    """Replies of this room tell the time."""
    return Answer(data, status=status, beside={"timestamp": parts.clock.now_ms()})


def _page(call: Call, parts: WebhookParts, page: Slice[Any], **beside: Any) -> JSONReply:
    """The list envelope, with the time."""
    following = _cursor(call, page.last)
    content = list_envelope(call.operation.message, page.rows, following, page.total)
    return JSONReply({**content, **beside, "timestamp": parts.clock.now_ms()})


def _cursor(call: Call, position: Any) -> str | None:
    if position is None:
        return None
    assert call.listing is not None
    assert call.caller is not None
    window = call.listing.window
    place = Place(window.order_by, window.descending, position)
    return call.kit.cursors.encode(call.path, call.caller.scope, place)


def _endpoints(router: Router, parts: WebhookParts) -> None:
    database, clock = parts.database, parts.clock
    filters = {"status": Choice(ACTIVE, INACTIVE), "type": Choice(CONNECT)}

    @router.get("/webhooks", "Webhooks retrieved successfully", filters=filters, **LISTED)
    async def list_webhooks(call: Call, caller: Caller, listing: ListQuery) -> JSONReply:
        found = await database.read(lambda tx: store.page(tx, caller.scope, listing.window, listing.filters))
        return _page(call, parts, found.map(lambda endpoint: endpoint.to_wire(clock.now_ms())))

    @router.post("/webhooks", "Webhook created successfully", success=201, **ADMIN)
    async def create_webhook(caller: Caller, body: CreateWebhook, claim: Claim) -> JSONReply:
        await change.refuse_url(parts, body.url)
        make = partial(change.create, parts=parts, caller=caller, body=body, at_ms=clock.now_ms())
        return await claim.once(database, lambda tx: _stamped(parts, make(tx)), secret_paths=SECRET)

    @router.get("/webhooks/{id}", "Webhook retrieved successfully", **ADMIN)
    async def get_webhook(caller: Caller, id: str) -> Answer:  # noqa: A002 (the path names it)
        endpoint = await database.read(lambda tx: store.get(tx, caller.scope, id))
        if endpoint is None:
            raise NotFound
        return _stamped(parts, endpoint.to_wire(clock.now_ms()))

    @router.put("/webhooks/{id}", "Webhook updated successfully", **ADMIN)
    async def update_webhook(caller: Caller, body: UpdateWebhook, id: str) -> Answer:  # noqa: A002
        await change.refuse_url(parts, body.url)
        unit = partial(change.update, parts=parts, caller=caller, endpoint_id=id, body=body, at_ms=clock.now_ms())
        return _stamped(parts, await database.write(unit))

    @router.delete("/webhooks/{id}", "Webhook deleted successfully", **ADMIN)
    async def delete_webhook(caller: Caller, id: str) -> Answer:  # noqa: A002
        unit = partial(change.delete, caller=caller, endpoint_id=id, at_ms=clock.now_ms())
        return _stamped(parts, await database.write(unit))


def _beyond(router: Router, parts: WebhookParts) -> None:
    database, clock = parts.database, parts.clock

    @router.post("/webhooks/{id}/rotate-secret", "Webhook secret rotated successfully", **ADMIN)
    async def rotate_secret(caller: Caller, body: Rotate, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        turn = partial(change.rotate, parts=parts, caller=caller, endpoint_id=id, body=body, at_ms=clock.now_ms())
        return await claim.once(database, lambda tx: _stamped(parts, turn(tx)), secret_paths=SECRET)

    @router.post("/webhooks/{id}/test", "Test event sent", **ADMIN)
    async def send_test(caller: Caller, body: TrialEvent, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        ended = await trial.send_test(parts, caller, id, canonical(body.event or TEST))
        return await claim.once(database, lambda tx: _stamped(parts, trial.finish(tx, caller, ended)))

    @router.post("/webhooks/{id}/resend", "Deliveries queued", success=202, **ADMIN)
    async def resend(caller: Caller, body: Resend, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        queue = partial(replay.resend, caller=caller, endpoint_id=id, body=body, at_ms=clock.now_ms())
        return await claim.once(database, lambda tx: _stamped(parts, {"queued": queue(tx)}))

    @router.post("/webhooks/{id}/deliveries/{delivery_id}/retry", "Delivery queued", success=202, **ADMIN)
    async def retry(caller: Caller, claim: Claim, id: str, delivery_id: str) -> JSONReply:  # noqa: A002
        queue = partial(replay.retry, caller=caller, endpoint_id=id, delivery_id=delivery_id, at_ms=clock.now_ms())
        return await claim.once(database, lambda tx: _stamped(parts, queue(tx).to_wire()))


def _log(router: Router, parts: WebhookParts) -> None:
    database = parts.database
    message_ = "Deliveries retrieved successfully"

    @router.get("/webhooks/{id}/deliveries", message_, filters=LOG_FILTERS, **LISTED)
    async def list_deliveries(call: Call, caller: Caller, listing: ListQuery, id: str) -> JSONReply:  # noqa: A002
        def unit(tx: Tx) -> Slice[Delivery]:
            if store.get(tx, caller.scope, id) is None:
                raise NotFound
            return store_deliveries.page(tx, caller.scope, listing.window, listing.filters, endpoint_id=id)

        return _page(call, parts, (await database.read(unit)).map(Delivery.to_wire))

    @router.get("/webhooks/{id}/deliveries/{delivery_id}", message_, **ADMIN)
    async def get_delivery(caller: Caller, id: str, delivery_id: str) -> Answer:  # noqa: A002
        def unit(tx: Tx) -> dict[str, Any]:
            delivery = store_deliveries.get(tx, caller.scope, id, delivery_id)
            if delivery is None:
                raise NotFound
            return {**delivery.to_wire(), "payload": _payload(tx, caller, delivery)}

        return _stamped(parts, await database.read(unit))

    filters = LOG_FILTERS
    options: dict[str, Any] = {**LISTED, "team_in_path": "id"}

    @router.get("/teams/{id}/webhook-deliveries", message_, filters=filters, **options)
    async def list_team_deliveries(call: Call, caller: Caller, listing: ListQuery) -> JSONReply:
        page: Callable[[Tx], Slice[Delivery]] = partial(
            store_deliveries.page, scope=caller.scope, window=listing.window, filters=listing.filters
        )
        return _page(call, parts, (await database.read(page)).map(Delivery.to_wire))


def _payload(tx: Tx, caller: Caller, delivery: Delivery) -> Any:
    """The body as it is sent, null when its event is not kept any more."""
    event = delivery.sample_event() or store_events.get(tx, caller.scope, delivery.event_id)
    if event is None:
        return None
    endpoint = store.get(tx, caller.scope, delivery.endpoint_id)
    name = name_for(endpoint.events, event.type) if endpoint is not None else None
    return message.shown_as_sent(event, name or event.type)


def _feed(router: Router, parts: WebhookParts) -> None:
    database = parts.database
    filters = {"type": Text(max=60), "object_id": Text(max=160)}

    async def number(caller: Caller) -> None:
        """What has just happened is in the feed before it is read."""
        while await database.look(partial(store_events.has_waiting, scope=caller.scope)):
            await database.write(partial(relay, now_ms=parts.clock.now_ms(), scope=caller.scope))

    @router.get("/events", "Events retrieved successfully", filters=filters, **LISTED)
    async def list_events(call: Call, caller: Caller, listing: ListQuery) -> JSONReply:
        await number(caller)
        asked = {**listing.filters}
        if "type" in asked:
            asked["type"] = canonical(asked["type"])
        page = await database.read(lambda tx: store_events.page(tx, caller.scope, listing.window, asked))
        here = (page.rows[-1].number, page.rows[-1].id) if page.rows else listing.window.after
        shown = page.map(message.shown)
        return _page(call, parts, replace(shown, last=page.last), cursor=_cursor(call, here))

    @router.get("/events/{id}", "Events retrieved successfully", **ADMIN)
    async def get_event(caller: Caller, id: str) -> Answer:  # noqa: A002
        await number(caller)
        event = await database.read(lambda tx: store_events.get(tx, caller.scope, id))
        if event is None:
            raise NotFound
        return _stamped(parts, message.shown(event))
