"""Wire shape of ``POST /invoices/payment`` (contract complements.md section 3)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from timbra.catalogs.fields import Printed
from timbra.cfdi import codes
from timbra.cfdi.codes_currencies import currency_decimals, currency_for_trade
from timbra.cfdi.codes_rates import nearest_rate, rate_allowed
from timbra.cfdi.model import Factor, Tax
from timbra.cfdi.money import micro, to_decimal
from timbra.clients.reference import ClientReference
from timbra.http.body import Command
from timbra.http.fields import Amount, Choice, Code, Flag, Instant, Text, Whole, decimals_of, refuse
from timbra.invoices.schemas import DocumentBody, RelatedBody, Uuid

MAX_ENTRIES = 200
MAX_TAXES = 50
MAX_REPLACED = 50
SUBSTITUTION = "04"
INVOICE_FORM = r"inv_[0-9A-Z]{26}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
COMPANY_RFC = r"[A-Z&Ñ]{3}[0-9]{2}(0[1-9]|1[012])(0[1-9]|[12][0-9]|3[01])[A-Z0-9]{2}[0-9A]"
PAYER_RFC = f"XEXX010101000|{COMPANY_RFC}"

InvoiceId = Annotated[str, Text(max=40, pattern=INVOICE_FORM, explain="must be a UUID or an inv_ id")]
Currency = Annotated[str, Code(max=3, pattern="[A-Z]{3}", explain="must be an ISO 4217 code")]
Rate = Annotated[Decimal | None, Amount(above=0, decimals=6)]


def _for_trade(value: str | None) -> str | None:
    if value is not None and not currency_for_trade(value):
        raise refuse("not_in_catalog", "is not a currency of SAT", "MXN")
    return value


class ForeignTaxBody(Command):
    """One tax of a whole invoice that is not ours."""

    type: Annotated[str, Choice("IVA", "ISR", "IEPS")]
    rate: Annotated[Decimal, Amount(min=0, max=1_000_000)] = Decimal(0)
    factor: Annotated[str, Choice(*(factor.value for factor in Factor))] = Factor.TASA.value
    withholding: Flag = False
    base: Annotated[Decimal, Amount(above=0)]
    amount: Annotated[Decimal | None, Amount(min=0)] = None

    @model_validator(mode="after")
    def _legal(self) -> "ForeignTaxBody":
        """Source: CRP20253, CRP20260; c_TasaOCuota."""
        tax, rate = Tax[self.type], 0 if self.factor == Factor.EXENTO else micro(self.rate)
        if rate_allowed(tax, self.factor, self.withholding, rate):
            return self
        near = nearest_rate(tax, self.factor, self.withholding, rate)
        fix = None if near is None else to_decimal(near).normalize()
        code = "CRP20253" if self.withholding else "CRP20260"
        raise refuse(code, f"is not a legal rate of {self.type} with this factor", fix, path="rate")


class ForeignBody(Command):
    """An invoice that is not ours, as its own document states it."""

    series: Annotated[str | None, Printed(max=25)] = None
    folio: Annotated[str | None, Printed(max=40)] = None
    currency: Currency
    total: Annotated[Decimal, Amount(above=0)]
    previous_balance: Annotated[Decimal, Amount(above=0)]
    installment: Annotated[int, Whole(min=1, max=999)]
    taxes: Annotated[list[ForeignTaxBody], Field(max_length=MAX_TAXES)]

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str | None:
        return _for_trade(value)

    @model_validator(mode="after")
    def _owed(self) -> "ForeignBody":
        if self.previous_balance > self.total:
            raise refuse("max", "must not be above total", self.total, path="previous_balance")
        decimals = currency_decimals(self.currency) or 0
        for name in ("total", "previous_balance"):
            if decimals_of(getattr(self, name)) > decimals:
                raise refuse("format", f"must have at most {decimals} decimals in {self.currency}", path=name)
        return self


class EntryBody(Command):
    """One invoice that the money pays. ``amount``: in the invoice's currency."""

    invoice: InvoiceId
    amount: Annotated[Decimal | None, Amount(above=0)] = None
    exchange_rate: Rate = None
    external: ForeignBody | None = None


