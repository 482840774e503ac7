"""JSON in and out without ever passing a decimal through a binary float."""

import json as _json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MAX_DEPTH = 32
MAX_EXPONENT = 400  # beyond a double's range; written out, a larger one would fill the memory


class JsonRefused(ValueError):
    """The text is not JSON that this server takes; the message says why."""


class Raw:
    """Ready JSON, embedded as it is."""

    __slots__ = ("text",)

    def __init__(self, text: bytes | str) -> None:
        self.text = text.encode() if isinstance(text, str) else text


def number_text(value: Decimal) -> str:
    """A decimal as a JSON number: exact, no exponent, no trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _default(value: Any) -> Any:
    if isinstance(value, Raw):
        return orjson.Fragment(value.text)
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value))
    if isinstance(value, frozenset | set | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """UTF-8 JSON of ``value``; Decimals become exact numbers, ``Raw`` texts are embedded."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS)


def canonical(value: Any) -> bytes:
    """One text per value: sorted keys, no blanks. For fingerprints."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _integer(text: str) -> int | Decimal:
    """Integers beyond 64 bits stay exact as Decimals: the writer takes no larger ints."""
    return int(text) if len(text) < 19 else Decimal(text)


def _fraction(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:  # the exponent itself has too many digits
        raise JsonRefused("a number is out of range") from None
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise JsonRefused("a number is out of range")
    return value


def _refuse_constant(text: str) -> Any:
    raise JsonRefused(f"{text} is not a JSON number")


def loads(body: bytes) -> Any:
    """The value of a JSON text: fractions as Decimal, the last of duplicate keys, at most 32 levels.

    Raises JsonRefused for anything else, wrong encodings and lone surrogates included.
    """
    if _depth(body) > MAX_DEPTH:
        raise JsonRefused(f"nested deeper than {MAX_DEPTH} levels")
    try:
        text = body.decode("utf-8-sig")
        value = _json.loads(text, parse_float=_fraction, parse_int=_integer, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise JsonRefused("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise JsonRefused(str(error)) from error
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _depth(body: bytes) -> int:
    """Upper bound of the nesting: brackets inside strings are told apart only when there are many of them."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = level = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        orjson.dumps(value, default=str)
    except TypeError as error:
        raise JsonRefused("a text holds a lone surrogate") from error
