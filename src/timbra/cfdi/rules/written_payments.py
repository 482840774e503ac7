"""Rules over the payment complement of a written document: its fixed frame, its amounts and its totals in pesos."""

from collections.abc import Iterator
from typing import Final

from timbra.cfdi.codes_currencies import NO_CURRENCY, currency_decimals
from timbra.cfdi.model import MICRO, Micro
from timbra.cfdi.money import decimals_of, half_up
from timbra.cfdi.read_values import ReadCfdi, ReadPaidDocument, ReadPayment
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount
from timbra.cfdi.rules.header import PESO

_CENT: Final = MICRO // 100


def check_payments(document: ReadCfdi) -> Iterator[Finding]:
    """Findings of a document of type P or with a payment complement."""
    yield from _check_frame(document)
    for index, payment in enumerate(document.payments):
        yield from _check_payment(payment, index)
        for paid in payment.documents:
            yield from _check_paid(paid, payment)
    yield from _check_totals(document)


def _check_frame(document: ReadCfdi) -> Iterator[Finding]:
    """The header and the one line of a payment document are fixed (CRP20101 to CRP20123)."""
    fixed: list[tuple[str, str | None, str | None]] = [
        ("CRP20101", document.kind, "P"),
        ("CRP20102", document.exports, "01"),
        ("CRP20103", document.subtotal, "0"),
        ("CRP20104", document.currency, NO_CURRENCY),
        ("CRP20105", document.payment_form, None),
        ("CRP20106", document.payment_method, None),
        ("CRP20107", document.conditions, None),
        ("CRP20108", document.discount, None),
        ("CRP20109", document.exchange_rate, None),
        ("CRP20110", document.total, "0"),
        ("CRP20111", str(len(document.lines)), "1"),
    ]
    for line in document.lines[:1]:
        inside = line.transferred or line.withheld or line.customs_requests or line.parts or line.complements
        fixed += [
            ("CRP20112", "something" if inside and line.third_party is None else None, None),
            ("CRP20113", line.product_key, "84111506"),
            ("CRP20114", line.sku, None),
            ("CRP20115", line.quantity, "1"),
            ("CRP20116", line.unit_key, "ACT"),
            ("CRP20117", line.unit_name, None),
            ("CRP20118", line.description, "Pago"),
            ("CRP20119", line.unit_price, "0"),
            ("CRP20120", line.amount, "0"),
            ("CRP20121", line.discount, None),
            ("CRP20122", line.taxability, "01"),
        ]
    fixed.append(("CRP20123", None if document.taxes is None else "taxes", None))
    yield from (ours(code, f"{written} is not {due}") for code, written, due in fixed if written != due)


def _check_payment(payment: ReadPayment, index: int) -> Iterator[Finding]:
    monto = amount(payment.amount) or 0
    decimals = currency_decimals(payment.currency)
    if payment.form == "99":
        yield Finding("CRP20212", "payment_form", "of a payment cannot be 99")
    if payment.currency == NO_CURRENCY:
        yield Finding("CRP20213", "currency", "of a payment cannot be XXX")
    if payment.currency == PESO:
        if amount(payment.exchange_rate) != MICRO:
            yield Finding("CRP20215", "exchange_rate", "must be 1 in MXN", 1)
    elif payment.exchange_rate is None:
        yield Finding("CRP20214", "exchange_rate", f"is required in {payment.currency}")
    if monto <= 0:
        yield Finding("CRP20218", "amount", "must be above 0")
    if decimals is not None and decimals_of(payment.amount) > decimals:
        yield Finding("CRP20219", "amount", f"must have at most {decimals} decimals")
    applied = sum(amount(paid.paid) or 0 for paid in payment.documents if paid.currency == payment.currency)
    if applied > monto:
        yield Finding("CRP20217", "amount", f"payment {index}: the amounts applied exceed {payment.amount}")


def _check_paid(paid: ReadPaidDocument, payment: ReadPayment) -> Iterator[Finding]:
    before, applied, after = (amount(text) or 0 for text in (paid.balance_before, paid.paid, paid.balance_after))
    if paid.currency == NO_CURRENCY:
        yield ours("CRP20236", "a paid document in XXX")
    if paid.currency == payment.currency:
        if amount(paid.equivalence) != MICRO:
            yield ours("CRP20238", f"equivalence {paid.equivalence} in one currency")
    elif paid.equivalence is None:
        yield ours("CRP20237", f"no equivalence of {paid.currency} to {payment.currency}")
    if before <= 0:
        yield Finding("CRP20239", "invoices[].amount", f"{paid.uuid} has no balance")
    if applied <= 0:
        yield Finding("CRP20241", "invoices[].amount", "must be above 0")
    if after < 0 or after != before - applied:
        yield Finding("CRP20244", "invoices[].amount", f"{before - applied} is left of {paid.uuid}, not {after}")
    decimals = currency_decimals(paid.currency)
    for code, text in (("CRP20240", paid.balance_before), ("CRP20242", paid.paid), ("CRP20243", paid.balance_after)):
        if decimals is not None and decimals_of(text) > decimals:
            yield ours(code, f"{text} has more than {decimals} decimals")


def _in_pesos(value: Micro | None, payment: ReadPayment) -> int:
    """In 10^-12, exact; an absent exchange rate counts as 1, its absence has a code of its own."""
    return (value or 0) * (amount(payment.exchange_rate) or MICRO)


def _check_totals(document: ReadCfdi) -> Iterator[Finding]:
    sums: dict[tuple[str, str], int] = {}

    def add(code: str, name: str, value: int) -> None:
        sums[code, name] = sums.get((code, name), 0) + value

    for payment in document.payments:
        add("CRP20211", "MontoTotalPagos", _in_pesos(amount(payment.amount), payment))
        for row in payment.withheld:
            if row.tax in _WITHHELD_TOTALS:
                add(*_WITHHELD_TOTALS[row.tax], _in_pesos(amount(row.amount), payment))
        for row in payment.transferred:
            rate = None if row.factor == "Exento" else amount(row.rate)
            for code, name, is_base in _TRANSFERRED_TOTALS.get((row.tax, rate), ()):
                add(code, name, _in_pesos(amount(row.base if is_base else row.amount), payment))
    for (code, name), exact in sums.items():
        due = half_up(exact, MICRO * _CENT) * _CENT
        written = document.payment_totals.get(name)
        if amount(written) != due:
            yield ours(code, f"{name} {written} is not the rounded sum over the payments")


_WITHHELD_TOTALS: Final = {
    "001": ("CRP20202", "TotalRetencionesISR"),
    "002": ("CRP20201", "TotalRetencionesIVA"),
    "003": ("CRP20203", "TotalRetencionesIEPS"),
}
_TRANSFERRED_TOTALS: Final = {
    ("002", 160_000): (
        ("CRP20204", "TotalTrasladosBaseIVA16", True),
        ("CRP20205", "TotalTrasladosImpuestoIVA16", False),
    ),
    ("002", 80_000): (
        ("CRP20206", "TotalTrasladosBaseIVA8", True),
        ("CRP20207", "TotalTrasladosImpuestoIVA8", False),
    ),
    ("002", 0): (
        ("CRP20208", "TotalTrasladosBaseIVA0", True),
        ("CRP20209", "TotalTrasladosImpuestoIVA0", False),
    ),
    ("002", None): (("CRP20210", "TotalTrasladosBaseIVAExento", True),),
}
