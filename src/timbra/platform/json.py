"""JSON in and out without ever passing a decimal through a binary float."""

import json as _json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MAX_DEPTH = 32
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
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
    if _is_too_deep(body):
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


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets outside of strings nest deeper than allowed; at C speed, since it is asked of every body."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    outside = b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    brackets = outside.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")  # the innermost level
    return b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        orjson.dumps(value, default=str)
    except TypeError as error:
        raise JsonRefused("a text holds a lone surrogate") from error
