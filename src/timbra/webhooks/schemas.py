"""Bodies of webhook calls (contract §2 and §7)."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from timbra.http.body import Command
from timbra.http.fields import Choice, Instant, Rule, Text, Whole, clean, refuse
from timbra.webhooks.model import ACTIVE, INACTIVE
from timbra.webhooks.names import ALIASES, CONNECT, KNOWN, NAME_PATTERN

URL_MAX: Final = 4_096
HEADERS_MAX: Final = 10
VALUE_MAX: Final = 1_000
NAMES_MAX: Final = 100
OVERLAP_S, OVERLAP_MAX_S = 86_400, 604_800
_URL: Final = re.compile(r"(https?)://([^/?#\s]+)([/?#]\S*)?", re.IGNORECASE)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS: Final = re.compile(
    r"host|connection|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|user-agent"
    r"|x-gigstack-signature|content-.*|webhook-.*|proxy-.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class WebhookUrl(Rule):
    """An absolute URL without user info; whether its scheme and host may be called is found out later."""

    def check(self, value: Any) -> str:
        """The URL as it was sent. Raises ``refuse(...)``."""
        if not isinstance(value, str):
            raise refuse("type", "must be text")
        text = clean(value)
        if len(text) > URL_MAX:
            raise refuse("max_length", f"must have at most {URL_MAX} characters")
        match = _URL.fullmatch(text)
        if match is None or "\\" in text:
            raise refuse("format", "must be an https:// URL")
        if "@" in match[2]:
            raise refuse("format", "must be a URL without user info")
        return text

    def json_schema(self) -> dict[str, Any]:
        """The OpenAPI form."""
        return {"type": "string", "format": "uri", "maxLength": URL_MAX}


@dataclass(frozen=True, slots=True)
class CustomHeaders(Rule):
    """Headers that each message carries, by name; none that the server or HTTP itself sets."""

    def check(self, value: Any) -> dict[str, str]:
        """Names and values as sent. Raises ``refuse(...)``."""
        if not isinstance(value, dict):
            raise refuse("type", "must be an object")
        if len(value) > HEADERS_MAX:
            raise refuse("max_items", f"must have at most {HEADERS_MAX} headers")
        if len({name.lower() for name in value}) < len(value):
            raise refuse("duplicate", "must name each header once")
        return {name: self._value(name, given) for name, given in value.items()}

    def _value(self, name: str, given: Any) -> str:
        if not _HEADER.fullmatch(name):
            raise refuse("format", "must have names of letters, digits and -", path=name)
        if _OURS.fullmatch(name):
            raise refuse("not_allowed", "must not name a header that the server sets", path=name)
        if not isinstance(given, str) or not given.strip() or len(given) > VALUE_MAX:
            raise refuse("type", f"must have values of 1 to {VALUE_MAX} characters", path=name)
        text = given.strip()
        if not (text.isascii() and text.isprintable()):
            raise refuse("format", "must have values of printable ASCII", path=name)
        return text

    def json_schema(self) -> dict[str, Any]:
        """The OpenAPI form."""
        return {"type": "object", "maxProperties": HEADERS_MAX, "additionalProperties": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class EventName(Rule):
    """The name of an event, an alias, or ``*``; what nobody knows is taken too."""

    def check(self, value: Any) -> str:
        """The name as sent. Raises ``refuse(...)``."""
        if not isinstance(value, str):
            raise refuse("type", "must be text")
        text = value.strip()
        if len(text) > 60 or not re.fullmatch(NAME_PATTERN, text):
            raise refuse("format", "must be the name of an event, such as invoice.created, or *")
        return text

    def json_schema(self) -> dict[str, Any]:
        """The OpenAPI form."""
        return {"type": "string", "maxLength": 60, "pattern": f"^({NAME_PATTERN})$"}


class Security(Command):
    """What receivers ask for besides the signature."""

    headers: Annotated[dict[str, str] | None, CustomHeaders()] = None


class WebhookFields(Command):
    """What a caller may set on an endpoint."""

    events: Annotated[list[Annotated[str, EventName()]], Field(max_length=NAMES_MAX)] | None = None
    description: Annotated[str | None, Text(max=1000, multiline=True)] = None
    status: Annotated[str | None, Choice(ACTIVE, INACTIVE)] = None
    security: Security | None = None


class CreateWebhook(WebhookFields):
    """POST /webhooks."""

    url: Annotated[str, WebhookUrl()]
    type: Annotated[str | None, Choice(CONNECT)] = None


class UpdateWebhook(WebhookFields):
    """PUT /webhooks/{id}: partial."""

    url: Annotated[str, WebhookUrl()] | None = None


class Rotate(Command):
    """POST /webhooks/{id}/rotate-secret."""

    overlap_seconds: Annotated[int, Whole(min=0, max=OVERLAP_MAX_S)] = OVERLAP_S


class TrialEvent(Command):
    """POST /webhooks/{id}/test."""

    event: Annotated[str | None, Choice(*sorted(KNOWN), also=ALIASES)] = None


class Resend(Command):
    """POST /webhooks/{id}/resend."""

    from_ms: Annotated[int, Instant()] = Field(validation_alias="from")
    to_ms: Annotated[int, Instant()] = Field(validation_alias="to")
    status: Annotated[str, Choice("failed", "all")] = "failed"
    events: Annotated[list[Annotated[str, EventName()]], Field(max_length=NAMES_MAX)] | None = None
