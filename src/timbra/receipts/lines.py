"""Lines of receipts: kept with the prices as they were sent, shown with what they come to, given to the document again."""

from collections.abc import Mapping
from typing import Any

from timbra.cfdi.amounts import ComputedLine, ComputedTax
from timbra.cfdi.money import to_decimal
from timbra.platform.ids import new_id
from timbra.services.line_body import LINE_PREFIX
from timbra.services.lines import ResolvedLine


def stored(line: ResolvedLine, computed: ComputedLine) -> dict[str, Any]:
    """The line as the receipt keeps and shows it."""
    subtotal, total = computed.amount, computed.amount - computed.discount
    for tax in computed.taxes:
        total += -tax.amount if tax.withheld else tax.amount
    shown = line.stored()
    return shown | {
        "id": shown["id"] or new_id(LINE_PREFIX.rstrip("_")),
        "taxability": computed.taxability,
        "taxes": [_tax(shown["taxes"][at], _amount_of(computed, at)) for at in range(len(line.line.taxes))],
        "subtotal": to_decimal(subtotal),
        "total": to_decimal(total),
    }


def _amount_of(computed: ComputedLine, at: int) -> ComputedTax | None:
    """What the tax comes to; None on a line that is discounted to nothing."""
    return computed.taxes[at] if computed.taxes else None


def _tax(shown: Mapping[str, Any], computed: ComputedTax | None) -> dict[str, Any]:
    base, amount = (computed.base, computed.amount) if computed else (0, 0)
    return {**shown, "base": to_decimal(base), "amount": to_decimal(amount)}


def sent(item: Mapping[str, Any]) -> dict[str, Any]:
    """The line as a document takes it. No service is named: its values are in the line already."""
    line = {name: value for name, value in item.items() if name not in ("id", "subtotal", "total")}
    if item["discount"]:  # a line that is discounted may lose its taxes: the code follows from what is left
        del line["taxability"]
    return line
