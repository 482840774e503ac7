"""``search`` of bodies that find before they create: the key, and the value as metadata filters compare it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from timbra.http.fields import Rule, refuse
from timbra.platform import json

METADATA_PREFIX: Final = "metadata."


@dataclass(frozen=True, slots=True)
class SearchKey(Rule):
    """The field that finds an object: one of ``plain``, or ``metadata.<key>``."""

    plain: tuple[str, ...]

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise refuse("type", "must be text")
        text = value.strip()
        if text.startswith(METADATA_PREFIX) and len(text) > len(METADATA_PREFIX) and "\0" not in text:
            return text
        if text.lower() in self.plain:
            return text.lower()
        raise refuse("enum", f"must be one of {', '.join(self.plain)}, metadata.<key>")


@dataclass(frozen=True, slots=True)
class Scalar(Rule):
    """Text, a number or a truth value, as text."""

    def check(self, value: Any) -> str:
        text = scalar_text(value)
        if text is None:
            raise refuse("type", "must be text, a number, true or false")
        if "\0" in text:
            raise refuse("format", "must not contain U+0000")
        return text


def scalar_text(value: Any) -> str | None:
    """Text form of a JSON scalar; None for null, blanks, objects and arrays."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | int | Decimal):
        return json.dumps(value).decode()
    return None


def value_of(key: str, fields: Any, metadata: Mapping[str, Any] | None) -> str | None:
    """What a body itself says about the field it is searched by; ``fields``: the body."""
    if key.startswith(METADATA_PREFIX):
        return scalar_text((metadata or {}).get(key.removeprefix(METADATA_PREFIX)))
    value = getattr(fields, key, None)
    return value if isinstance(value, str) else None
