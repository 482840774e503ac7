"""From the lines of a request to every amount of the document: contract M1 to M8.

All values are micro. A value is rounded where a rule says so: net prices, line amounts and line taxes to 6 decimals,
header values to the decimals of the currency. Sums are exact.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from timbra.cfdi.amounts import AmountError, ComputedLine, ComputedTax, Group, LocalAmount, Totals
from timbra.cfdi.inclusive import TaxPlan, iva_excludes_ieps, net_discount, net_price, plan_of
from timbra.cfdi.ledger import Ledger
from timbra.cfdi.model import MICRO, Line, LocalTax, Micro
from timbra.cfdi.money import LIMIT, half_up, round_to, times, to_decimal
from timbra.cfdi.solver import lowest_shift, smallest_shift

__all__ = ["AmountError", "ComputedLine", "ComputedTax", "Group", "LocalAmount", "Totals", "compute"]

_new = tuple.__new__  # a third of what the class's own constructor costs, twice per line
LOCAL_DECIMALS: Final = 2  # complement implocal 1.0: amounts and percentages have 2 decimals
NEEDS_TAXES: Final = frozenset({"02", "07"})  # ObjetoImp, CFDI40171 and CFDI140227


def compute(lines: Sequence[Line], *, decimals: int, local_taxes: Sequence[LocalTax] = ()) -> Totals:
    """Every amount of a document with these lines; decimals: of its currency.

    Raises AmountError for amounts that cannot make a document. Source: contract M1 to M8.
    """
    ledger = Ledger(decimals)
    computed: list[ComputedLine] = []
    asked = 0  # in 10^-12: what the customer was told, exactly
    has_inclusive, all_inclusive = False, True
    for index, line in enumerate(lines):
        plan = plan_of(line.taxes)
        has_inclusive = has_inclusive or plan.has_inclusive
        all_inclusive = all_inclusive and plan.all_inclusive
        row = _line(index, line, plan)
        ledger.add(row)
        computed.append(row)
        asked += line.quantity * line.unit_price - line.discount * MICRO
    difference = 0
    if has_inclusive and all_inclusive:
        step = 10 ** (12 - decimals)
        # A whole discount, rounded up to 6 decimals by the caller, may pass its line by a trifle.
        target = half_up(max(asked, 0), step) * 10 ** (6 - decimals)
        difference = _meet(target, computed, ledger)
    return _document(ledger, tuple(computed), local_taxes, Micro(difference))


# --- lines ---------------------------------------------------------------------------------------------------------


def _line(index: int, line: Line, plan: TaxPlan) -> ComputedLine:
    quantity, price, discount = line.quantity, line.unit_price, line.discount
    if not (0 < quantity <= LIMIT and 0 <= price <= LIMIT):
        raise _impossible(index, line)
    amount = gross = times(quantity, price)
    if not 0 <= discount <= gross <= LIMIT:
        raise _impossible(index, line)
    excluded = plan.has_iva_and_ieps and iva_excludes_ieps(line)
    if plan.has_inclusive and price:
        price = net_price(plan, price, index, on_price_alone=excluded)
        amount = times(quantity, price)
        if discount:
            # A discount of all that was asked is one of all there is, whatever the roundings in between.
            whole = discount == gross
            discount = amount if whole else min(net_discount(plan, discount, on_price_alone=excluded), amount)
    if amount == discount:
        return ComputedLine(line, price, amount, discount, _taxability_without_base(index, line), ())
    taxes = line_taxes(plan, Micro(amount - discount), quantity, on_price_alone=excluded)
    taxability = line.taxability or ("02" if taxes else "01")
    return _new(ComputedLine, (line, price, amount, discount, taxability, taxes))


def line_taxes(plan: TaxPlan, base: Micro, quantity: Micro, *, on_price_alone: bool) -> tuple[ComputedTax, ...]:
    """The taxes of a line, in the order of the request; base and quantity in micro.

    on_price_alone: see ``iva_excludes_ieps``. Source: contract M3, M4.
    """
    with_ieps = base
    if plan.has_iva_and_ieps and not on_price_alone:
        with_ieps = Micro(base + sum(times((base, quantity)[on], rate) for _, _, rate, _, on in plan.ieps))
    bases = (base, quantity, with_ieps)  # by ON_BASE, ON_QUANTITY, ON_BASE_WITH_IEPS
    return tuple(
        [
            _new(ComputedTax, (tax, factor, rate, withheld, bases[on], times(bases[on], rate)))
            for tax, factor, rate, withheld, on in plan.taxes
        ]
    )


def _taxability_without_base(index: int, line: Line) -> str:
    """ObjetoImp of a line whose base is 0: its taxes are dropped. Source: contract M7."""
    if line.taxability in NEEDS_TAXES:
        if not line.unit_price:
            raise AmountError(f"items[{index}].unit_price", "CFDI40166", "must be greater than 0")
        raise AmountError(
            f"items[{index}].taxability", "CFDI40174", "a line that is discounted to 0 has no taxes", fix="01"
        )
    return line.taxability or "01"


def _impossible(index: int, line: Line) -> AmountError:
    """What is wrong with the first number of the line that cannot be."""
    quantity, price, discount = line.quantity, line.unit_price, line.discount
    path = f"items[{index}]"
    if quantity <= 0:
        return AmountError(f"{path}.quantity", "min", "must be greater than 0")
    if price < 0:
        return AmountError(f"{path}.unit_price", "CFDI40166", "must be greater than 0")
    if price > LIMIT:
        return AmountError(f"{path}.unit_price", "max", "must not be more than 999999999999.999999")
    gross = times(quantity, price)
    if quantity > LIMIT or gross > LIMIT:
        return _too_large(index)
    if discount < 0:
        return AmountError(f"{path}.discount", "min", "must not be negative", fix=Decimal(0))
    return AmountError(f"{path}.discount", "CFDI40169", "must not be greater than the line", fix=to_decimal(gross))


def _too_large(index: int) -> AmountError:
    message = "makes an amount of more than 999999999999.999999"
    return AmountError(f"items[{index}].quantity", "max", message)


# --- document ------------------------------------------------------------------------------------------------------


def _meet(target: int, computed: list[ComputedLine], ledger: Ledger) -> int:
    """Shift one price so that the document costs ``target``; returns what it costs beyond it. Source: contract M8."""
    missed = ledger.gross() - target
    bases = [row.amount if row.amount > row.discount else -1 for row in computed]
    largest = max(bases, default=-1)
    if not missed or largest < 0:
        return missed
    at = bases.index(largest)
    row = computed[at]

    def gross(shift: int) -> int:
        return ledger.gross_with(_at_price(row, row.unit_price + shift))

    ledger.remove(row)
    lowest = lowest_shift(row.line.quantity, row.unit_price, row.discount)
    shift = smallest_shift(gross, target, lowest=lowest)
    if shift is not None:
        row = computed[at] = _at_price(row, row.unit_price + shift)
        missed = 0
    ledger.add(row)
    return missed


def _at_price(row: ComputedLine, price: int) -> ComputedLine:
    line, discount, plan = row.line, row.discount, plan_of(row.line.taxes)
    amount = times(line.quantity, price)
    excluded = plan.has_iva_and_ieps and iva_excludes_ieps(line)
    taxes = line_taxes(plan, Micro(amount - discount), line.quantity, on_price_alone=excluded)
    return ComputedLine(line, Micro(price), amount, discount, row.taxability, taxes)


def _document(
    ledger: Ledger, computed: tuple[ComputedLine, ...], local_taxes: Sequence[LocalTax], difference: Micro
) -> Totals:
    decimals, net = ledger.decimals, ledger.amount - ledger.discount
    totals = Totals(
        decimals=decimals,
        lines=computed,
        subtotal=round_to(ledger.amount, decimals),
        discount=round_to(ledger.discount, decimals),
        has_discount=ledger.discount > 0,
        transferred=ledger.transferred_groups(),
        withheld=ledger.withheld_groups(),
        local=tuple([_local(index, tax, net, decimals) for index, tax in enumerate(local_taxes)]),
        total=Micro(0),
        rounding_difference=difference,
    )
    taxes, withheld = totals.taxes, totals.withholding_taxes
    total = totals.subtotal - totals.discount + taxes - withheld
    bases = [group.base for group in totals.transferred + totals.withheld]
    if total < 0 or max(totals.subtotal, total, taxes, withheld, *bases) > LIMIT:
        raise _beyond_limits(totals, total)
    return totals._replace(total=Micro(total))


def _local(index: int, tax: LocalTax, net: int, decimals: int) -> LocalAmount:
    """Source: contract M5; complement implocal, which writes the rate as a percentage with 2 decimals."""
    if tax.rate < 0 or tax.rate % 100:
        raise AmountError(f"local_taxes[{index}].rate", "format", "must be a fraction with at most 4 decimals")
    unit = 10 ** (6 - min(decimals, LOCAL_DECIMALS))
    return LocalAmount(tax.name, tax.rate, tax.withheld, Micro(half_up(net * tax.rate, MICRO * unit) * unit))


def _beyond_limits(totals: Totals, total: int) -> AmountError:
    amounts = [row.amount for row in totals.lines]
    largest = amounts.index(max(amounts))
    if total >= 0:
        return _too_large(largest)
    if totals.local_withheld_total > totals.withheld_total:
        return AmountError("local_taxes", "max", "are more than the document's total")
    return AmountError(f"items[{largest}].taxes", "max", "withheld taxes are more than the document's total")
