"""What a stored complement pays."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from timbra.cfdi.model import Factor, Micro, Rate, Tax
from timbra.cfdi.payments.model import Covered, GroupKey, History, Share

PAYS = "P"  # relationship of a complement to the invoices it pays, beside SAT's own codes


class State(StrEnum):
    """Of one application; see the table."""

    OUTSTANDING = "outstanding"
    LIVE = "live"
    REPLACING = "replacing"
    REPLACED = "replaced"
    UNDONE = "undone"


COUNTS = (State.LIVE, State.REPLACING)  # what balances are made of
IN_FLIGHT = (State.OUTSTANDING, State.REPLACING)  # no other complement of the invoice may start meanwhile


@dataclass(frozen=True, slots=True)
class Application:
    """The part of a complement that pays one invoice. Amounts in micro of the invoice's currency."""

    complement_id: str
    position: int
    invoice_id: str | None
    uuid: str
    installment: int
    balance: int
    amount: int
    taxes: tuple[Share, ...]
    state: str
    replaced_by: str | None = None


def share_of(row: list[object]) -> Share:
    """A share as it is stored."""
    tax, factor, rate, withheld, base, amount = row
    assert isinstance(rate, int)
    assert isinstance(base, int)
    assert isinstance(amount, int)
    return Share(Tax(str(tax)), Factor(str(factor)), Rate(Micro(rate)), bool(withheld), Micro(base), Micro(amount))


def history_of(earlier: Iterable[Application]) -> History:
    """What the instalments cover together."""
    paid, sums = 0, dict[GroupKey, tuple[int, int]]()
    for one in earlier:
        paid += one.amount
        for share in one.taxes:
            base, amount = sums.get(share.key, (0, 0))
            sums[share.key] = base + share.base, amount + share.amount
    return History(Micro(paid), {key: Covered(Micro(base), Micro(amount)) for key, (base, amount) in sums.items()})
