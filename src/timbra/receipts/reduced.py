"""Lines of a sale of which a part was given back: each is discounted in proportion, and the total is exact."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from timbra.cfdi.model import Line, LocalTax, Micro
from timbra.cfdi.money import half_up, micro, times, to_decimal
from timbra.cfdi.totals import compute
from timbra.services.lines import LineBody

TRIES: Final = 8


def less_refunds(
    bodies: Sequence[LineBody], *, total: int, refunded: int, decimals: int, local_taxes: Sequence[LocalTax] = ()
) -> list[LineBody]:
    """The lines of a sale of ``total`` without ``refunded`` of it, both in micro; decimals: of the currency.

    What roundings leave goes to the largest line.
    """
    assert 0 <= refunded < total
    if not refunded:
        return list(bodies)
    lines = [_discounted(_line(body), total, refunded) for body in bodies]
    lines = _met(lines, total - refunded, decimals, local_taxes)
    pairs = zip(bodies, lines, strict=True)
    return [body.model_copy(update={"discount": to_decimal(line.discount), "taxability": None}) for body, line in pairs]


def _line(body: LineBody) -> Line:
    assert body.quantity is not None
    assert body.unit_price is not None
    return Line(
        product_key=body.product_key or "",
        unit_key=body.unit_key or "",
        description=body.description or "",
        quantity=micro(body.quantity),
        unit_price=micro(body.unit_price),
        discount=micro(body.discount or 0),
        taxes=tuple(tax.line_tax for tax in body.taxes or ()),
    )


def _discounted(line: Line, total: int, refunded: int) -> Line:
    asked = times(line.quantity, line.unit_price) - line.discount
    return replace(line, discount=Micro(line.discount + half_up(asked * refunded, total)))


def _met(lines: list[Line], target: int, decimals: int, local_taxes: Sequence[LocalTax]) -> list[Line]:
    """The lines, the largest discounted a little more or less, so that they come to the target."""
    for _ in range(TRIES):
        totals = compute(lines, decimals=decimals, local_taxes=local_taxes)
        missed = totals.total - target
        if not missed:
            break
        at = max(range(len(lines)), key=lambda i: totals.lines[i].amount - totals.lines[i].discount)
        row = totals.lines[at]
        base = max(row.amount - row.discount, 1)
        gross = base + sum(-tax.amount if tax.withheld else tax.amount for tax in row.taxes)
        inclusive = any(tax.inclusive for tax in lines[at].taxes)
        share = missed if inclusive else _signed(missed * base, max(gross, 1))
        lines[at] = replace(lines[at], discount=Micro(max(lines[at].discount + (share or _sign(missed)), 0)))
    return lines


def _signed(numerator: int, denominator: int) -> int:
    return half_up(numerator, denominator) if numerator >= 0 else -half_up(-numerator, denominator)


def _sign(value: int) -> int:
    return 1 if value > 0 else -1
