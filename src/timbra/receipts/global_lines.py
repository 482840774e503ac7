"""Lines of a global invoice: one per receipt and tax set (contract receipts.md section 8.3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from timbra.catalogs.taxes import line_tax, to_wire
from timbra.cfdi.model import MICRO, Factor, Line, LineTax, Micro
from timbra.cfdi.money import half_up, micro, times, to_decimal
from timbra.cfdi.totals import compute
from timbra.receipts.model import Receipt

PRODUCT, UNIT, DESCRIPTION = "01010101", "ACT", "Venta"
TRIES: Final = 8
_Key = tuple[str, tuple[LineTax, ...]]


def lines_of(receipt: Receipt, *, in_pesos: bool) -> list[Line]:
    """What is left of the sale by tax set, net of discounts and refunds. in_pesos: at the receipt's own rate."""
    nets: dict[_Key, int] = {}
    quantities: dict[_Key, int] = {}
    for item in receipt.items:
        taxes = tuple(sorted(map(_tax, item["taxes"]), key=_order))
        key = (str(item["taxability"]), taxes)
        nets[key] = nets.get(key, 0) + _net(item)
        quantities[key] = quantities.get(key, 0) + micro(item["quantity"])
    found = []
    for key, net in nets.items():
        left = net - half_up(net * receipt.total_refunded, receipt.total)
        if in_pesos and receipt.currency != "MXN":
            left = times(left, receipt.exchange_rate)
        if left:
            found.append(_line(receipt.id, key, left, quantities[key]))
    return found


def _line(receipt_id: str, key: _Key, net: int, quantity: int) -> Line:
    """Quantity 1, but for taxes by the unit, which need their units."""
    taxability, taxes = key
    by_unit = any(tax.factor is Factor.CUOTA for tax in taxes)
    units = quantity if by_unit else MICRO
    price = half_up(net * MICRO, units)
    return Line(
        PRODUCT, UNIT, DESCRIPTION, Micro(units), Micro(price), taxability=taxability, taxes=taxes, sku=receipt_id
    )


def _tax(item: Mapping[str, Any]) -> LineTax:
    return line_tax(item["type"], item["factor"], item["withholding"], False, item["rate"])


def _order(tax: LineTax) -> tuple[str, str, int, bool]:
    return tax.tax.value, tax.factor.value, tax.rate, tax.withheld


def _net(item: Mapping[str, Any]) -> int:
    """The amount of a stored line before taxes, its discount taken off."""
    taxes = sum(-micro(tax["amount"]) if tax["withholding"] else micro(tax["amount"]) for tax in item["taxes"])
    return micro(item["total"]) - taxes


def met(lines: Sequence[Line], target: int, decimals: int) -> list[Line]:
    """The lines, the largest a trifle dearer or cheaper, so that they come to what was collected, if that can be met."""
    changed = list(lines)
    at = max(range(len(changed)), key=lambda i: changed[i].unit_price)
    original = changed[at]
    for _ in range(TRIES):
        totals = compute(changed, decimals=decimals)
        missed = totals.total - target
        if not missed:
            return changed
        if abs(missed) > MICRO:  # no rounding: the sums are about different things
            break
        shift = missed // 2 or (1 if missed > 0 else -1)
        changed[at] = replace(changed[at], unit_price=Micro(changed[at].unit_price - shift))
    changed[at] = original
    return changed


def sent(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The lines as a document takes them."""
    return [
        {
            "description": line.description,
            "product_key": line.product_key,
            "unit_key": line.unit_key,
            "quantity": to_decimal(line.quantity),
            "unit_price": to_decimal(line.unit_price),
            "sku": line.sku,
            "taxability": line.taxability,
            "taxes": [to_wire(tax) for tax in line.taxes],
        }
        for line in lines
    ]
