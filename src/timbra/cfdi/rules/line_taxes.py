"""Rules of the taxes of a line. One function per SAT code, given the tax and its path; None when it holds."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from timbra.cfdi.codes_rates import BORDER_RATE, RATES, nearest_rate
from timbra.cfdi.model import MICRO, Factor, LineTax, Tax
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding

TaxRule = Callable[[Facts, LineTax, str], Finding | None]


def cfdi40184(_facts: Facts, tax: LineTax, at: str) -> Finding | None:
    """A withheld tax is not exempt."""
    if not tax.withheld or tax.factor is not Factor.EXENTO:
        return None
    rates = RATES.get((tax.tax, Factor.TASA, True))
    fix = Factor.TASA.value if rates is not None and rates.allows(tax.rate) else None
    return Finding("CFDI40184", f"{at}.factor", "of a withheld tax cannot be Exento", fix)


def cfdi40177(_facts: Facts, tax: LineTax, at: str) -> Finding | None:
    """An exempt tax has no rate."""
    if tax.factor is not Factor.EXENTO or tax.rate == 0:
        return None
    return Finding("CFDI40177", f"{at}.rate", "must be 0 or absent with factor Exento", 0)


def cfdi40179(facts: Facts, tax: LineTax, at: str) -> Finding | None:
    """The rate of a transferred tax is in c_TasaOCuota; IVA 0.08 only where there is a border stimulus."""
    return None if tax.withheld else _rate_finding("CFDI40179", facts, tax, at)


def cfdi40185(facts: Facts, tax: LineTax, at: str) -> Finding | None:
    """The rate of a withheld tax is in c_TasaOCuota."""
    return _rate_finding("CFDI40185", facts, tax, at) if tax.withheld else None


def _rate_finding(code: str, facts: Facts, tax: LineTax, at: str) -> Finding | None:
    rates = RATES.get((tax.tax, tax.factor, tax.withheld))
    if rates is None:
        return _combination_finding(code, tax, at)
    if not rates.allows(tax.rate):
        rate = nearest_rate(tax.tax, tax.factor, tax.withheld, tax.rate)
        fix = None if rate is None else Decimal(rate) / MICRO  # tidy-skip: float (exact decimal)
        return Finding(code, f"{at}.rate", f"is not a legal rate of {tax.tax.name} as a fraction", fix)
    if tax.rate == BORDER_RATE and tax.tax is Tax.IVA and not tax.withheld and facts.border is False:
        message = f"0.08 needs a place of issue with border stimulus; {facts.invoice.issuer.zip} has none"
        return Finding(code, f"{at}.rate", message, Decimal("0.16"))
    return None


def _combination_finding(code: str, tax: LineTax, at: str) -> Finding:
    """ISR is only withheld, IVA and ISR have no Cuota."""
    if tax.tax is Tax.ISR and not tax.withheld:
        return Finding(code, f"{at}.withholding", "of ISR must be true", True)
    rates = RATES.get((tax.tax, Factor.TASA, tax.withheld))
    fix = Factor.TASA.value if rates is not None and rates.allows(tax.rate) else None
    return Finding(code, f"{at}.factor", f"{tax.factor} does not exist for {tax.tax.name}", fix)


RULES: Final[tuple[TaxRule, ...]] = (cfdi40184, cfdi40177, cfdi40179, cfdi40185)