class ReplacedBody(RelatedBody):
    """Own complements that the new one takes the place of."""

    relationship: Annotated[str, Code(max=2, pad=2)] = SUBSTITUTION
    documents: Annotated[list[Uuid], Field(min_length=1, max_length=MAX_REPLACED)]

    @field_validator("relationship")
    @classmethod
    def _substitutes(cls, value: str) -> str:
        if value != SUBSTITUTION:
            raise refuse("enum", "must be 04: a complement relates to those it replaces only", SUBSTITUTION)
        return value


class PaymentBody(DocumentBody):
    """``POST /invoices/payment``: ``invoices``, or ``ppd_invoice_id`` with ``paid_amount`` for one of them."""

    invoices: Annotated[list[EntryBody] | None, Field(min_length=1, max_length=MAX_ENTRIES)] = None
    ppd_invoice_id: Annotated[
        str | None, Text(max=40, pattern=INVOICE_FORM, explain="must be a UUID or an inv_ id")
    ] = None
    paid_amount: Annotated[Decimal | None, Amount(above=0)] = None
    payment_form: Annotated[str, Code(max=2, pad=2)]
    date: Annotated[int | None, Instant(zone="America/Mexico_City")] = None
    currency: Annotated[str | None, Code(max=3, pattern="[A-Z]{3}", explain="must be an ISO 4217 code")] = None
    exchange_rate: Rate = None
    amount: Annotated[Decimal | None, Amount(above=0)] = None
    client: ClientReference | None = None
    operation_number: Annotated[str | None, Printed(max=100)] = None
    payer_bank_rfc: Annotated[
        str | None, Code(max=13, pattern=PAYER_RFC, explain="must be the RFC of a bank, or XEXX010101000")
    ] = None
    payer_bank_name: Annotated[str | None, Printed(max=300)] = None
    payer_account: Annotated[str | None, Text(max=50)] = None
    payee_bank_rfc: Annotated[str | None, Code(max=12, pattern=COMPANY_RFC, explain="must be the RFC of a bank")] = None
    payee_account: Annotated[str | None, Text(max=50)] = None
    payment: Annotated[str | None, Text(max=160)] = None
    related_documents: Annotated[list[ReplacedBody], Field(default_factory=list)]  # type: ignore[assignment]  # narrower

    @field_validator("payment_form")
    @classmethod
    def _known_form(cls, value: str) -> str:
        if value not in codes.PAYMENT_FORMS:
            raise refuse("not_in_catalog", "is not a payment form of SAT")
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str | None) -> str | None:
        return _for_trade(value)

    @model_validator(mode="after")
    def _names_invoices(self) -> "PaymentBody":
        if self.invoices is None and self.ppd_invoice_id is None:
            raise refuse("required", "is required: name the invoices that were paid", path="invoices")
        if self.invoices is not None and self.ppd_invoice_id is not None:
            raise refuse("conflict", "goes without invoices", path="ppd_invoice_id")
        return self

    @property
    def entries(self) -> list[EntryBody]:
        """The invoices that were paid, in order."""
        if self.invoices is not None:
            return self.invoices
        values: dict[str, Any] = {"invoice": self.ppd_invoice_id, "amount": self.paid_amount}
        return [EntryBody(**values)]

    def path(self, position: int, field: str) -> str:
        """Where the request says ``field`` of an entry: invoice, amount, exchange_rate or external."""
        if self.invoices is None and field in ("invoice", "amount"):
            return {"invoice": "ppd_invoice_id", "amount": "paid_amount"}[field]
        return f"invoices[{position}].{field}"

    @property
    def replaced(self) -> list[str]:
        """UUIDs of the complements that this one takes the place of."""
        return list(dict.fromkeys(self.related_uuids))
