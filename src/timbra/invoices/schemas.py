"""Wire shapes of the calls that issue, cancel and fetch invoices (contract invoices.md sections 4, 7, 9, 10)."""

from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

from pydantic import AliasChoices, Field, PrivateAttr, field_validator, model_validator

from timbra.catalogs.fields import Printed
from timbra.cfdi import codes
from timbra.cfdi.codes_currencies import currency_for_trade
from timbra.clients.reference import ClientReference
from timbra.http.body import Command
from timbra.http.fields import Amount, Choice, Code, Email, Flag, Instant, Metadata, Text, Whole, refuse
from timbra.invoices.inner import NOTHING, Inner
from timbra.services.lines import LineBody

MAX_LINES = 5_000
MAX_RELATED = 5_000
XML_LIMIT_BYTES = 64 * 1024
UUID_FORM = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
SERIES_FORM = r"[A-Za-z0-9_-]{1,25}"
PERIODICITY_WORDS = {"day": "01", "week": "02", "two_weeks": "03", "month": "04", "two_months": "05"}
PAYMENT_AUTOMATIONS = {
    "payment": "payment",
    "pue_invoice": "payment",
    "stamp_invoice": "payment",
    "payment_and_complement": "payment_and_complement",
    "ppd_invoice_and_complement": "payment_and_complement",
}

Uuid = Annotated[str, Text(max=36, pattern=UUID_FORM, explain="must be a UUID")]
OptionalText = Annotated[str | None, Text(max=1_000)]


class RelatedBody(Command):
    """One relationship with its documents."""

    relationship: Annotated[str, Code(max=2, pad=2)] = "01"
    documents: Annotated[list[Uuid], Field(min_length=1, max_length=MAX_RELATED)]

    @field_validator("relationship")
    @classmethod
    def _known(cls, value: str) -> str:
        relation = codes.RELATIONSHIPS.get(value)
        if relation is None or not relation.cfdi40:
            raise refuse("enum", "must be one of 01 to 07", "01" if value == "08" else None)
        return value


class GlobalBody(Command):
    """The node of a global invoice."""

    periodicity: Annotated[str, Choice(*PERIODICITY_WORDS.values(), also=PERIODICITY_WORDS)]
    months: Annotated[str, Code(max=2, pad=2, pattern="0[1-9]|1[0-8]", explain="must be 01 to 18")]
    year: Annotated[int, Whole(min=2000, max=2100)]


class ComplementBody(Command):
    """A complement handed over as XML; ``fragments`` judges it together with the namespaces of the request."""

    type: Annotated[str, Choice("custom")]
    data: Annotated[str, Text(max=XML_LIMIT_BYTES, multiline=True)]


class NamespaceBody(Command):
    """A namespace used by complements or by the addenda."""

    prefix: Annotated[str, Text(max=40, pattern=r"[A-Za-z_][A-Za-z0-9_.-]*", explain="must be an XML name")]
    uri: Annotated[str, Text(max=500, pattern=r"[^\s<>\"|]+", explain="must be a URI")]
    schema_location: Annotated[str | None, Text(max=500, pattern=r"[^<>\"|]+", explain="must be a URI")] = None


class LocalTaxBody(Command):
    """A local tax, which becomes a row of the complement implocal."""

    name: Annotated[str, Printed(max=100)]
    rate: Annotated[Decimal, Amount(min=0, max=1, decimals=4)]
    withholding: Flag = False


