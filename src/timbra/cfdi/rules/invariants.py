"""Our own totals, checked again by SAT's rules before a PAC sees them (contract M9).

A finding here is a fault of the engine, except CFDI40166, CFDI40174 and CFDI40181: a price or a base that vanished in
rounding is the caller's. One pass over the lines; integers of 10^-6 throughout.
A line's Importe and a tax's Importe are the products rounded half-up, which always lie within SAT's limits: asking for
just that (``0 <= 2 * (product - amount) + 1 < 2``) is cheaper than the limits of CFDI40167, CFDI40180 and CFDI40186.
"""

from collections.abc import Iterator
from typing import Final

from timbra.cfdi.amounts import ComputedLine, ComputedTax, Group, Totals
from timbra.cfdi.model import MICRO, Factor, Micro
from timbra.cfdi.money import DECIMALS, half_up, round_to
from timbra.cfdi.rules.finding import Finding, ours

_TWICE: Final = 2 * MICRO

Key = tuple[object, ...]


def check_totals(totals: Totals) -> Iterator[Finding]:
    """Findings of the computed amounts; none for every document the engine makes."""
    sums: dict[Key, list[int]] = {}
    amounts = discounts = 0
    for index, row in enumerate(totals.lines):
        line, unit_price, amount, discount, _, taxes = row
        amounts += amount
        discounts += discount
        product = 2 * (line.quantity * unit_price - amount * MICRO) + MICRO
        if not (0 <= product < _TWICE and unit_price > 0 and 0 <= discount <= amount):
            yield from _line_findings(row, index)
        for tax in taxes:
            kind, factor, rate, withheld, base, charged = tax
            if base <= 0 or not 0 <= 2 * (base * rate - charged * MICRO) + MICRO < _TWICE:
                yield from _tax_findings(tax, index)
            key = (kind, None, None) if withheld else (kind, factor, rate)
            held = sums.get(key)
            if held is None:
                sums[key] = [base, charged]
            else:
                held[0] += base
                held[1] += charged
    yield from _header_findings(totals, amounts, discounts)
    yield from _group_findings(totals, sums)


def _line_findings(line: ComputedLine, index: int) -> Iterator[Finding]:
    if line.unit_price <= 0:
        yield Finding("CFDI40166", f"items[{index}].unit_price", "without its taxes must be at least 0.000001")
    if not 0 <= line.discount <= line.amount:
        yield ours("CFDI40169", f"line {index}: discount {line.discount} of {line.amount}")
    if line.amount != half_up(line.line.quantity * line.unit_price, MICRO):
        yield ours("CFDI40167", f"line {index}: {line.line.quantity} x {line.unit_price} is not {line.amount}")


def _tax_findings(tax: ComputedTax, index: int) -> Iterator[Finding]:
    if tax.base <= 0:
        code = "CFDI40181" if tax.withheld else "CFDI40174"
        yield Finding(code, f"items[{index}].taxes", "have a base of 0; such a line has no taxes", [])
    elif tax.factor is not Factor.EXENTO or tax.amount:
        code = "CFDI40186" if tax.withheld else "CFDI40180"
        yield ours(code, f"line {index}: {tax.base} x {tax.rate} is not {tax.amount}")


def _header_findings(totals: Totals, amount: int, discount: int) -> Iterator[Finding]:
    decimals = totals.decimals
    if totals.subtotal != round_to(Micro(amount), decimals):
        yield ours("CFDI40108", f"subtotal {totals.subtotal} is not the rounded sum {amount}")
    if totals.discount != round_to(Micro(discount), decimals) or totals.has_discount != bool(discount):
        yield ours("CFDI40111", f"discount {totals.discount} is not the rounded sum {discount}")
    if totals.discount > totals.subtotal:
        yield ours("CFDI40110", f"discount {totals.discount} exceeds subtotal {totals.subtotal}")
    total = totals.subtotal - totals.discount + totals.taxes - totals.withholding_taxes
    if totals.total != total or total < 0:
        yield ours("CFDI40119", f"total {totals.total} is not {total}")
    unit = 10 ** (DECIMALS - decimals)
    for code, value in (("CFDI40107", totals.subtotal), ("CFDI40112", totals.discount), ("CFDI40119", totals.total)):
        if value % unit:
            yield ours(code, f"{value} has more than {decimals} decimals")


def _group_findings(totals: Totals, sums: dict[Key, list[int]]) -> Iterator[Finding]:
    transferred: dict[Key, Group] = {(group.tax, group.factor, group.rate or 0): group for group in totals.transferred}
    withheld: dict[Key, Group] = {(group.tax, None, None): group for group in totals.withheld}
    if len(transferred) != len(totals.transferred):
        yield ours("CFDI40218", "tax, factor and rate in two rows")
    if len(withheld) != len(totals.withheld):
        yield ours("CFDI40208", "a withheld tax in two rows")
    rows = {**transferred, **withheld}
    if rows.keys() != sums.keys():
        yield ours("CFDI40221", f"rows {sorted(map(str, rows))} for taxes {sorted(map(str, sums))}")
    for key, group in rows.items():
        base, amount = sums.get(key, (0, 0))
        is_withheld = key in withheld
        if not is_withheld and group.base != round_to(Micro(base), totals.decimals):
            code = "CFDI40216" if group.factor is Factor.EXENTO else "CFDI40215"
            yield ours(code, f"base {group.base} of {key} is not the rounded sum {base}")
        if group.amount != round_to(Micro(amount), totals.decimals):
            code = "CFDI40211" if is_withheld else "CFDI40221"
            yield ours(code, f"amount {group.amount} of {key} is not the rounded sum {amount}")
