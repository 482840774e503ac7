"""The money rules once more, in exact fractions and straight from the words of the contract, to compare with.

Written without the engine's arithmetic on purpose: nothing of ``timbra.cfdi`` but its model is imported.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from timbra.cfdi.model import Factor, Line, LineTax, LocalTax, Tax

CENT = Fraction(1, 100)
STEP = Fraction(1, 10**6)


class Refused(Exception):
    """The oracle finds no document in these lines."""


def number(micro: int) -> Fraction:
    return Fraction(micro, 10**6)


def rounded(value: Fraction, places: int) -> Fraction:
    return Fraction(floor(value * 10**places + Fraction(1, 2)), 10**places)


@dataclass
class Row:
    line: Line
    price: Fraction
    discount: Fraction
    taxed: bool = True
    taxes: list[tuple[LineTax, Fraction, Fraction]] = field(default_factory=list)

    @property
    def amount(self) -> Fraction:
        return rounded(number(self.line.quantity) * self.price, 6)

    def tax(self) -> None:
        base = self.amount - self.discount
        self.taxes = []
        if not self.taxed:
            return
        quantity = number(self.line.quantity)
        duties = [t for t in self.line.taxes if t.tax is Tax.IEPS and not t.withheld]
        ieps = sum(
            (rounded((quantity if t.factor is Factor.CUOTA else base) * number(t.rate), 6) for t in duties), Fraction(0)
        )
        for tax in self.line.taxes:
            on = base
            if tax.tax is Tax.IVA and not tax.withheld and not iva_alone(self.line):
                on = base + ieps
            if tax.factor is Factor.CUOTA:
                on = quantity
            amount = Fraction(0) if tax.factor is Factor.EXENTO else rounded(on * number(tax.rate), 6)
            self.taxes.append((tax, on, amount))


def iva_alone(line: Line) -> bool:
    return line.hydrocarbons is not None or line.product_key[:6] == "151015"


def row_of(line: Line) -> Row:
    price, discount = number(line.unit_price), number(line.discount)
    asked = rounded(number(line.quantity) * price, 6)
    if not 0 <= discount <= asked:
        raise Refused
    inside = [t for t in line.taxes if t.inclusive and not t.withheld]
    v = sum((number(t.rate) for t in inside if t.tax is Tax.IVA and t.factor is Factor.TASA), Fraction(0))
    e = sum((number(t.rate) for t in inside if t.tax is Tax.IEPS and t.factor is Factor.TASA), Fraction(0))
    c = sum((number(t.rate) for t in inside if t.tax is Tax.IEPS and t.factor is Factor.CUOTA), Fraction(0))
    outside_ieps = any(t.tax is Tax.IEPS and not t.inclusive and not t.withheld for t in line.taxes)
    if outside_ieps and any(t.tax is Tax.IVA for t in inside):
        raise Refused
    both = {t.tax for t in line.taxes if not t.withheld} >= {Tax.IVA, Tax.IEPS}
    net, off = price, discount
    if inside:
        if iva_alone(line) and both:
            net, off = (price - c) / (1 + v + e), discount / (1 + v + e)
        else:
            net, off = (price / (1 + v) - c) / (1 + e), discount / (1 + v) / (1 + e)
        if net < STEP / 2:
            raise Refused
        net, off = rounded(net, 6), rounded(off, 6)
    row = Row(line, net, off)
    row.discount = row.amount if discount and discount == asked else min(off, row.amount)
    row.taxed = row.amount > row.discount
    row.tax()
    return row


@dataclass
class Document:
    rows: list[Row]
    places: int
    local: tuple[LocalTax, ...]
    difference: Fraction = Fraction(0)

    @property
    def subtotal(self) -> Fraction:
        return rounded(sum((row.amount for row in self.rows), Fraction(0)), self.places)

    @property
    def discount(self) -> Fraction:
        return rounded(sum((row.discount for row in self.rows), Fraction(0)), self.places)

    def groups(self, *, withheld: bool) -> dict[tuple, tuple[Fraction, Fraction]]:
        """Base and amount by (tax,) of withheld ones, by (tax, factor, rate) of transferred ones."""
        sums: dict[tuple, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
        for row in self.rows:
            for tax, base, amount in row.taxes:
                if tax.withheld == withheld:
                    key = (tax.tax,) if withheld else (tax.tax, tax.factor, number(tax.rate))
                    sums[key][0] += base
                    sums[key][1] += amount
        return {key: (rounded(b, self.places), rounded(a, self.places)) for key, (b, a) in sums.items()}

    @property
    def locals(self) -> list[Fraction]:
        net = sum((row.amount - row.discount for row in self.rows), Fraction(0))
        return [rounded(net * number(tax.rate), min(self.places, 2)) for tax in self.local]

    def gross(self) -> Fraction:
        return self.subtotal - self.discount + sum(a for _, a in self.groups(withheld=False).values())

    @property
    def total(self) -> Fraction:
        local = sum(-a if tax.withheld else a for tax, a in zip(self.local, self.locals, strict=True))
        return self.gross() - sum(a for _, a in self.groups(withheld=True).values()) + local


def document(lines: tuple[Line, ...], places: int, local: tuple[LocalTax, ...] = ()) -> Document:
    made = Document([row_of(line) for line in lines], places, local)
    transferred = [t for line in lines for t in line.taxes if not t.withheld]
    if transferred and all(t.inclusive for t in transferred):
        told = sum((number(n.quantity) * number(n.unit_price) - number(n.discount) for n in lines), Fraction(0))
        meet(made, rounded(told, places))
    if made.total < 0:
        raise Refused
    return made


def meet(made: Document, target: Fraction) -> None:
    """M8: the nearest price of the largest line at which the document costs the target."""
    rows = [row for row in made.rows if row.amount > row.discount]
    made.difference = made.gross() - target
    if not made.difference or not rows:
        return
    row = max(rows, key=lambda r: r.amount)
    start = row.price

    def at(shift: int) -> Fraction:
        row.price = start + shift * STEP
        row.tax()
        return made.gross()

    def possible(shift: int) -> bool:
        row.price = start + shift * STEP
        return row.price > 0 and row.amount > row.discount

    if made.difference < 0:
        shifts = range(10_001)
        found = bisect_left(shifts, target, key=at)
    else:
        steps = range(10_001)
        lost = bisect_left(steps, 1, key=lambda s: 0 if possible(-s) else 1)
        shifts = range(0, -lost, -1)
        found = bisect_left(shifts, -target, key=lambda s: -at(s))
    if found < len(shifts) and at(shifts[found]) == target:
        made.difference = Fraction(0)
    else:
        at(0)
