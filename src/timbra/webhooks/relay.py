"""From events to deliveries: each new event gets its number in the feed and a delivery per endpoint that wants it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from timbra.platform import faults
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope
from timbra.teams import store as teams
from timbra.webhooks import store, store_deliveries, store_events
from timbra.webhooks.model import Delivery, Endpoint, Event
from timbra.webhooks.names import goes_to

BATCH: Final = 100
CLOCKS_APART_MS: Final = 60_000  # of replicas: an endpoint made just before an event must not miss it


def relay(tx: Tx, now_ms: int, scope: TeamScope | None = None) -> int:
    """A batch of waiting events is in the feed, and its deliveries wait; how many events. scope: of this team only.

    One at a time over all processes, in one transaction: no event is forgotten, none is given out twice, and events of
    one object come in the order of its changes.
    """
    events = store_events.number(tx, BATCH, scope)
    if not events:
        return 0
    deliveries = _deliveries(tx, events, now_ms)
    if deliveries:
        store_deliveries.add(tx, deliveries)
        store_deliveries.wake(tx, {delivery.endpoint_id for delivery in deliveries}, now_ms, scope)
    faults.point("webhooks.relayed")
    return len(events)


def _deliveries(tx: Tx, events: Sequence[Event], now_ms: int) -> list[Delivery]:
    endpoints = _listening(tx, {event.team_id for event in events})
    return [
        delivery(event, endpoint, now_ms)
        for event in events
        for endpoint in endpoints[TeamScope(event.team_id, event.livemode)]
        if goes_to(endpoint.events, endpoint.type, event.type) and is_newer(event, endpoint)
    ]


def _listening(tx: Tx, team_ids: set[str]) -> Mapping[TeamScope, Sequence[Endpoint]]:
    """The active endpoints of teams that are not on their way out."""
    found: dict[TeamScope, list[Endpoint]] = defaultdict(list)
    endpoints = store.active_of(tx, sorted(team_ids))
    leaving = {team_id for team_id in {each.team_id for each in endpoints} if not is_served(tx, team_id)}
    for endpoint in endpoints:
        if endpoint.team_id not in leaving:
            found[endpoint.scope].append(endpoint)
    return found


def is_served(tx: Tx, team_id: str) -> bool:
    """Whether the team's webhooks work: they stop when its removal is scheduled."""
    team = teams.team(tx, team_id)
    return team is not None and team.is_active


def is_newer(event: Event, endpoint: Endpoint) -> bool:
    """Whether the endpoint was there when the event happened."""
    return event.created_ms + CLOCKS_APART_MS >= endpoint.created_ms


def delivery(event: Event, endpoint: Endpoint, now_ms: int, *, manual: bool = False) -> Delivery:
    """A new delivery of the event, first try ahead."""
    return Delivery(
        id=new_id("del"),
        team_id=endpoint.team_id,
        livemode=endpoint.livemode,
        endpoint_id=endpoint.id,
        number=event.number,
        event_id=event.id,
        event=event.type,
        object_id=event.object_id,
        created_ms=now_ms,
        updated_ms=now_ms,
        manual=manual,
    )
