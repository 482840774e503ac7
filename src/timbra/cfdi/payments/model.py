"""What a payment complement is made of. Amounts, bases and rates are integers of 10^-6 (``Micro``, ``Rate``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from timbra.cfdi.model import MICRO, Factor, Micro, Rate, Tax


class TaxGroup(NamedTuple):
    """One tax of a paid invoice as a whole: its base at this rate. Exento has rate 0; the base of Cuota is a quantity."""

    tax: Tax
    factor: Factor
    rate: Rate
    withheld: bool
    base: Micro

    @property
    def key(self) -> "GroupKey":
        """What makes two rows the same tax."""
        return self.tax, self.factor, self.rate, self.withheld


GroupKey = tuple[Tax, Factor, Rate, bool]


class Share(NamedTuple):
    """One row of ImpuestosDR: the part of a group that a payment covers. amount: 0 for Exento."""

    tax: Tax
    factor: Factor
    rate: Rate
    withheld: bool
    base: Micro
    amount: Micro

    @property
    def key(self) -> GroupKey:
        """What makes two rows the same tax."""
        return self.tax, self.factor, self.rate, self.withheld


class Covered(NamedTuple):
    """Base and tax of a group that earlier instalments cover already."""

    base: Micro
    amount: Micro


ZERO = Micro(0)
PESO_RATE = Micro(MICRO)
NOTHING = Covered(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class History:
    """The earlier live instalments of an invoice: what they paid, and which part of each tax they stated."""

    paid: Micro = ZERO
    taxes: Mapping[GroupKey, Covered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaidDocument:
    """One invoice of a payment. ``total``, ``balance`` and ``paid`` are in its own currency.

    ``rate``: pesos of one unit of its currency. ``balance``: owed before this payment (ImpSaldoAnt). ``taxability``: what
    its lines have in common, for an invoice without taxes. ``path``: of the request's entry, for refusals.
    """

    uuid: str
    currency: str
    decimals: int
    rate: Micro
    total: Micro
    balance: Micro
    paid: Micro
    installment: int
    groups: tuple[TaxGroup, ...] = ()
    taxability: str = "01"
    series: str | None = None
    folio: str | None = None
    history: History = History()
    path: str = "invoices[0]"

    @property
    def remaining(self) -> Micro:
        """Owed afterwards (ImpSaldoInsoluto)."""
        return Micro(self.balance - self.paid)


@dataclass(frozen=True, slots=True)
class Payment:
    """The one Pago of a complement. ``paid_at``: naive local time of the place of issue. ``amount`` None: the exact sum.

    ``exchange_rate``: pesos of one unit of its currency, 1 for MXN.
    """

    paid_at: datetime
    form: str
    currency: str
    decimals: int
    documents: tuple[PaidDocument, ...]
    exchange_rate: Micro = PESO_RATE
    amount: Micro | None = None
    operation: str | None = None
    payer_bank_rfc: str | None = None
    payer_bank_name: str | None = None
    payer_account: str | None = None
    payee_bank_rfc: str | None = None
    payee_account: str | None = None
