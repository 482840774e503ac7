"""Every amount of a payment complement: contract complements.md C1 to C8. Values in micro."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from timbra.cfdi.amounts import AmountError
from timbra.cfdi.model import MICRO, Factor, Micro, Rate, Tax
from timbra.cfdi.money import LIMIT, half_up, to_decimal
from timbra.cfdi.payments.equivalence import (
    EQUIVALENCE_DECIMALS,
    ONE,
    converted,
    cut,
    equivalence,
    paid_limits,
    rounded,
)
from timbra.cfdi.payments.model import PaidDocument, Payment, Share
from timbra.cfdi.payments.shares import shares

MAX_INSTALLMENT: Final = 999
_CENT: Final = MICRO // 100
_WITH_TAXES: Final = frozenset({"02", "07"})  # ObjetoImpDR that needs taxes (CRP20246, CRP20279)


class ComputedDocument(NamedTuple):
    """One paid invoice with what follows from its payment. equivalence: in 10^-10."""

    document: PaidDocument
    equivalence: int
    taxability: str
    taxes: tuple[Share, ...]


class PaymentTax(NamedTuple):
    """One row of ImpuestosP. Withheld: one per tax, factor and rate None; rate None for Exento too."""

    tax: Tax
    factor: Factor | None
    rate: Rate | None
    base: Micro
    amount: Micro


class ComputedPayment(NamedTuple):
    """A payment with all its amounts. ``totals``: Totales in pesos by SAT's names, absent ones left out.

    applied: the sum of what was paid, in the payment's currency; unapplied: the rest of ``amount``.
    """

    payment: Payment
    amount: Micro
    applied: Micro
    unapplied: Micro
    documents: tuple[ComputedDocument, ...]
    withheld: tuple[PaymentTax, ...]
    transferred: tuple[PaymentTax, ...]
    totals: dict[str, Micro]

    @property
    def mixes_currencies(self) -> bool:
        """Some documents have the payment's currency, others have not: an equivalence of 1 gets its decimals (CRP20277)."""
        return len({one.document.currency == self.payment.currency for one in self.documents}) == 2


def compute(payment: Payment) -> ComputedPayment:
    """Every amount of the complement. Raises AmountError for amounts that cannot make one. Source: contract C1 to C8."""
    documents = tuple(_document(payment, document) for document in payment.documents)
    amount, applied = _amount(payment, documents)
    withheld = _rows(documents, withheld=True)
    transferred = _rows(documents, withheld=False)
    largest = max([amount, *(row.base for row in (*withheld, *transferred))])
    if largest > LIMIT or largest * payment.exchange_rate > LIMIT * MICRO:
        raise AmountError("amount", "max", "makes an amount of more than 999999999999.999999")
    return ComputedPayment(
        payment,
        amount,
        applied,
        Micro(max(amount - applied, 0)),
        documents,
        withheld,
        transferred,
        _totals(payment, amount, withheld, transferred),
    )


# --- documents -----------------------------------------------------------------------------------------------------


def _document(payment: Payment, document: PaidDocument) -> ComputedDocument:
    _check(document)
    e = ONE
    if document.currency != payment.currency:
        e = equivalence(payment.exchange_rate, document.rate)
        if e == 0:
            message = "makes an equivalence below 0.0000000001"
            raise AmountError(f"{document.path}.exchange_rate", "max", message)
    taxes = shares(document)
    taxability = "02" if taxes else document.taxability
    if not taxes and taxability in _WITH_TAXES:
        taxability = "01"
    return ComputedDocument(document, e, taxability, taxes)


def _check(document: PaidDocument) -> None:
    """Source: CRP20239 to CRP20244; NumParcialidad has at most 3 digits."""
    path = f"{document.path}.amount"
    if document.balance <= 0:
        raise AmountError(path, "CRP20239", "the invoice has no balance left")
    if document.paid <= 0:
        raise AmountError(path, "CRP20241", "must be greater than 0", to_decimal(document.balance))
    if document.paid % 10 ** (6 - document.decimals):
        raise AmountError(path, "CRP20242", f"must have at most {document.decimals} decimals")
    if document.remaining < 0:
        message = f"must not be above the balance of {to_decimal(document.balance).normalize():f}"
        raise AmountError(path, "CRP20244", message, to_decimal(document.balance))
    if document.installment > MAX_INSTALLMENT:
        raise AmountError(document.path, "max", f"has {MAX_INSTALLMENT} instalments already, SAT admits no more")


# --- payment -------------------------------------------------------------------------------------------------------


