"""SAT's limits for a line's Importe and for a tax's Importe.

SAT takes every number as the middle of what it may stand for: Q written with d decimals stands for Q - ½·10^-d up to just
under Q + ½·10^-d. Lower limits are cut and upper limits raised at the decimals of the currency.
"""

from typing import Final

from timbra.cfdi.model import MICRO, Micro
from timbra.cfdi.money import DECIMALS, decimals_of, micro

_PICO: Final = 10**12  # the unit of SAT's last place: 10^-12 is taken off upper ends
_PER_MICRO: Final = _PICO // MICRO


def line_limits(quantity: str, unit_price: str, decimals: int) -> tuple[Micro, Micro]:
    """Least and greatest Importe of a line, in micro, from Cantidad and ValorUnitario as written.

    decimals: of the currency. Source: SAT matrix CFDI40167.
    """
    low_q, high_q = _ends(quantity)
    low_v, high_v = _ends(unit_price)
    step = 10 ** (24 - decimals)
    unit = 10 ** (DECIMALS - decimals)
    return Micro(low_q * low_v // step * unit), Micro(-(-high_q * high_v // step) * unit)


def tax_limits(base: str, rate: str, decimals: int) -> tuple[Micro, Micro]:
    """Least and greatest Importe of a line's tax, in micro, from Base and TasaOCuota as written.

    decimals: of the currency. Source: SAT matrix CFDI40180 (transferred), CFDI40186 (withheld).
    """
    low, high = _ends(base)
    fraction = micro(rate)
    step = 10 ** (18 - decimals)
    unit = 10 ** (DECIMALS - decimals)
    return Micro(low * fraction // step * unit), Micro(-(-high * fraction // step) * unit)


def _ends(written: str) -> tuple[int, int]:
    """Both ends of what the written number may stand for, in 10^-12."""
    middle = micro(written) * _PER_MICRO
    half = 5 * 10 ** (11 - decimals_of(written))
    return max(middle - half, 0), middle + half - 1
