"""Taxes as the API writes them, on services, lines and team settings (contract services.md section 4)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from timbra.cfdi.codes_rates import PERCENT, RATES, Rates, nearest_rate
from timbra.cfdi.model import Factor, LineTax, Rate, Tax
from timbra.cfdi.money import micro, text, to_decimal
from timbra.http.body import Command
from timbra.http.fields import Amount, Choice, Flag, refuse

MAX_TAXES: Final = 10
TAX_BY_WORD: Final[Mapping[str, Tax]] = {"IVA": Tax.IVA, "ISR": Tax.ISR, "IEPS": Tax.IEPS}
WORDS: Final[Mapping[Tax, str]] = {tax: word for word, tax in TAX_BY_WORD.items()}

LineTaxes = tuple[LineTax, ...]


class TaxBody(Command):
    """One tax of a line, a service or a team; ``base`` is ignored."""

    type: Annotated[str, Choice("IVA", "ISR", "IEPS")]
    rate: Annotated[Decimal | None, Amount(min=0)] = None
    factor: Annotated[str, Choice("Tasa", "Cuota", "Exento")] = "Tasa"
    withholding: Flag = False
    inclusive: Flag = False

    @model_validator(mode="after")
    def _exists(self) -> "TaxBody":
        if self.rate is None:
            if self.factor != "Exento":
                raise refuse("required", "is required: a fraction such as 0.16", path="rate")
            return self
        refusal = _refusal(self.type, self.factor, self.withholding, self.rate)
        if refusal is not None:
            path, code, message, fix = refusal
            raise refuse(code, message, fix, path)
        return self

    @property
    def line_tax(self) -> LineTax:
        """The tax as the fiscal rules know it."""
        return line_tax(self.type, self.factor, self.withholding, self.inclusive, self.rate or Decimal(0))


TaxList = Annotated[list[TaxBody], Field(max_length=MAX_TAXES)]


@lru_cache(maxsize=1_000)
def _refusal(
    word: str, factor: str, withheld: bool, rate: Decimal
) -> tuple[str, str, str, Decimal | str | None] | None:
    """(path, code, message, fix) of a combination that SAT's c_TasaOCuota has not. Source: CFDI40179, CFDI40185."""
    tax = TAX_BY_WORD[word]
    rates = RATES.get((tax, factor, withheld))
    side = "withheld" if withheld else "transferred"
    if rates is None:
        fix = "Tasa" if (tax, "Tasa", withheld) in RATES else None
        return "factor", "not_allowed", f"{factor} does not exist for a {side} {word}", fix
    value = micro(rate)
    if rates.allows(value):
        return None
    code, wanted = _wanted(rates, value)
    nearest = 0 if factor == "Exento" else nearest_rate(tax, factor, withheld, value)
    if nearest is not None and nearest * PERCENT == value:
        wanted = f"must be a fraction; {text(value)} % is {text(nearest)}"
    return "rate", code, wanted, None if nearest is None else to_decimal(nearest)


def _wanted(rates: Rates, value: int) -> tuple[str, str]:
    if rates.maximum is not None:
        return "max", f"must be between 0 and {text(rates.maximum)}"
    listed = ", ".join(text(rate) for rate in rates.fixed)
    return "max" if value > max(rates.fixed) else "enum", f"must be one of {listed}"


@lru_cache(maxsize=1_000)
def line_tax(word: str, factor: str, withheld: bool, inclusive: bool, rate: Decimal) -> LineTax:
    """A tax from its wire fields; ``inclusive`` means nothing on a withheld tax. Rows that are alike share one object."""
    micro_rate = Rate(0 if factor == "Exento" else micro(rate))
    return LineTax(TAX_BY_WORD[word], Factor(factor), micro_rate, withheld, inclusive and not withheld)


def repeated(taxes: Sequence[TaxBody]) -> int | None:
    """Position of the first tax that an earlier one equals in type, factor, rate and side; None without one."""
    if len(taxes) < 2:
        return None
    seen = set()
    for position, tax in enumerate(taxes):
        shape = (tax.type, tax.factor, tax.rate or Decimal(0), tax.withholding)
        if shape in seen:
            return position
        seen.add(shape)
    return None


def to_wire(tax: LineTax, base: Decimal | None = None) -> dict[str, Any]:
    """The tax as the API shows it; ``base`` is null on services."""
    return {
        "type": WORDS[tax.tax],
        "rate": to_decimal(tax.rate),
        "factor": tax.factor.value,
        "base": base,
        "inclusive": tax.inclusive,
        "withholding": tax.withheld,
    }


def from_stored(rows: Iterable[Mapping[str, Any]]) -> LineTaxes:
    """The taxes of a team's settings or of a stored service."""
    return tuple(
        line_tax(
            row["type"],
            row.get("factor") or "Tasa",
            bool(row.get("withholding")),
            bool(row.get("inclusive")),
            Decimal(str(row.get("rate") or 0)),
        )
        for row in rows
    )
