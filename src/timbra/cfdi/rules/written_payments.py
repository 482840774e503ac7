"""Rules over the payment complement of a written document: its fixed frame and its payments."""

from collections.abc import Iterator

from timbra.cfdi.codes_currencies import NO_CURRENCY, currency_decimals
from timbra.cfdi.model import MICRO, Micro
from timbra.cfdi.money import decimals_of
from timbra.cfdi.payments.equivalence import ONE, converted, cut, paid_limits
from timbra.cfdi.read_values import ReadCfdi, ReadPayment
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount
from timbra.cfdi.rules.header import PESO
from timbra.cfdi.rules.payment_bank import BankData, check_bank
from timbra.cfdi.rules.written_paid import check_paid, equivalence_of
from timbra.cfdi.rules.written_payment_taxes import check_payment_taxes, check_totals


def check_payments(document: ReadCfdi) -> Iterator[Finding]:
    """Findings of a document of type P or with a payment complement."""
    yield from _check_frame(document)
    for index, payment in enumerate(document.payments):
        yield from _check_payment(payment)
        yield from _check_sum(payment, index)
        yield from check_bank(_bank(payment))
        yield from _check_chain(payment)
        for paid in payment.documents:
            yield from check_paid(paid, payment)
        yield from check_payment_taxes(payment)
    yield from check_totals(document)


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


def _check_payment(payment: ReadPayment) -> Iterator[Finding]:
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
    if (amount(payment.amount) or 0) <= 0:
        yield Finding("CRP20218", "amount", "must be above 0")
    if decimals is not None and decimals_of(payment.amount) > decimals:
        yield Finding("CRP20219", "amount", f"must have at most {decimals} decimals")


def _check_sum(payment: ReadPayment, index: int) -> Iterator[Finding]:
    """What is applied to the documents against Monto: exactly in one currency, within SAT's limits in several.

    CRP20275 asks each ImpPagado to lie between limits that are made from itself, which it does.
    """
    monto, decimals = amount(payment.amount) or 0, currency_decimals(payment.currency)
    applied = sum(amount(paid.paid) or 0 for paid in payment.documents if paid.currency == payment.currency)
    if applied > monto:
        yield Finding("CRP20217", "amount", f"payment {index}: the amounts applied exceed {payment.amount}")
        return
    written = [(amount(paid.paid) or 0, equivalence_of(paid.equivalence) or ONE) for paid in payment.documents]
    is_mixed = any(paid.currency != payment.currency for paid in payment.documents)
    if decimals is None or not is_mixed or cut(converted(written), decimals) <= monto:
        return
    ends = [
        paid_limits(
            amount(paid.paid) or Micro(0),
            decimals_of(paid.paid),
            equivalence_of(paid.equivalence) or ONE,
            decimals_of(paid.equivalence or ""),
            decimals,
        )
        for paid in payment.documents
    ]
    if not sum(low for low, _ in ends) <= monto <= sum(high for _, high in ends):
        yield Finding("CRP20276", "amount", f"payment {index}: {payment.amount} is outside SAT's limits")


def _bank(payment: ReadPayment) -> BankData:
    return BankData(
        payment.form,
        payment.payer_bank_rfc,
        payment.payer_bank_name,
        payment.payer_account,
        payment.payee_bank_rfc,
        payment.payee_account,
    )


def _check_chain(payment: ReadPayment) -> Iterator[Finding]:
    """TipoCadPago only with transfers, and with it everything that proves the transfer (CRP20229 to CRP20235)."""
    if payment.chain_type is not None and payment.form != "03":
        yield ours("CRP20229", f"a payment chain with payment form {payment.form}")
    parts = (
        ("CRP20230", "CRP20231", payment.chain_certificate),
        ("CRP20232", "CRP20233", payment.chain),
        ("CRP20234", "CRP20235", payment.chain_seal),
    )
    for absent, alone, value in parts:
        if payment.chain_type is not None and value is None:
            yield ours(absent, "a payment chain is not complete")
        if payment.chain_type is None and value is not None:
            yield ours(alone, "a part of a payment chain without its type")
