"""Money as integers of 10^-6, and the only place where a number is rounded or becomes text.

Rounding is half-up (contract M1) and happens where a rule says so; sums are exact.
"""

import re
from decimal import Context, Decimal, Inexact
from typing import Final

from timbra.cfdi.model import MICRO, Micro

DECIMALS: Final = 6
INTEGER_DIGITS: Final = 12
LIMIT: Final = Micro(10**18 - 1)  # 999,999,999,999.999999: fits a database bigint, and SAT's 18 digits

_HALF: Final = MICRO // 2
_CENT: Final = MICRO // 100
_CENTS: Final = tuple(f"{cents:02}" for cents in range(100))
_PLAIN: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_STEP: Final = Decimal(1).scaleb(-DECIMALS)
_EXACT: Final = Context(prec=2 * DECIMALS + INTEGER_DIGITS, traps=[Inexact])
_NO_FRACTION: Final = ("", ".0", ".00", ".000", ".0000", ".00000", ".000000")


def half_up(n: int, d: int) -> int:
    """``n / d`` rounded to an integer, halves away from zero. n >= 0, d > 0. Source: contract M1."""
    assert n >= 0 < d
    return (2 * n + d) // (2 * d)


def times(a: int, b: int) -> Micro:
    """Product of two micro values in micro, half-up at 6 decimals. a, b >= 0. Source: contract M2, M3."""
    assert a >= 0 <= b
    return (a * b + _HALF) // MICRO  # type: ignore[return-value]  # Micro(...) would cost a third of this call


def round_to(value: int, decimals: int) -> Micro:
    """The amount rounded half-up to ``decimals`` places, still in micro. value >= 0. Source: contract M5 (roundC)."""
    unit = 10 ** (DECIMALS - decimals)
    assert value >= 0
    return Micro((2 * value + unit) // (2 * unit) * unit)


def micro(value: Decimal | str | int) -> Micro:
    """The exact amount in micro.

    ValueError for what is not a plain finite number, has more than 6 decimals, or is beyond ``LIMIT``.
    A text is digits with at most one point: no exponent, no separators, no blanks.
    """
    if isinstance(value, int):
        scaled = Decimal(value)
    elif isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise ValueError("is not a number")
        scaled = Decimal(value)
    else:
        scaled = value
    if not scaled.is_finite():
        raise ValueError("is not a finite number")
    # Looked at before any arithmetic: 1E+999999999 would fill the memory as an integer.
    if scaled and scaled.adjusted() >= INTEGER_DIGITS:
        raise ValueError("is too large")
    try:
        return Micro(int(_EXACT.scaleb(_EXACT.quantize(scaled, _STEP), DECIMALS)))
    except Inexact:
        raise ValueError(f"has more than {DECIMALS} decimals") from None


def to_decimal(value: int) -> Decimal:
    """The amount as an exact Decimal."""
    return Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -DECIMALS))


def text(value: int, min_decimals: int = 0) -> str:
    """The micro amount or rate as Anexo 20 writes it: at least ``min_decimals`` decimals, more only when they are not zero.

    value >= 0.
    """
    assert value >= 0
    whole = value // MICRO
    part = value % MICRO
    if not part:
        return f"{whole}{_NO_FRACTION[min_decimals]}"
    if min_decimals == 2 and not part % _CENT:
        return f"{whole}.{_CENTS[part // _CENT]}"
    digits = str(MICRO + part).rstrip("0")[1:]
    return f"{whole}.{digits if len(digits) >= min_decimals else digits.ljust(min_decimals, '0')}"


def decimals_of(written: str) -> int:
    """Decimals of a number as it is written: 2 for ``1.50``."""
    _, _, fraction = written.partition(".")
    return len(fraction)
