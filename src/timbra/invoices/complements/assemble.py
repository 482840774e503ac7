"""From the request and what is known of its invoices to the payment that the arithmetic works on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from timbra.cfdi.amounts import AmountError
from timbra.cfdi.codes_currencies import currency_decimals
from timbra.cfdi.model import MICRO, Factor, Micro, Rate, Tax
from timbra.cfdi.money import micro, text, to_decimal
from timbra.cfdi.payments.amounts import ComputedPayment, compute
from timbra.cfdi.payments.groups import common_taxability, tax_groups
from timbra.cfdi.payments.model import History, PaidDocument, Payment, TaxGroup
from timbra.cfdi.read_values import ReadCfdi
from timbra.cfdi.rules.header import PESO
from timbra.http.errors import ApiError, BusinessRule, FieldError, Invalid
from timbra.invoices.complements.body import EntryBody, ForeignBody, PaymentBody
from timbra.invoices.complements.known import Known
from timbra.invoices.complements.model import history_of
from timbra.invoices.model import InvoiceRecord

_TAXES = {tax.name: tax for tax in Tax}
_BALANCE_CODES = ("CRP20239", "CRP20244")  # of what the invoice is, not of the request's form


@dataclass(frozen=True, slots=True)
class Source:
    """What never changes of an invoice to be paid. ``total`` in its own currency."""

    series: str | None
    folio: str | None
    currency: str
    total: Micro
    groups: tuple[TaxGroup, ...]
    taxability: str


def own_source(invoice: InvoiceRecord, document: ReadCfdi) -> Source:
    """Of an invoice of ours, from its stamped document."""
    return Source(
        invoice.series,
        str(invoice.folio),
        invoice.currency,
        Micro(invoice.total),
        tax_groups(document),
        common_taxability(document),
    )


def foreign_source(external: ForeignBody) -> Source:
    """Of an invoice of somebody else's making, as the request states it."""
    groups = tuple(
        TaxGroup(
            _TAXES[row.type],
            Factor(row.factor),
            Rate(Micro(0) if row.factor == Factor.EXENTO else micro(row.rate)),
            row.withholding,
            micro(row.base),
        )
        for row in external.taxes
    )
    return Source(external.series, external.folio, external.currency, micro(external.total), groups, "01")


def computed(body: PaymentBody, known: Known, sources: Mapping[str, Source], paid_at: datetime) -> ComputedPayment:
    """The complement's amounts. Raises Invalid, BusinessRule. ``sources``: by uuid."""
    payment = _payment(body, known, sources, paid_at)
    try:
        return compute(payment)
    except AmountError as error:
        raise refusal(body, error) from error


def refusal(body: PaymentBody, error: AmountError) -> ApiError:
    """A refused amount as the API says it."""
    path = "paid_amount" if body.invoices is None and error.path == "invoices[0].amount" else error.path
    problem = FieldError(path, error.code, error.message, error.fix)
    return BusinessRule(problem.text, fields=[problem]) if error.code in _BALANCE_CODES else Invalid([problem])


def _payment(body: PaymentBody, known: Known, sources: Mapping[str, Source], paid_at: datetime) -> Payment:
    currency = body.currency or sources[known.uuid(body.entries[0].invoice)].currency
    decimals = currency_decimals(currency)
    assert decimals is not None, "the schema admits known currencies only"
    rates = rates_of(body, known, sources, currency)
    documents = [
        _document(body, known, sources[known.uuid(entry.invoice)], position, entry, rate)
        for position, (entry, rate) in enumerate(zip(body.entries, rates[1:], strict=True))
    ]
    return Payment(
        paid_at=paid_at,
        form=body.payment_form,
        currency=currency,
        decimals=decimals,
        documents=tuple(documents),
        exchange_rate=rates[0],
        amount=None if body.amount is None else micro(body.amount),
        operation=body.operation_number,
        payer_bank_rfc=body.payer_bank_rfc,
        payer_bank_name=body.payer_bank_name,
        payer_account=body.payer_account,
        payee_bank_rfc=body.payee_bank_rfc,
        payee_account=body.payee_account,
    )


def rates_of(body: PaymentBody, known: Known, sources: Mapping[str, Source], currency: str) -> list[Micro]:
    """Pesos per unit of the payment's currency, then of each invoice's. Raises Invalid with every rate that is missing."""
    problems: list[FieldError] = []

    def rate(of: str, given: Decimal | None, path: str) -> Micro:
        if of == PESO:
            return Micro(MICRO)
        if given is None:
            problems.append(FieldError(path, "required", f"is required: pesos of one {of} on the day of the payment"))
            return Micro(MICRO)
        return micro(given)

    rates = [rate(currency, body.exchange_rate, "exchange_rate")]
    for position, entry in enumerate(body.entries):
        of = sources[known.uuid(entry.invoice)].currency
        path = body.path(position, "exchange_rate")
        rates.append(rates[0] if of == currency else rate(of, entry.exchange_rate, path))
    if problems:
        raise Invalid(problems)
    return rates


def _document(
    body: PaymentBody, known: Known, source: Source, position: int, entry: EntryBody, rate: Micro
) -> PaidDocument:
    uuid = known.uuid(entry.invoice)
    invoice = known.own.get(entry.invoice)
    if invoice is not None:
        balance, limit, installment, history = _own_place(known, invoice)
    else:
        assert entry.external is not None
        balance = limit = micro(entry.external.previous_balance)
        installment, history = entry.external.installment, History()
    decimals = currency_decimals(source.currency)
    assert decimals is not None, "a stamped invoice is in a currency of SAT"
    paid = limit if entry.amount is None else micro(entry.amount)
    if paid > limit:
        message = f"must not be above what is owed, {text(limit)}"
        problem = FieldError(body.path(position, "amount"), "CRP20244", message, to_decimal(limit))
        raise BusinessRule(problem.text, fields=[problem])
    return PaidDocument(
        uuid=uuid,
        currency=source.currency,
        decimals=decimals,
        rate=rate,
        total=source.total,
        balance=balance,
        paid=paid,
        installment=installment,
        groups=source.groups,
        taxability=source.taxability,
        series=source.series,
        folio=source.folio,
        history=history,
        path=f"invoices[{position}]",
    )


def _own_place(known: Known, invoice: InvoiceRecord) -> tuple[Micro, Micro, int, History]:
    """ImpSaldoAnt, the most that may be paid, NumParcialidad and what earlier instalments cover. Source: C2, C3, section 5."""
    uuid = invoice.uuid or ""
    owed = Micro(known.open_balance(invoice))
    replaced = known.replaced_at(uuid)
    given_up = {one.complement_id for one in replaced}
    living = [one for one in known.counting.get(uuid, ()) if one.complement_id not in given_up]
    if not replaced:
        number = max((one.installment for one in living), default=0) + 1
        return owed, owed, number, history_of(living)
    first = replaced[0]
    history = history_of(one for one in living if one.installment < first.installment)
    return Micro(first.balance), Micro(min(first.balance, owed)), first.installment, history
