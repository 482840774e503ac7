"""Rules over the header taxes of a written document: one row per group, equal to the rounded sum of its lines."""

from collections.abc import Iterator

from timbra.cfdi.codes import TAXES
from timbra.cfdi.codes_rates import rate_allowed
from timbra.cfdi.model import Factor, Micro
from timbra.cfdi.money import decimals_of, round_to
from timbra.cfdi.read_values import ReadCfdi, ReadLine, ReadTax, ReadTaxes
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount

Key = tuple[str, str, int]


def check_taxes(document: ReadCfdi, decimals: int) -> Iterator[Finding]:
    """Findings of Impuestos; decimals: of the currency."""
    taxes = document.taxes or ReadTaxes(None, None, (), ())
    yield from _check_withheld(document, taxes, decimals)
    yield from _check_transferred(document, taxes, decimals)


def _too_fine(code: str, written: str | None, decimals: int) -> Iterator[Finding]:
    if written is not None and decimals_of(written) > decimals:
        yield ours(code, f"{written} has more than {decimals} decimals")


def _check_withheld(document: ReadCfdi, taxes: ReadTaxes, decimals: int) -> Iterator[Finding]:
    sums: dict[str, int] = {}
    for line in document.lines:
        for row in line.withheld:
            sums[row.tax] = sums.get(row.tax, 0) + (amount(row.amount) or 0)
    if taxes.withheld and taxes.withheld_total is None:
        yield ours("CFDI40206", "withheld taxes without their total")
        yield ours("CFDI40209", "withheld taxes without their total")
    yield from _too_fine("CFDI40202", taxes.withheld_total, decimals)
    total = sum(amount(row.amount) or 0 for row in taxes.withheld)
    if taxes.withheld_total is not None and amount(taxes.withheld_total) != total:
        yield ours("CFDI40203", f"total {taxes.withheld_total} of the withheld taxes is not their sum")
    kinds = [row.tax for row in taxes.withheld]
    if len(set(kinds)) != len(kinds):
        yield ours("CFDI40208", "a withheld tax in two rows")
    for row in taxes.withheld:
        if row.tax not in TAXES:
            yield ours("CFDI40207", f"withheld tax {row.tax}")
        yield from _too_fine("CFDI40210", row.amount, decimals)
    rows = {row.tax: amount(row.amount) or 0 for row in taxes.withheld}
    for tax in sums.keys() | rows.keys():
        if rows.get(tax) != (round_to(Micro(sums[tax]), decimals) if tax in sums else None):
            yield ours("CFDI40211", f"withheld {tax} is not the rounded sum of its lines")


def _key(row: ReadTax) -> Key:
    return row.tax, row.factor or "", amount(row.rate) or 0


def _sums(lines: tuple[ReadLine, ...]) -> dict[Key, tuple[int, int]]:
    sums: dict[Key, tuple[int, int]] = {}
    for line in lines:
        for row in line.transferred:
            base, tax = sums.get(key := _key(row), (0, 0))
            sums[key] = base + (amount(row.base) or 0), tax + (amount(row.amount) or 0)
    return sums


def _check_transferred(document: ReadCfdi, taxes: ReadTaxes, decimals: int) -> Iterator[Finding]:
    charged = [row for row in taxes.transferred if row.factor != Factor.EXENTO]
    if charged and taxes.transferred_total is None:
        yield ours("CFDI40212", "transferred taxes without their total")
    yield from _too_fine("CFDI40204", taxes.transferred_total, decimals)
    total = sum(amount(row.amount) or 0 for row in taxes.transferred)
    if taxes.transferred_total is not None and amount(taxes.transferred_total) != total:
        yield ours("CFDI40205", f"total {taxes.transferred_total} of the transferred taxes is not their sum")
    keys = [_key(row) for row in taxes.transferred]
    if len(set(keys)) != len(keys):
        yield ours("CFDI40218", "tax, factor and rate in two rows")
    for row in taxes.transferred:
        yield from _check_row(row, decimals)
    yield from _check_sums(document, taxes, decimals)


def _check_row(row: ReadTax, decimals: int) -> Iterator[Finding]:
    tax, factor, rate = _key(row)
    if tax not in TAXES:
        yield ours("CFDI40217", f"transferred tax {tax}")
    elif factor == Factor.EXENTO and (row.rate is not None or row.amount is not None):
        yield ours("CFDI40213", "an exempt row has a rate or an amount")
    elif row.rate is not None and not rate_allowed(tax, factor, withheld=False, rate_micro=rate):
        yield ours("CFDI40219", f"{row.rate} is not a legal rate")
    yield from _too_fine("CFDI40214", row.base, decimals)
    yield from _too_fine("CFDI40220", row.amount, decimals)


def _check_sums(document: ReadCfdi, taxes: ReadTaxes, decimals: int) -> Iterator[Finding]:
    sums = _sums(document.lines)
    rows = {_key(row): row for row in taxes.transferred}
    for key in sums.keys() | rows.keys():
        base, charged = sums.get(key, (0, 0))
        row = rows.get(key)
        if row is None or key not in sums:
            yield ours("CFDI40221", f"{key} is in the lines or in the document only")
            continue
        if (amount(row.base) or 0) != round_to(Micro(base), decimals):
            code = "CFDI40216" if key[1] == Factor.EXENTO else "CFDI40215"
            yield ours(code, f"base {row.base} of {key} is not the rounded sum of its lines")
        if (amount(row.amount) or 0) != round_to(Micro(charged), decimals):
            yield ours("CFDI40221", f"amount {row.amount} of {key} is not the rounded sum of its lines")
