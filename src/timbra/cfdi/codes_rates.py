"""c_TasaOCuota: the legal rates of IVA, ISR and IEPS. Rates are integers of 10^-6 (0.16 = 160000)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from timbra.cfdi.model import MICRO

PERCENT: Final = 100
BORDER_RATE: Final = 80_000  # IVA 0.08, only where the issuer's postal code has a border stimulus
NEAR: Final = 10_000  # a proposal further away than 0.01 would be a guess


@dataclass(frozen=True, slots=True)
class Rates:
    """The legal rates of one tax: a closed list, or any value of a range."""

    fixed: tuple[int, ...] = ()
    maximum: int | None = None

    def allows(self, rate_micro: int) -> bool:
        """True when the rate is on the list or within the range."""
        if self.maximum is not None:
            return 0 <= rate_micro <= self.maximum
        return rate_micro in self.fixed


_IEPS_BOTH = (60_000, 70_000, 80_000, 90_000, 250_000, 265_000, 300_000, 304_000, 500_000, 530_000, 1_600_000)
_IEPS_CUOTA = Rates(maximum=72_160_500)  # since 2026-01-01

# (tax, factor, withheld). Source: c_TasaOCuota; Exento carries no rate and is written as 0.
RATES: Final[Mapping[tuple[str, str, bool], Rates]] = {
    ("002", "Tasa", False): Rates((0, BORDER_RATE, 160_000)),
    ("002", "Exento", False): Rates((0,)),
    ("002", "Tasa", True): Rates(maximum=160_000),
    ("001", "Tasa", True): Rates(maximum=350_000),
    ("003", "Tasa", False): Rates((0, 30_000, *_IEPS_BOTH)),
    ("003", "Tasa", True): Rates(_IEPS_BOTH),
    ("003", "Exento", False): Rates((0,)),
    ("003", "Cuota", False): _IEPS_CUOTA,
    ("003", "Cuota", True): _IEPS_CUOTA,
}


def rate_allowed(tax: str, factor: str, withheld: bool, rate_micro: int) -> bool:
    """True when SAT's catalogue has this rate for this tax, factor and side. Source: CFDI40179, CFDI40185."""
    rates = RATES.get((tax, factor, withheld))
    return rates is not None and rates.allows(rate_micro)


def nearest_rate(tax: str, factor: str, withheld: bool, rate_micro: int) -> int | None:
    """The legal rate the caller probably meant: a percentage read as a fraction (16 -> 0.16), else the nearest within 0.01.

    None when the combination does not exist or nothing is near: only a person knows then.
    """
    rates = RATES.get((tax, factor, withheld))
    if rates is None:
        return None
    if rates.allows(rate_micro):
        return rate_micro
    as_fraction, rest = divmod(rate_micro, PERCENT)
    if factor == "Tasa" and rate_micro >= MICRO and rest == 0 and rates.allows(as_fraction):
        return as_fraction
    known = rates.fixed or (0, rates.maximum or 0)
    best = min(known, key=lambda rate: abs(rate - rate_micro))
    return best if abs(best - rate_micro) <= NEAR else None
