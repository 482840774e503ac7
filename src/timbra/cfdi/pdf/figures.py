"""How one value is printed: amounts, quantities, rates, dates, long words, dark enough colours. Text in, text out."""

import re
from decimal import Decimal, InvalidOperation

from timbra.cfdi.pdf.labels import MONTHS
from timbra.cfdi.pdf.words import Language

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)")
_LONG_WORD = re.compile(r"\S{29,}")
_PIECE = 14
# Characters that change the direction of what follows: they could make a printed name read otherwise than its XML.
_DIRECTION = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
_BREAK = "\u200b"
MINUS = "\u2212"


def figure(text: str, min_decimals: int = 2) -> str:
    """A decimal of the XML with thousands separated and no useless zeros: "1234.500000" -> "1,234.50"."""
    whole, _, decimals = text.partition(".")
    sign, digits = (MINUS, whole[1:]) if whole.startswith("-") else ("", whole)
    if not (digits.isascii() and digits.isdigit()):
        return text
    decimals = decimals.rstrip("0").ljust(min_decimals, "0")
    return f"{sign}{int(digits):,}" + (f".{decimals}" if decimals else "")


def negative(text: str) -> str:
    """A figure that is taken away; zero has no sign."""
    printed = figure(text)
    return f"{MINUS}{printed}" if any(c in "123456789" for c in text) else printed


def percent(rate: str) -> str:
    """A fraction as a percentage: "0.160000" -> "16%", "0.106667" -> "10.6667%"."""
    try:
        scaled = Decimal(rate) * 100
    except InvalidOperation:
        return rate
    return f"{figure(f'{scaled:f}', 0)}%"


def moment(text: str, language: Language) -> str:
    """An XML date and time as "22 nov 2026, 10:00:00"."""
    found = _STAMP.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12:
        return text
    return f"{int(found[3])} {MONTHS[language][int(found[2]) - 1]} {found[1]}, {found[4]}"


def printable(text: str) -> str:
    """User text made safe to lay out: no direction marks, and words wider than a column may break."""
    plain = text.translate(_DIRECTION)
    return _LONG_WORD.sub(lambda found: _BREAK.join(_pieces(found[0], _PIECE)), plain)


def wrapped(text: str, width: int) -> str:
    """A seal or cadena in lines of ``width`` characters."""
    return "\n".join(_pieces(text, width))


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
