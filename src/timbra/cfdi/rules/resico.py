"""Withheld ISR of issuers in regime 626: only SAT's list says whether a company must withhold it. Warn, never decide."""

from decimal import Decimal
from typing import Final

from timbra.cfdi.model import MICRO, Factor, Line, LineTax, Rate, Tax
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding, Level

_REGIME: Final = "626"
_USUAL: Final = LineTax(Tax.ISR, Factor.TASA, Rate(12_500), withheld=True)


def cfdi140225(facts: Facts) -> Finding | None:
    """Companies usually withhold ISR 0.0125 from a person of regime 626. One warning, for the first line without.

    CFDI140224, the opposite for issuers with another mark in SAT's list, can only be told by a PAC.
    """
    if facts.invoice.issuer.regime != _REGIME or (facts.issuer_kind, facts.receiver_kind) != ("person", "company"):
        return None
    for index, line in enumerate(facts.invoice.lines):
        if not _has_usual(line):
            message = "companies usually withhold ISR 0.0125 from persons of regime 626; SAT's list decides"
            taxes: list[object] = [_as_sent(tax) for tax in (*_without_isr(line), _USUAL)]
            return Finding("CFDI140225", f"items[{index}].taxes", message, taxes, Level.WARN)
    return None


def _has_usual(line: Line) -> bool:
    return any(tax.tax is Tax.ISR and tax.withheld and tax.rate == _USUAL.rate for tax in line.taxes)


def _without_isr(line: Line) -> tuple[LineTax, ...]:
    return tuple(tax for tax in line.taxes if tax.tax is not Tax.ISR)


def _as_sent(tax: LineTax) -> dict[str, object]:
    """The tax in the request's own form (services.md section 4)."""
    return {
        "type": tax.tax.name,
        "rate": Decimal(tax.rate) / MICRO,  # tidy-skip: float (exact decimal)
        "factor": tax.factor.value,
        "withholding": tax.withheld,
        "inclusive": tax.inclusive,
    }