def _amount(payment: Payment, documents: tuple[ComputedDocument, ...]) -> tuple[Micro, Micro]:
    """Monto, and the part of it that was applied. Source: contract C7; CRP20217 to CRP20219, CRP20276."""
    exact = converted((one.document.paid, one.equivalence) for one in documents)
    applied = rounded(exact, payment.decimals)
    amount = applied if payment.amount is None else payment.amount
    if amount <= 0:
        message = "must be greater than 0" if payment.amount is not None else "comes to 0 in the payment's currency"
        raise AmountError("amount", "CRP20218", message, to_decimal(applied) if applied else None)
    if amount % 10 ** (6 - payment.decimals):
        raise AmountError("amount", "CRP20219", f"must have at most {payment.decimals} decimals")
    same = sum(one.document.paid for one in documents if one.document.currency == payment.currency)
    is_mixed = any(one.document.currency != payment.currency for one in documents)
    is_short = amount < same or (
        is_mixed and amount < cut(exact, payment.decimals) and not _within_limits(payment, documents, amount)
    )
    if is_short:
        message = f"must not be less than what is applied to the invoices, {to_decimal(applied).normalize():f}"
        raise AmountError("amount", "CRP20217", message, to_decimal(applied))
    return amount, applied


def _within_limits(payment: Payment, documents: tuple[ComputedDocument, ...], amount: Micro) -> bool:
    ends = [
        paid_limits(one.document.paid, one.document.decimals, one.equivalence, EQUIVALENCE_DECIMALS, payment.decimals)
        for one in documents
    ]
    return sum(low for low, _ in ends) <= amount <= sum(high for _, high in ends)


def _rows(documents: Iterable[ComputedDocument], *, withheld: bool) -> tuple[PaymentTax, ...]:
    """ImpuestosP: sums over the documents in the payment's currency, rounded once. Source: contract C6."""
    bases: dict[tuple[Tax, Factor | None, Rate | None], list[tuple[int, int]]] = {}
    amounts: dict[tuple[Tax, Factor | None, Rate | None], list[tuple[int, int]]] = {}
    for one in documents:
        for share in one.taxes:
            if share.withheld != withheld:
                continue
            rate = None if share.factor is Factor.EXENTO else share.rate
            key = (share.tax, None, None) if withheld else (share.tax, share.factor, rate)
            bases.setdefault(key, []).append((share.base, one.equivalence))
            amounts.setdefault(key, []).append((share.amount, one.equivalence))
    return tuple(
        PaymentTax(*key, rounded(converted(parts)), rounded(converted(amounts[key]))) for key, parts in bases.items()
    )


# --- totals in pesos -----------------------------------------------------------------------------------------------

_WITHHELD: Final = {
    Tax.IVA: "TotalRetencionesIVA",
    Tax.ISR: "TotalRetencionesISR",
    Tax.IEPS: "TotalRetencionesIEPS",
}
_TRANSFERRED: Final[dict[Rate | None, tuple[str, str | None]]] = {
    Rate(160_000): ("TotalTrasladosBaseIVA16", "TotalTrasladosImpuestoIVA16"),
    Rate(80_000): ("TotalTrasladosBaseIVA8", "TotalTrasladosImpuestoIVA8"),
    Rate(0): ("TotalTrasladosBaseIVA0", "TotalTrasladosImpuestoIVA0"),
    None: ("TotalTrasladosBaseIVAExento", None),
}
TOTAL_NAMES: Final = (
    *_WITHHELD.values(),
    *(name for pair in _TRANSFERRED.values() for name in pair if name is not None),
    "MontoTotalPagos",
)


def _totals(
    payment: Payment, amount: Micro, withheld: tuple[PaymentTax, ...], transferred: tuple[PaymentTax, ...]
) -> dict[str, Micro]:
    """Totales, each rounded to centavos from the exact product. Source: contract C8; CRP20201 to CRP20211."""
    found: dict[str, Micro] = {}

    def put(name: str, value: Micro) -> None:
        found[name] = Micro(half_up(value * payment.exchange_rate, MICRO * _CENT) * _CENT)

    for row in withheld:
        put(_WITHHELD[row.tax], row.amount)
    for row in transferred:
        if row.tax is not Tax.IVA or row.rate not in _TRANSFERRED:
            continue
        base, tax = _TRANSFERRED[row.rate]
        put(base, row.base)
        if tax is not None:
            put(tax, row.amount)
    put("MontoTotalPagos", amount)
    return {name: found[name] for name in TOTAL_NAMES if name in found}
