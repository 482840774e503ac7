"""Endpoints and deliveries as the rest of the room knows them, and as the API shows them (contract §2 and §7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timbra.platform import json
from timbra.platform.scope import TeamScope
from timbra.webhooks.names import unknown

ACTIVE, INACTIVE = "active", "inactive"
PENDING, PROCESSING, RETRYING, SUCCEEDED, FAILED = "pending", "processing", "retrying", "succeeded", "failed"
STATUSES: Final = (PENDING, PROCESSING, RETRYING, SUCCEEDED, FAILED)
FAILING, GONE = "failing", "gone"
UNAVAILABLE: Final = "endpoint_unavailable"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a team wants to hear of its events. What is sealed stays sealed here."""

    id: str
    team_id: str
    livemode: bool
    url: str
    events: Sequence[str]
    description: str | None
    status: str
    type: str | None
    sealed_secret: str
    sealed_previous: str | None
    previous_until_ms: int | None
    header_names: Sequence[str]
    sealed_headers: str | None
    disabled_reason: str | None
    failing_since_ms: int | None
    last_success_ms: int | None
    last_failure_ms: int | None
    owner: str
    created_ms: int
    updated_ms: int

    @property
    def scope(self) -> TeamScope:
        """Whose it is."""
        return TeamScope(self.team_id, self.livemode)

    @property
    def is_active(self) -> bool:
        """Whether it gets events."""
        return self.status == ACTIVE

    def to_wire(self, now_ms: int) -> dict[str, Any]:
        """As the API shows it: no secret in it."""
        overlaps = self.previous_until_ms is not None and self.previous_until_ms > now_ms
        return {
            "id": self.id,
            "url": self.url,
            "events": list(self.events),
            "description": self.description,
            "status": self.status,
            "type": self.type,
            "security": {"header_names": list(self.header_names), "configured": bool(self.header_names)},
            "signing": {"enabled": True, "rotating_until": self.previous_until_ms if overlaps else None},
            "unknown_events": unknown(self.events),
            "disabled_reason": self.disabled_reason,
            "failing_since": self.failing_since_ms,
            "last_success_at": self.last_success_ms,
            "last_failure_at": self.last_failure_ms,
            "livemode": self.livemode,
            "owner": self.owner,
            "team": self.team_id,
            "created_at": self.created_ms,
            "updated_at": self.updated_ms,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``body``: JSON of the object after it; ``number``: its place in the feed."""

    id: str
    team_id: str
    livemode: bool
    type: str
    object_id: str
    body: str
    number: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint, as the log keeps it; by default its first try is ahead."""

    id: str
    team_id: str
    livemode: bool
    endpoint_id: str
    number: int
    event_id: str
    event: str
    object_id: str
    created_ms: int
    updated_ms: int
    manual: bool = False
    is_test: bool = False
    sample: str | None = None
    status: str = PENDING
    tries: int = 0
    attempts: str = "[]"
    response_code: int | None = None
    latency_ms: int | None = None
    error_category: str | None = None
    due_ms: int | None = None

    def sample_event(self) -> Event | None:
        """What a test sent, as if it had happened; None for deliveries of events that did."""
        if self.sample is None:
            return None
        return Event(
            self.event_id, self.team_id, self.livemode, self.event, self.object_id, self.sample, 0, self.created_ms
        )

    def to_wire(self) -> dict[str, Any]:
        """As the log shows it."""
        return {
            "id": self.id,
            "webhook_id": self.endpoint_id,
            "event_id": self.event_id,
            "event": self.event,
            "resource_id": self.object_id,
            "status": self.status,
            "attempts": json.Raw(self.attempts),
            "response_code": self.response_code,
            "latency_ms": self.latency_ms,
            "error_category": self.error_category,
            "next_attempt_at": self.due_ms,
            "manual": self.manual,
            "timestamp": self.created_ms,
            "updated_at": self.updated_ms,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as the log keeps it. ``category`` None: success. ``retry_after_ms``: what the receiver asked for."""

    at_ms: int
    latency_ms: int
    response_code: int | None = None
    category: str | None = None
    excerpt: str | None = None
    retry_after_ms: int = 0

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return self.category is None

    def to_wire(self) -> Mapping[str, Any]:
        """An entry of ``attempts``."""
        return {
            "at": self.at_ms,
            "response_code": self.response_code,
            "latency_ms": self.latency_ms,
            "error_category": self.category,
            "response_excerpt": self.excerpt,
        }
