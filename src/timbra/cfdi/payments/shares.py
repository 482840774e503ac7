"""Which part of an invoice's taxes an instalment covers.

Each instalment states round6(base x paid / total) and its tax (contract C4). The rounding errors of many instalments
would add up, so a value moves to its other neighbour of 10^-6 as soon as the sum would be off by a whole 10^-6, and the
instalment that settles the invoice takes the rest: then the bases are those of the invoice, and the taxes theirs. Every
value stays one of the two neighbours of its own exact share, which keeps it within SAT's limits (CRP20254, CRP20261).
"""

from collections.abc import Sequence

from timbra.cfdi.model import MICRO, Factor, Micro
from timbra.cfdi.money import half_up
from timbra.cfdi.payments.model import NOTHING, PaidDocument, Share, TaxGroup


def shares(document: PaidDocument) -> tuple[Share, ...]:
    """The rows of ImpuestosDR, withheld ones first; a group whose base rounds to 0 has none. Source: contract C4."""
    groups: Sequence[TaxGroup] = sorted(document.groups, key=lambda group: not group.withheld)
    return tuple(share for group in groups if (share := _share(group, document)) is not None)


def _share(group: TaxGroup, document: PaidDocument) -> Share | None:
    history, paid, total = document.history, document.paid, document.total
    before = history.taxes.get(group.key, NOTHING)
    is_last = document.remaining == 0
    base = _next(group.base * paid, group.base * (history.paid + paid), total, before.base, is_last=is_last)
    if base == 0:
        return None
    amount = 0
    if group.factor is not Factor.EXENTO:
        so_far = (before.base + base) * group.rate
        amount = _next(base * group.rate, so_far, MICRO, before.amount, is_last=is_last)
    return Share(group.tax, group.factor, group.rate, group.withheld, Micro(base), Micro(amount))


def _next(own: int, so_far: int, divisor: int, covered: int, *, is_last: bool) -> int:
    """One neighbour of ``own / divisor``, so that ``covered`` and it together come close to ``so_far / divisor``.

    Half-up, unless the sum would then miss by 1 or more, or this is the last one, after which the sum misses nothing that
    an integer can say.
    """
    plain = half_up(own, divisor)
    if not is_last and abs((covered + plain) * divisor - so_far) < divisor:
        return plain
    floor = own // divisor
    ceiling = -(-own // divisor)
    return min(max(half_up(so_far, divisor) - covered, floor), ceiling)
