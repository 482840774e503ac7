"""The taxes of a line as the arithmetic needs them, and net prices out of prices that contain taxes (contract M6)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from timbra.cfdi.amounts import AmountError
from timbra.cfdi.model import MICRO, Factor, Line, LineTax, Micro, Rate, Tax
from timbra.cfdi.money import half_up

FUEL_PRODUCTS: Final = "151015"  # ClaveProdServ of fuels, whose IVA base leaves IEPS out (contract M4)


# What a tax is charged on: the line less its discount, its quantity (Cuota), or the first with IEPS (transferred IVA).
ON_BASE, ON_QUANTITY, ON_BASE_WITH_IEPS = 0, 1, 2

# tax, factor, rate (0 for Exento), is withheld, what it is charged on
PlannedTax = tuple[Tax, Factor, Rate, bool, int]


@dataclass(frozen=True, slots=True)
class TaxPlan:
    """What one combination of taxes means for a line; lines with equal taxes share it."""

    taxes: tuple[PlannedTax, ...]
    ieps: tuple[PlannedTax, ...]  # the transferred ones
    has_inclusive: bool
    all_inclusive: bool  # no transferred tax is left out of the price
    has_iva_and_ieps: bool  # transferred ones: only then does the base of IVA differ from the base of the rest
    outside_ieps: int | None  # position of transferred IEPS beside inclusive IVA that the price leaves out
    iva_inside: int  # inclusive IVA, micro fraction
    ieps_inside: int  # inclusive IEPS by rate, micro fraction
    ieps_per_unit: int  # inclusive IEPS by quantity, micro money


@lru_cache(maxsize=1024)
def plan_of(taxes: tuple[LineTax, ...]) -> TaxPlan:
    """The plan of a line's taxes; documents repeat few combinations, so plans are kept."""
    planned = tuple(map(_planned, taxes))
    transferred = [tax for tax in taxes if not tax.withheld]
    inclusive = [tax for tax in transferred if tax.inclusive]
    kinds = {tax.tax for tax in transferred}
    rated = [tax for tax in inclusive if tax.factor is Factor.TASA]
    return TaxPlan(
        taxes=planned,
        ieps=tuple(tax for tax in planned if tax[0] is Tax.IEPS and not tax[3]),
        has_inclusive=bool(inclusive),
        all_inclusive=len(inclusive) == len(transferred),
        has_iva_and_ieps=Tax.IVA in kinds and Tax.IEPS in kinds,
        outside_ieps=_outside_ieps(taxes) if any(tax.tax is Tax.IVA for tax in inclusive) else None,
        iva_inside=sum(tax.rate for tax in rated if tax.tax is Tax.IVA),
        ieps_inside=sum(tax.rate for tax in rated if tax.tax is not Tax.IVA),
        ieps_per_unit=sum(tax.rate for tax in inclusive if tax.factor is Factor.CUOTA),
    )


def _outside_ieps(taxes: tuple[LineTax, ...]) -> int | None:
    outside = (i for i, tax in enumerate(taxes) if tax.tax is Tax.IEPS and not tax.withheld and not tax.inclusive)
    return next(outside, None)


def _planned(tax: LineTax) -> PlannedTax:
    if tax.factor is Factor.CUOTA:
        on = ON_QUANTITY
    else:
        on = ON_BASE_WITH_IEPS if tax.tax is Tax.IVA and not tax.withheld else ON_BASE
    return tax.tax, tax.factor, Rate(0) if tax.factor is Factor.EXENTO else tax.rate, tax.withheld, on


def iva_excludes_ieps(line: Line) -> bool:
    """True when IVA of the line is charged on the price alone. Source: contract M4."""
    return line.hydrocarbons is not None or line.product_key.startswith(FUEL_PRODUCTS)


def net_price(plan: TaxPlan, price: int, index: int, *, on_price_alone: bool) -> Micro:
    """The price without the taxes it contains, half-up at 6 decimals; price and result in micro.

    on_price_alone: see ``iva_excludes_ieps``. Raises AmountError when the taxes use the price up, and for inclusive IVA
    beside IEPS that the price leaves out. Source: contract M6.
    """
    if plan.outside_ieps is not None:
        path = f"items[{index}].taxes[{plan.outside_ieps}].inclusive"
        raise AmountError(
            path, "conflict", "must be true: the price contains IVA, and IVA is charged on IEPS", fix=True
        )
    per_unit, iva, ieps = plan.ieps_per_unit, plan.iva_inside, plan.ieps_inside
    if on_price_alone:
        numerator, denominator = (price - per_unit) * MICRO, MICRO + iva + ieps
    else:
        numerator = (price * MICRO - per_unit * (MICRO + iva)) * MICRO
        denominator = (MICRO + iva) * (MICRO + ieps)
    net = half_up(numerator, denominator) if numerator > 0 else 0
    if not net:
        raise AmountError(
            f"items[{index}].unit_price", "CFDI40166", "must be greater than the taxes that the price contains"
        )
    return Micro(net)


def net_discount(plan: TaxPlan, discount: int, *, on_price_alone: bool) -> Micro:
    """The discount without the taxes it contains; a tax per unit is not discounted. Source: contract M6."""
    iva, ieps = plan.iva_inside, plan.ieps_inside
    if on_price_alone:
        return Micro(half_up(discount * MICRO, MICRO + iva + ieps))
    return Micro(half_up(discount * MICRO * MICRO, (MICRO + iva) * (MICRO + ieps)))
