"""The payment complement once more, in exact fractions and straight from the words of the contract, to compare with.

Written without the engine's arithmetic on purpose: nothing of ``timbra.cfdi`` but its models is imported.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from timbra.cfdi.model import Factor, Tax
from timbra.cfdi.payments.model import GroupKey, PaidDocument, Payment

STEP = Fraction(1, 10**6)
Row = tuple[Fraction, Fraction]  # base and amount


def number(micro: int) -> Fraction:
    return Fraction(micro, 10**6)


def rounded(value: Fraction, places: int) -> Fraction:
    return Fraction(floor(value * 10**places + Fraction(1, 2)), 10**places)


@dataclass
class Told:
    """What the instalments of one invoice have stated so far of one tax."""

    bases: list[Fraction] = field(default_factory=list)
    amounts: list[Fraction] = field(default_factory=list)


def share(group_base: Fraction, rate: Fraction, paid: Fraction, before: Fraction, total: Fraction, told: Told,
          *, is_last: bool) -> Row:  # fmt: skip
    """C4: round6 of the exact share, or its neighbour when the sums would be off by a millionth; the last one closes."""
    base = nearest(group_base * paid / total, sum(told.bases), group_base * (before + paid) / total, is_last=is_last)
    due = (sum(told.bases) + base) * rate
    return base, nearest(base * rate, sum(told.amounts), due, is_last=is_last)


def nearest(exact: Fraction, told: Fraction | int, due: Fraction, *, is_last: bool) -> Fraction:
    choice = rounded(exact, 6)
    if is_last or abs(told + choice - due) >= STEP:
        wanted = rounded(due, 6) - told
        below, above = Fraction(floor(exact / STEP)) * STEP, Fraction(ceil(exact / STEP)) * STEP
        choice = max(below, min(above, wanted))
    return choice


@dataclass
class Complement:
    """Everything a complement says, by SAT's names."""

    equivalences: list[Fraction]
    documents: list[dict[GroupKey, Row]]
    taxability: list[str]
    withheld: dict[Tax, Row]
    transferred: dict[GroupKey, Row]
    applied: Fraction
    totals: dict[str, Fraction]


def complement(payment: Payment, tellings: list[dict[GroupKey, Told]]) -> Complement:
    """The complement of a payment without an amount of its own. tellings: per document, what was told before."""
    equivalences = [e_of(payment, document) for document in payment.documents]
    rows = [rows_of(document, told) for document, told in zip(payment.documents, tellings, strict=True)]
    withheld: dict[Tax, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    transferred: dict[GroupKey, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for e, of_document in zip(equivalences, rows, strict=True):
        for key, (base, amount) in of_document.items():
            sums = withheld[key[0]] if key[3] else transferred[key]
            sums[0] += base / e
            sums[1] += amount / e
    exact = sum((number(d.paid) / e for d, e in zip(payment.documents, equivalences, strict=True)), Fraction(0))
    applied = rounded(exact, payment.decimals)
    made = Complement(
        equivalences,
        rows,
        [taxability(d, of_document) for d, of_document in zip(payment.documents, rows, strict=True)],
        {tax: (rounded(b, 6), rounded(a, 6)) for tax, (b, a) in withheld.items()},
        {key: (rounded(b, 6), rounded(a, 6)) for key, (b, a) in transferred.items()},
        applied,
        {},
    )
    made.totals = totals(made, number(payment.exchange_rate), applied)
    return made


def e_of(payment: Payment, document: PaidDocument) -> Fraction:
    if document.currency == payment.currency:
        return Fraction(1)
    return rounded(number(payment.exchange_rate) / number(document.rate), 10)


def rows_of(document: PaidDocument, tellings: dict[GroupKey, Told]) -> dict[GroupKey, Row]:
    found = {}
    for group in document.groups:
        told = tellings.setdefault(group.key, Told())
        base, amount = share(
            number(group.base), number(group.rate), number(document.paid), number(document.history.paid),
            number(document.total), told, is_last=document.balance == document.paid,
        )  # fmt: skip
        if base == 0:
            continue
        if group.factor is Factor.EXENTO:
            amount = Fraction(0)
        told.bases.append(base)
        told.amounts.append(amount)
        found[group.key] = (base, amount)
    return found


def taxability(document: PaidDocument, rows: dict[GroupKey, Row]) -> str:
    if rows:
        return "02"
    return "01" if document.taxability in ("02", "07") else document.taxability


def totals(made: Complement, rate: Fraction, amount: Fraction) -> dict[str, Fraction]:
    exact = {"MontoTotalPagos": amount * rate}
    for tax, (_, withheld) in made.withheld.items():
        exact[f"TotalRetenciones{tax.name}"] = withheld * rate
    for (tax, factor, tax_rate, _), (base, charged) in made.transferred.items():
        if tax is not Tax.IVA:
            continue
        if factor is Factor.EXENTO:
            exact["TotalTrasladosBaseIVAExento"] = base * rate
            continue
        percent = int(number(tax_rate) * 100)
        exact[f"TotalTrasladosBaseIVA{percent}"] = base * rate
        exact[f"TotalTrasladosImpuestoIVA{percent}"] = charged * rate
    return {name: rounded(value, 2) for name, value in exact.items()}


def total_of(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))
