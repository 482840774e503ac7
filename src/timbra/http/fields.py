"""Reusable annotated types for request bodies and queries, with the leniency of the contract.

    class CreateService(Command):
        description: Annotated[str, Text(max=1000, multiline=True)]
        unit_price: Annotated[Decimal, Amount(min=0)]
        sku: Annotated[str | None, Text(max=100)] = None
        factor: Annotated[str, Choice("Tasa", "Cuota", "Exento")] = "Tasa"
        metadata: Annotated[dict[str, Any] | None, Metadata()] = None

Each marker is a ``Rule``: ``check(value)`` gives the stored form or raises ``refuse(code, message, fix)``. Rules serve
query parameters too. Absent and null values never reach a rule; see ``timbra.http.body.Command``.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from timbra.platform import json

TEXT_MAX = 1_000
AMOUNT_MAX = Decimal("999999999999.999999")
MILLISECONDS_FROM = 1_000_000_000_000  # a larger time is in milliseconds
LAST_INSTANT_MS = 253_402_300_799_999  # the end of year 9999
LIKE_A_WORD = 60  # comparing longer texts with the words of a list would cost a second and find nothing
METADATA_MAX_BYTES = 16 * 1024

_CONTROLS = re.compile(r"[\x00-\x1f]")
_CONTROLS_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")

Flag = Annotated[bool, Strict()]
"""JSON ``true`` or ``false`` and nothing else."""


def refuse(code: str, message: str, fix: Any = None, path: str | None = None) -> PydanticCustomError:
    """The error to raise inside a rule or a model validator; ``path`` places it below the model that raises it."""
    return PydanticCustomError(code, "{reason}", {"reason": message, "fix": fix, "path": path})


class Rule:
    """A check usable as ``Annotated[type, Rule()]``. A type ``X | None`` lets null pass."""

    def check(self, value: Any) -> Any:
        """The value as it is kept. Raises ``refuse(...)``."""
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        """The OpenAPI form."""
        return {"type": "string"}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.no_info_plain_validator_function(self.check)
        return core_schema.nullable_schema(plain) if NoneType in get_args(source) else plain

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        own = self.json_schema()
        return {"anyOf": [own, {"type": "null"}]} if schema["type"] == "nullable" else own


def clean(value: str, *, multiline: bool = False) -> str:
    """Trimmed, Unicode NFC. Raises for control characters."""
    text = value.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if (_CONTROLS_BUT_LINES if multiline else _CONTROLS).search(text):
        raise refuse("format", "must not contain control characters")
    return text


def _text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise refuse("type", "must be text")
    return value


@dataclass(frozen=True, slots=True)
class Text(Rule):
    """Trimmed NFC text of ``min`` to ``max`` code points."""

    max: int = TEXT_MAX
    min: int = 1
    multiline: bool = False
    pattern: str | None = None
    explain: str = "has a wrong form"

    def check(self, value: Any) -> str:
        text = clean(_text_of(value), multiline=self.multiline)
        if len(text) < self.min:
            raise refuse("min_length", f"must have at least {self.min} characters")
        if len(text) > self.max:
            raise refuse("max_length", f"must have at most {self.max} characters", self._cut(text))
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            raise refuse("format", self.explain)
        return text

    def _cut(self, text: str) -> str | None:
        """A text short enough to be accepted and to be worth showing."""
        cut = text[: self.max].strip()
        fits = self.max <= TEXT_MAX and (self.pattern is None or re.fullmatch(self.pattern, cut))
        return cut if fits else None

    def json_schema(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "string", "minLength": self.min, "maxLength": self.max}
        return shape | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Code(Rule):
    """A code of a catalogue: upper case, leading zeros kept; an integer stands for its decimal text, padded to ``pad``."""

    max: int = 20
    pad: int = 0
    pattern: str | None = None
    explain: str = "has a wrong form"

    def check(self, value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value).zfill(self.pad)
        text = clean(_text_of(value)).upper()
        if not 1 <= len(text) <= self.max:
            raise refuse("max_length", f"must have 1 to {self.max} characters")
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            raise refuse("format", self.explain)
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "maxLength": self.max}, {"type": "integer"}]}


ZIP = Code(max=12, pad=5)
"""A postal code: an integer is padded to five digits; its form depends on the country and is checked there."""


@dataclass(frozen=True)
class Choice(Rule):
    """One of a closed list, written in any case; the result is the list's own spelling (or the enum's member)."""

    values: Mapping[str, Any]
    shown: tuple[str, ...]

    def __init__(self, *values: Any, also: Mapping[str, Any] | None = None) -> None:
        """``values``: texts or the members of a StrEnum; ``also``: further spellings and what they mean."""
        spellings = {str(value).casefold(): value for value in values}
        object.__setattr__(self, "values", spellings | {k.casefold(): v for k, v in (also or {}).items()})
        object.__setattr__(self, "shown", tuple(str(value) for value in values))

    def check(self, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        text = _text_of(value).strip().casefold()
        if text in self.values:
            return self.values[text]
        nearest = get_close_matches(text, list(self.values), n=1) if len(text) <= LIKE_A_WORD else []
        fix = str(self.values[nearest[0]]) if nearest else None
        raise refuse("enum", f"must be one of {', '.join(self.shown)}", fix)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.shown)}


def number(value: Any) -> Decimal:
    """A JSON number or numeric text as an exact decimal. Raises for anything else."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise refuse("type", "must be a number")


