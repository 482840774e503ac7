"""What the money rules compute: the values of ``timbra.cfdi.totals``, all in micro."""

from decimal import Decimal
from typing import NamedTuple

from timbra.cfdi.model import Factor, Line, Micro, Rate, Tax


class AmountError(ValueError):
    """The amounts of a request cannot make a document.

    path: the request field to change, ``items[0].unit_price``; code: a field code or a SAT code; fix: the value to send
    instead, None when only a person knows.
    """

    def __init__(self, path: str, code: str, message: str, fix: str | Decimal | bool | None = None) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.code = code
        self.message = message
        self.fix = fix


class ComputedTax(NamedTuple):
    """One tax of a line. base: the quantity for Cuota; amount: 0 for Exento."""

    tax: Tax
    factor: Factor
    rate: Rate
    withheld: bool
    base: Micro
    amount: Micro


class ComputedLine(NamedTuple):
    """A line with its net values, as they are written in the CFDI. amount: before the discount."""

    line: Line
    unit_price: Micro
    amount: Micro
    discount: Micro
    taxability: str
    taxes: tuple[ComputedTax, ...]


class Group(NamedTuple):
    """One row of the document's taxes.

    Transferred: one per tax, factor and rate, rate None for Exento. Withheld: one per tax, factor and rate None.
    """

    tax: Tax
    factor: Factor | None
    rate: Rate | None
    base: Micro
    amount: Micro


class LocalAmount(NamedTuple):
    """One local tax with its amount."""

    name: str
    rate: Rate
    withheld: bool
    amount: Micro


class Totals(NamedTuple):
    """The amounts of a document. Header values have the currency's ``decimals``; groups keep the order of the lines.

    rounding_difference: what subtotal - discount + transferred exceeds the prices asked for by; negative when it falls
    short; 0 unless contract M8 could not be met.
    """

    decimals: int
    lines: tuple[ComputedLine, ...]
    subtotal: Micro
    discount: Micro
    has_discount: bool
    transferred: tuple[Group, ...]
    withheld: tuple[Group, ...]
    local: tuple[LocalAmount, ...]
    total: Micro
    rounding_difference: Micro

    @property
    def transferred_total(self) -> Micro:
        """Sum of the transferred rows, without local taxes."""
        return Micro(sum(group.amount for group in self.transferred))

    @property
    def withheld_total(self) -> Micro:
        """Sum of the withheld rows, without local taxes."""
        return Micro(sum(group.amount for group in self.withheld))

    @property
    def local_transferred_total(self) -> Micro:
        """Sum of the transferred local taxes."""
        return Micro(sum(row.amount for row in self.local if not row.withheld))

    @property
    def local_withheld_total(self) -> Micro:
        """Sum of the withheld local taxes."""
        return Micro(sum(row.amount for row in self.local if row.withheld))

    @property
    def taxes(self) -> Micro:
        """Everything transferred, local taxes included (contract invoices.md section 2)."""
        return Micro(self.transferred_total + self.local_transferred_total)

    @property
    def withholding_taxes(self) -> Micro:
        """Everything withheld, local taxes included."""
        return Micro(self.withheld_total + self.local_withheld_total)
