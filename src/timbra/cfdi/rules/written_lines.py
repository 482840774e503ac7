"""Rules over the lines of a written document: SAT's limits, from the numbers and decimals as they stand there."""

from collections.abc import Iterator
from dataclasses import replace

from timbra.cfdi.codes import TAXES
from timbra.cfdi.limits import line_limits, tax_limits
from timbra.cfdi.model import MICRO, Factor, Micro
from timbra.cfdi.money import decimals_of
from timbra.cfdi.read_values import ReadCfdi, ReadLine, ReadPart, ReadTax
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount, line_tax
from timbra.cfdi.rules.line_taxes import RULES as TAX_RULES
from timbra.cfdi.rules.lines import SHAPE_RULES, cfdi40166
from timbra.cfdi.rules.third_party import RULES as THIRD_PARTY_RULES
from timbra.cfdi.rules.third_party import cfdi40194, cfdi40195

_FACTORS = frozenset(factor.value for factor in Factor)


def check_lines(document: ReadCfdi, facts: Facts, decimals: int) -> Iterator[Finding]:
    """Findings of every line, in order; decimals: of the currency."""
    seen: set[object] = set()
    for index, (written, line) in enumerate(zip(document.lines, facts.invoice.lines, strict=True)):
        at = f"items[{index}]"
        shape = (line.product_key, line.unit_key, line.taxability, line.taxes)
        if shape not in seen:
            found = [finding for rule in SHAPE_RULES if (finding := rule(facts, line, at)) is not None]
            yield from found
            if not found:
                seen.add(shape)
        if document.kind not in ("T", "P") and (finding := cfdi40166(facts, line, at)) is not None:
            yield finding
        if line.third_party is not None:
            yield from (finding for rule in THIRD_PARTY_RULES if (finding := rule(facts, line, at)) is not None)
        for request in written.customs_requests:
            asked = replace(line, customs_request=request)
            yield from (found for found in (cfdi40194(facts, asked, at), cfdi40195(facts, asked, at)) if found)
        yield from _check_numbers(written, index, at, decimals)
        for position, row in enumerate(written.transferred + written.withheld):
            withheld = position >= len(written.transferred)
            yield from _check_tax(row, facts, f"{at}.taxes[{position}]", withheld=withheld, decimals=decimals)
        for part in written.parts:
            yield from _check_part(part, facts, f"{at}.parts", decimals)


def _check_numbers(line: ReadLine, index: int, at: str, decimals: int) -> Iterator[Finding]:
    written = amount(line.amount)
    if not _within_line_limits(line.quantity, line.unit_price, line.amount, decimals):
        yield ours("CFDI40167", f"line {index}: {line.quantity} x {line.unit_price} is not {line.amount}")
    if line.discount is None:
        return
    if decimals_of(line.discount) > decimals_of(line.amount):
        yield ours("CFDI40168", f"line {index}: discount {line.discount} has more decimals than {line.amount}")
    if (amount(line.discount) or 0) > (written or 0):
        yield Finding("CFDI40169", f"{at}.discount", f"{line.discount} exceeds the amount", line.amount)


def _within_line_limits(quantity: str, unit_price: str, written: str, decimals: int) -> bool:
    value, count, price = amount(written), amount(quantity), amount(unit_price)
    if value is None or count is None or price is None:
        return False
    if _is_product(count, price, value):
        return True
    low, high = line_limits(quantity, unit_price, decimals)
    return low <= value <= high


def _check_tax(row: ReadTax, facts: Facts, at: str, *, withheld: bool, decimals: int) -> Iterator[Finding]:
    if (amount(row.base) or 0) <= 0:
        yield Finding("CFDI40181" if withheld else "CFDI40174", at, "has no base above 0")
    if row.tax not in TAXES:
        yield Finding("CFDI40182" if withheld else "CFDI40175", f"{at}.type", "is not a tax of c_Impuesto")
    if row.factor not in _FACTORS:
        yield Finding("CFDI40183" if withheld else "CFDI40176", f"{at}.factor", "is not a factor of c_TipoFactor")
    is_exempt = row.factor == Factor.EXENTO
    if is_exempt and not withheld and (row.rate is not None or row.amount is not None):
        yield Finding("CFDI40177", f"{at}.rate", "must be absent with factor Exento")
    if not is_exempt and not withheld and (row.rate is None or row.amount is None):
        yield Finding("CFDI40178", f"{at}.rate", f"is required with factor {row.factor}")
    if (tax := line_tax(row, withheld=withheld)) is not None:
        yield from (finding for rule in TAX_RULES if (finding := rule(facts, tax, at)) is not None)
    if row.base and row.rate and row.amount and not _within_tax_limits(row.base, row.rate, row.amount, decimals):
        yield ours("CFDI40186" if withheld else "CFDI40180", f"{at}: {row.base} x {row.rate} is not {row.amount}")


def _within_tax_limits(base: str, rate: str, written: str, decimals: int) -> bool:
    value, taxed, fraction = amount(written), amount(base), amount(rate)
    if value is None or taxed is None or fraction is None:
        return False
    if _is_product(taxed, fraction, value):
        return True
    low, high = tax_limits(base, rate, decimals)
    return low <= value <= high


def _is_product(one: Micro, other: Micro, value: Micro) -> bool:
    """The product rounded to 6 decimals always lies within SAT's limits, and costs less to compute."""
    return 0 <= 2 * (one * other - value * MICRO) + MICRO < 2 * MICRO


def _check_part(part: ReadPart, facts: Facts, at: str, decimals: int) -> Iterator[Finding]:
    """Parte: only documents of others have it."""
    if not facts.catalogs.product_exists(part.product_key):
        yield ours("CFDI40196", f"{at}: product key {part.product_key}")
    if part.unit_price is not None and (amount(part.unit_price) or 0) <= 0:
        yield ours("CFDI40197", f"{at}: unit price {part.unit_price}")
    price, written = part.unit_price, part.amount
    if price and written and not _within_line_limits(part.quantity, price, written, decimals):
        yield ours("CFDI40198", f"{at}: {part.quantity} x {part.unit_price} is not {part.amount}")
    for request in part.customs_requests:
        asked = replace(facts.invoice.lines[0], customs_request=request)
        if cfdi40194(facts, asked, at) is not None:
            yield ours("CFDI40199", f"{at}: customs request {request}")
        if facts.foreign_trade:
            yield ours("CFDI40200", f"{at}: customs request {request} beside Comercio Exterior")