def decimals_of(value: Decimal) -> int:
    """Decimal places without trailing zeros."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "NaN and infinities are refused while parsing"
    zeros = 0
    for digit in reversed(digits):
        if digit or -exponent <= zeros:
            break
        zeros += 1
    return max(0, -exponent - zeros)


@dataclass(frozen=True, slots=True)
class Amount(Rule):
    """Money, a quantity or a rate: an exact decimal of at most ``decimals`` places. ``above``: larger than, not equal."""

    min: Decimal | int | None = None
    max: Decimal | int = AMOUNT_MAX
    decimals: int = 6
    above: Decimal | int | None = None

    def check(self, value: Any) -> Decimal:
        amount = number(value)
        if amount > self.max:
            raise refuse("max", f"must be at most {self.max}", self.max)
        if self.above is not None and amount <= self.above:
            raise refuse("min", f"must be greater than {self.above}")
        if self.min is not None and amount < self.min:
            raise refuse("min", f"must be at least {self.min}", self.min)
        if amount < -AMOUNT_MAX:
            raise refuse("min", f"must be at least {-AMOUNT_MAX}")
        if decimals_of(amount) > self.decimals:
            raise refuse("format", f"must have at most {self.decimals} decimals", self._rounded(amount))
        return amount

    def _rounded(self, amount: Decimal) -> Decimal | None:
        rounded = amount.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        return rounded if self.above is None or rounded > self.above else None

    def json_schema(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "number", "maximum": _schema_number(self.max)}
        if self.above is not None:
            shape["exclusiveMinimum"] = _schema_number(self.above)
        if self.min is not None:
            shape["minimum"] = _schema_number(self.min)
        return shape


def _schema_number(value: Decimal | int) -> json.Raw:
    return json.Raw(json.number_text(Decimal(value)))


@dataclass(frozen=True, slots=True)
class Whole(Rule):
    """An integer between ``min`` and ``max``; integral decimals and numeric text are taken as well."""

    min: int = 0
    max: int = 2_147_483_647

    def check(self, value: Any) -> int:
        amount = number(value)
        if decimals_of(amount):
            raise refuse("type", "must be a whole number")
        if amount < self.min:
            raise refuse("min", f"must be at least {self.min}", self.min)
        if amount > self.max:
            raise refuse("max", f"must be at most {self.max}", self.max)
        return int(amount)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.min, "maximum": self.max}


@dataclass(frozen=True, slots=True)
class Email(Rule):
    """An e-mail address, kept as typed; compare in lower case."""

    def check(self, value: Any) -> str:
        text = clean(_text_of(value))
        if len(text) > 254 or not _EMAIL.fullmatch(text):
            raise refuse("format", "must be an e-mail address")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": 254}


@dataclass(frozen=True, slots=True)
class Url(Rule):
    """An https URL without user info; http only for a loopback host when ``loopback`` is set."""

    loopback: bool = False
    max: int = 2_048

    def check(self, value: Any) -> str:
        text = clean(_text_of(value))
        if len(text) > self.max:
            raise refuse("max_length", f"must have at most {self.max} characters")
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or re.search(r"\s", text) or "@" in parts.netloc:
            raise refuse("format", "must be a URL without user info")
        if parts.scheme != "https" and not (self.loopback and parts.scheme == "http" and _is_loopback(host)):
            raise refuse("format", "must be an https:// URL")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uri", "maxLength": self.max}


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


@dataclass(frozen=True, slots=True)
class Instant(Rule):
    """A time as milliseconds UTC, from seconds, milliseconds or ISO 8601 text; text without offset is in ``zone``."""

    zone: str = "UTC"

    def check(self, value: Any) -> int:
        if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
            return self._iso(value.strip())
        amount = number(value)
        at_ms = amount if amount > MILLISECONDS_FROM else amount * 1000
        if decimals_of(amount) or not 0 <= at_ms <= LAST_INSTANT_MS:
            raise refuse("format", "must be a unix time or ISO 8601 text")
        return int(at_ms)

    def _iso(self, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=ZoneInfo(self.zone))
            since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        except (ValueError, OverflowError):
            raise refuse("format", "must be a unix time or ISO 8601 text") from None
        milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
        if milliseconds < 0:
            raise refuse("min", "must not be before 1970")
        return milliseconds

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}]}


@dataclass(frozen=True, slots=True)
class Metadata(Rule):
    """A free JSON object within the limits of the contract, kept unchanged."""

    max_keys: int = 50
    max_key: int = 40
    max_text: int = 500
    max_bytes: int = field(default=METADATA_MAX_BYTES)

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refuse("type", "must be an object")
        if len(value) > self.max_keys:
            raise refuse("max_items", f"must have at most {self.max_keys} keys")
        if not all(1 <= len(key) <= self.max_key for key in value):
            raise refuse("max_length", f"must have keys of 1 to {self.max_key} characters")
        if any(len(text) > self.max_text for text in _texts(value.values())):
            raise refuse("max_length", f"must have texts of at most {self.max_text} characters")
        size = json.dumps(value)
        if len(size) > self.max_bytes:
            raise refuse("max_length", f"must be at most {self.max_bytes} bytes of JSON")
        if b"\\u0000" in size:
            raise refuse("format", "must not contain U+0000")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "maxProperties": self.max_keys}


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(value.values())
        elif isinstance(value, list):
            yield from _texts(value)


@dataclass(frozen=True, slots=True)
class QueryFlag(Rule):
    """A boolean of a query string or a multipart part: ``true false 1 0``, any case."""

    def check(self, value: Any) -> bool:
        text = str(value).strip().casefold()
        if text not in ("true", "false", "1", "0"):
            raise refuse("type", "must be true or false")
        return text in ("true", "1")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}
