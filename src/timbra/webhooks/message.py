"""The body that is sent: one JSON object per event, the same on every try (contract §5)."""

from typing import Any, Final

from timbra.platform import json
from timbra.webhooks.model import Event

BODY_MAX: Final = 256 * 1024


def shown(event: Event) -> dict[str, Any]:
    """The event as the feed lists it."""
    return {
        "id": event.id,
        "type": event.type,
        "created": event.created_ms,
        "livemode": event.livemode,
        "team": event.team_id,
        "data": {"object": json.Raw(event.body)},
    }


def body(event: Event, name: str) -> bytes:
    """The bytes to sign and send. name: what the endpoint calls the event.

    A body over BODY_MAX goes without the object's ``items``, and says so.
    """
    message = {"id": event.id, "type": event.type, "event": name, **shown(event)}
    whole = json.dumps(message)
    if len(whole) <= BODY_MAX:
        return whole
    kept = json.loads(event.body.encode())
    if isinstance(kept, dict):
        kept = {**kept, "items": []}
    return json.dumps({**message, "data": {"object": kept, "truncated": True}})


def shown_as_sent(event: Event, name: str) -> json.Raw:
    """The body for the log."""
    return json.Raw(body(event, name))