class DocumentBody(Command):
    """What every call that stamps a document has in common."""

    series: Annotated[str | None, Text(max=25, pattern=SERIES_FORM, explain="must be 1 to 25 of A-Z a-z 0-9 _ -")] = (
        None
    )
    folio_number: Annotated[int, Whole(min=0, max=999_999_999)] = 0
    related_documents: Annotated[list[RelatedBody], Field(default_factory=list, max_length=50)]
    addenda: Annotated[str | None, Text(max=XML_LIMIT_BYTES, multiline=True)] = None
    invoice_pdf_notes: Annotated[str | None, Text(max=2_000, multiline=True)] = None
    send_email: Flag = False
    emails: Annotated[list[Annotated[str, Email()]], Field(max_length=20, default_factory=list)]
    ignore_emails: Flag = False
    return_files_urls: Annotated[
        bool, Field(validation_alias=AliasChoices("return_files_urls", "return_files"), strict=True)
    ] = False
    is_async: Annotated[bool, Field(validation_alias="async", strict=True)] = False
    idempotency_key: Annotated[
        str | None, Text(max=255, pattern=r"[\x20-\x7e]+", explain="must be printable ASCII")
    ] = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None
    _inner: Inner = PrivateAttr(default=NOTHING)

    @property
    def inner(self) -> Inner:
        """What a room of this server asks for that no request can."""
        return self._inner

    def asked_by_us(self, inner: Inner) -> Self:
        """This body, with what a room of this server asks for."""
        self._inner = inner
        return self

    @field_validator("related_documents", mode="before")
    @classmethod
    def _bare_object(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @property
    def related_uuids(self) -> list[str]:
        """Every document that the new one relates to, in order, lower case."""
        return [uuid.lower() for one in self.related_documents for uuid in one.documents]


class IssueBody(DocumentBody):
    """What income and egress invoices have in common."""

    client: ClientReference
    items: Annotated[list[LineBody], Field(min_length=1, max_length=MAX_LINES)]
    currency: Annotated[str, Code(max=3, pattern="[A-Z]{3}", explain="must be an ISO 4217 code")] = "MXN"
    exchange_rate: Annotated[Decimal | None, Amount(above=0, decimals=6)] = None
    payment_method: Annotated[str, Choice("PUE", "PPD")] = "PUE"
    payment_form: Annotated[str | None, Code(max=2, pad=2)] = None
    use: Annotated[str | None, Code(max=4)] = None
    date: Annotated[int | None, Instant(zone="America/Mexico_City")] = None
    automation_type: Annotated[str | None, Text(max=40)] = None
    exports: Annotated[str, Code(max=2, pad=2)] = "01"
    payment_conditions: Annotated[str | None, Printed(max=1_000)] = None
    confirmation: Annotated[str | None, Code(max=5, pattern="[0-9A-Z]{5}", explain="must be 5 letters or digits")] = (
        None
    )
    global_: Annotated[GlobalBody | None, Field(validation_alias="global")] = None
    complements: Annotated[list[ComplementBody] | None, Field(max_length=50)] = None
    namespaces: Annotated[list[NamespaceBody], Field(max_length=50, default_factory=list)]
    local_taxes: Annotated[list[LocalTaxBody] | None, Field(max_length=10)] = None

    @field_validator("payment_form")
    @classmethod
    def _known_form(cls, value: str | None) -> str | None:
        if value is not None and value not in codes.PAYMENT_FORMS:
            raise refuse("not_in_catalog", "is not a payment form of SAT")
        return value

    @field_validator("use")
    @classmethod
    def _known_use(cls, value: str | None) -> str | None:
        if value is not None and value not in codes.USES:
            raise refuse("not_in_catalog", "is not a use of SAT")
        return None if value == "P01" else value

    @field_validator("exports")
    @classmethod
    def _known_export(cls, value: str) -> str:
        if value not in codes.EXPORTS:
            raise refuse("not_in_catalog", "must be 01 to 04")
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not currency_for_trade(value):
            raise refuse("not_in_catalog", "is not a currency of SAT", "MXN")
        return value


class IncomeBody(IssueBody):
    """``POST /invoices/income``."""

    @field_validator("automation_type")
    @classmethod
    def _automation(cls, value: str | None) -> str | None:
        word = (value or "none").lower()
        if word == "none":
            return None
        if word not in PAYMENT_AUTOMATIONS:
            raise refuse("enum", "must be none, payment or payment_and_complement", "none")
        kind = PAYMENT_AUTOMATIONS[word]
        raise refuse("not_allowed", f"{kind} needs payments, which this server does not have yet", "none")

    @model_validator(mode="after")
    def _rate_of_foreign_currency(self) -> "IncomeBody":
        return _with_rate(self)


class EgressBody(IssueBody):
    """``POST /invoices/egress``."""

    @model_validator(mode="before")
    @classmethod
    def _without_effect(cls, data: Any) -> Any:
        """These fields of an income invoice are taken here and mean nothing (contract invoices.md section 7)."""
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if name not in ("automation_type", "global")}

    @field_validator("payment_method")
    @classmethod
    def _always_pue(cls, value: str) -> str:
        if value != "PUE":
            raise refuse("enum", "is always PUE on an egress invoice", "PUE")
        return value

    @model_validator(mode="after")
    def _rate_of_foreign_currency(self) -> "EgressBody":
        return _with_rate(self)


BodyT = TypeVar("BodyT", bound=IssueBody)


def _with_rate(body: BodyT) -> BodyT:
    if body.currency != "MXN" and body.exchange_rate is None:
        raise refuse("required", "is required when currency is not MXN", path="exchange_rate")
    return body


class CancelBody(Command):
    """``DELETE /invoices/{id}``."""

    motive: Annotated[str, Code(max=2, pad=2, pattern="0[1-4]", explain="must be 01, 02, 03 or 04")]
    substitution_uuid: Annotated[
        str | None,
        Text(max=36, pattern=UUID_FORM, explain="must be a UUID"),
        Field(validation_alias=AliasChoices("substitution_uuid", "replacement", "substitution")),
    ] = None

    @model_validator(mode="after")
    def _replacement(self) -> "CancelBody":
        if self.motive == "01" and self.substitution_uuid is None:
            raise refuse("required", "is required with motive 01", path="substitution_uuid")
        return self
