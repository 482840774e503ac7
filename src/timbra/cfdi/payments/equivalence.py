"""Currencies of a payment: EquivalenciaDR, sums in the payment's currency, and SAT's limits for Monto.

An equivalence is an integer of 10^-10: units of the invoice's currency per unit of the payment's.
"""

from collections.abc import Iterable
from typing import Final

from timbra.cfdi.model import Micro
from timbra.cfdi.money import DECIMALS, half_up

EQUIVALENCE_DECIMALS: Final = 10
ONE: Final = 10**EQUIVALENCE_DECIMALS

_FINEST: Final = 16  # SAT takes 10^-16 off the open ends
_TO_FINEST: Final = 10 ** (_FINEST - DECIMALS)
_E_TO_FINEST: Final = 10 ** (_FINEST - EQUIVALENCE_DECIMALS)

Ratio = tuple[int, int]  # numerator and denominator; both positive unless the numerator is 0


def equivalence(payment_rate: Micro, document_rate: Micro) -> int:
    """EquivalenciaDR of two currencies by their rates in pesos, half-up at 10 decimals. Source: contract C1."""
    return half_up(payment_rate * ONE, document_rate)


def converted(parts: Iterable[tuple[int, int]]) -> Ratio:
    """The exact sum, in the payment's currency, of (value in micro, equivalence); as a ratio in micro."""
    by_equivalence: dict[int, int] = {}
    for value, e in parts:
        by_equivalence[e] = by_equivalence.get(e, 0) + value
    n, d = 0, 1
    for e, value in by_equivalence.items():
        n, d = n * e + value * ONE * d, d * e
    return n, d


def rounded(ratio: Ratio, decimals: int = DECIMALS) -> Micro:
    """The ratio half-up at ``decimals``, in micro."""
    n, d = ratio
    unit = 10 ** (DECIMALS - decimals)
    return Micro(half_up(n, d * unit) * unit)


def cut(ratio: Ratio, decimals: int) -> Micro:
    """The ratio truncated at ``decimals``, in micro."""
    n, d = ratio
    unit = 10 ** (DECIMALS - decimals)
    return Micro(n // (d * unit) * unit)


def paid_limits(paid: Micro, paid_decimals: int, e: int, e_decimals: int, decimals: int) -> tuple[Micro, Micro]:
    """Least and greatest value of an ImpPagado in the payment's currency, whose decimals are ``decimals``.

    paid_decimals, e_decimals: as ImpPagado and EquivalenciaDR are written. Source: SAT matrix CRP20275, CRP20276.
    """
    value, factor = paid * _TO_FINEST, e * _E_TO_FINEST
    half_value, half_factor = _half(paid_decimals), _half(e_decimals)
    unit, scale = 10 ** (DECIMALS - decimals), 10**decimals
    low = max(value - half_value, 0) * scale // (factor + half_factor - 1)
    # An equivalence of a half of its last place or less has no upper limit at all.
    top = max(factor - half_factor, 1)
    high = half_up((value + half_value - 1) * scale, top)
    return Micro(low * unit), Micro(high * unit)


def _half(decimals: int) -> int:
    return 5 * int(10 ** (_FINEST - 1 - decimals))


def equivalence_text(e: int) -> str:
    """The equivalence with its 10 decimals, ``20.0000000000``. Source: contract C1, CRP20277."""
    return f"{e // ONE}.{e % ONE:010}"
