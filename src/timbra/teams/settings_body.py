"""The body of PUT /teams/{id}/settings: type and limits of every key (contract teams.md section 7)."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator, model_validator

from timbra.catalogs.fields import Listed, Printed, UnitKey, use_code
from timbra.catalogs.taxes import MAX_TAXES, TaxBody, TaxList, repeated
from timbra.cfdi import codes
from timbra.cfdi.codes_currencies import CURRENCIES
from timbra.cfdi.complements import ComplementRefused, check_addenda, parse_custom
from timbra.cfdi.model import Namespace
from timbra.http.body import Command
from timbra.http.fields import Amount, Choice, Code, Email, Flag, Text, Whole, refuse
from timbra.teams.settings import MAIL_KINDS

SERIES_FORM: Final = r"[A-Za-z0-9_-]{1,25}"
SERIES_EXPLAINED: Final = "must be 1 to 25 of A-Z a-z 0-9 _ -"
XML_LIMIT_BYTES: Final = 64 * 1024
SUBJECT, BODY = Text(max=300), Text(max=10_000, multiline=True)

SeriesName = Text(max=25, pattern=SERIES_FORM, explain=SERIES_EXPLAINED)
Emails = Annotated[list[Annotated[str, Email()]], Field(max_length=20)]
_UndoHandler = Choice("credit_note", "cancel_resources")
_OptionalSubject = Annotated[str | None, SUBJECT]
_OptionalBody = Annotated[str | None, BODY]
_FORMER_USES: Final = tuple(code for code in codes.USES if code != "P01")


def _withheld(rows: Any) -> Any:
    """Every tax of the list is a withheld one, whatever it says."""
    if not isinstance(rows, list):
        return rows
    return [{**row, "withholding": True} if isinstance(row, Mapping) else row for row in rows]


def _sent(nested: Command) -> dict[str, Any]:
    return {
        name: _plain(getattr(nested, name)) for name in type(nested).model_fields if name in nested.model_fields_set
    }


def _plain(value: Any) -> Any:
    """The stored form of a checked value."""
    if isinstance(value, TaxBody):
        return {
            "type": value.type,
            "rate": value.rate or Decimal(0),
            "factor": value.factor,
            "base": None,
            "inclusive": value.inclusive and not value.withholding,
            "withholding": value.withholding,
        }
    if isinstance(value, Row):
        return value.model_dump()
    if isinstance(value, Command):
        return _sent(value)
    return [_plain(element) for element in value] if isinstance(value, list) else value


def _complement(value: str) -> str:
    return _placeable(value, parse_custom)


def _addenda(value: str) -> str:
    return _placeable(value, check_addenda)


def _placeable(value: str, check: Callable[[str, Sequence[Namespace]], object]) -> str:
    """Refused here, not at every invoice that would carry it."""
    try:
        check(value, ())
    except ComplementRefused as refusal:
        raise refuse("format", str(refusal)) from None
    return value


class Row(Command):
    """An element of an array: stored whole."""


class LocalTaxRow(Row):
    """A local tax added to income invoices."""

    name: Annotated[str, Printed(max=100)]
    rate: Annotated[Decimal, Amount(min=0, max=1, decimals=4)]
    withholding: Flag = False


class ComplementRow(Row):
    """A complement added to income invoices."""

    type: Annotated[str, Text(max=100)]
    data: Annotated[str, Text(max=XML_LIMIT_BYTES, multiline=True)]
    description: Annotated[str | None, Text(max=1_000, multiline=True)] = None

    _is_xml = field_validator("data")(_complement)


class ProductRow(Row):
    """A product key a buyer may choose."""

    key: Annotated[str, Code(max=8, pad=8)]
    description: Annotated[str, Printed(max=1_000)]


class SerieBody(Command):
    """The series of one kind of document."""

    serie: Annotated[str | None, SeriesName] = None


class DefaultSeriesBody(Command):
    """Series by kind of document."""

    income: SerieBody | None = None
    complements: SerieBody | None = None
    credit_note: SerieBody | None = None


class RemindersBody(Command):
    """Reminder mails around the due date."""

    enabled: Flag | None = None
    days: Annotated[int | None, Whole(max=365)] = None
    before_subject: _OptionalSubject = None
    before_body: _OptionalBody = None
    after_subject: _OptionalSubject = None
    after_body: _OptionalBody = None


class RefundsBody(Command):
    """What a refund does to documents of the same month."""

    automatic_refunds: Flag | None = None
    current_month_handler: Annotated[str | None, _UndoHandler] = None


class ReinvoiceBody(Command):
    """Until when and how a buyer's invoice is replaced."""

    window_days: Annotated[int | None, Whole(max=365)] = None
    handler: Annotated[str | None, _UndoHandler] = None


class EmailsBody(Command):
    """Copies, mutes and own texts of mails."""

    invoices_bcc: Emails | None = None
    payments_bcc: Emails | None = None
    receipts_bcc: Emails | None = None
    avoid_invoice_emails: Flag | None = None
    avoid_test_invoice_emails: Flag | None = None
    avoid_receipts_emails: Flag | None = None
    avoid_foreign_receipts_emails: Flag | None = None
    invoice_subject: _OptionalSubject = None
    invoice_body: _OptionalBody = None
    complement_subject: _OptionalSubject = None
    complement_body: _OptionalBody = None
    credit_note_subject: _OptionalSubject = None
    credit_note_body: _OptionalBody = None
    payment_subject: _OptionalSubject = None
    payment_body: _OptionalBody = None
    receipt_subject: _OptionalSubject = None
    receipt_body: _OptionalBody = None
    receipt_reminder_subject: _OptionalSubject = None
    receipt_reminder_body: _OptionalBody = None


class TemplateBody(Command):
    """A mail's text in one language."""

    subject: _OptionalSubject = None
    body: _OptionalBody = None


class LanguagesBody(Command):
    """A mail's texts."""

    es: TemplateBody | None = None
    en: TemplateBody | None = None


class TemplatesBody(Command):
    """Own texts by kind of mail; they win over those of ``emails``."""

    invoices: LanguagesBody | None = None
    complements: LanguagesBody | None = None
    credit_notes: LanguagesBody | None = None
    payments: LanguagesBody | None = None
    receipts: LanguagesBody | None = None
    receipt_reminders: LanguagesBody | None = None


class UpdateSettings(Command):
    """PUT /teams/{id}/settings: partial; null goes back to the default."""

    default_description: Annotated[str | None, Printed(max=1_000, one_line=False)] = None
    override_item_description: Annotated[str | None, Printed(max=1_000, one_line=False)] = None
    product_key: Annotated[str | None, Code(max=8, pad=8)] = None
    unit_key: Annotated[str | None, UnitKey()] = None
    unit_name: Annotated[str | None, Printed(max=100)] = None
    sku: Annotated[str | None, Printed(max=100)] = None
    use: Annotated[str | None, use_code()] = None
    taxes: TaxList | None = None
    taxes_usd: TaxList | None = None
    withholding_taxes: Annotated[list[TaxBody] | None, Field(max_length=MAX_TAXES), BeforeValidator(_withheld)] = None
    local_taxes: Annotated[list[LocalTaxRow] | None, Field(max_length=10)] = None
    complements: Annotated[list[ComplementRow] | None, Field(max_length=50)] = None
    addenda: Annotated[str | None, Text(max=XML_LIMIT_BYTES, multiline=True)] = None
    invoice_pdf_notes: Annotated[str | None, Text(max=2_000, multiline=True)] = None
    concepts_catalog: Annotated[list[Annotated[str, Printed(max=1_000)]] | None, Field(max_length=500)] = None
    allowed_product_codes: Annotated[list[ProductRow] | None, Field(max_length=1_000)] = None
    uses_on_self_invoice_portal: list[Annotated[str, Listed(_FORMER_USES)]] | None = None
    allow_notes_on_self_invoice: Flag | None = None
    allow_product_code_on_self_invoice: Flag | None = None
    customer_portal_id: Annotated[
        str | None, Text(max=128, pattern=r"[a-z0-9-]{1,128}", explain="must be 1 to 128 of a-z 0-9 -")
    ] = None
    global_invoice_disabled: Flag | None = None
    periodicity: Annotated[str | None, Choice("day", "week", "two_weeks", "month", "two_months")] = None
    global_invoicing_monthly_cuts: Annotated[int | None, Whole(min=2, max=5)] = None
    invoice_per_receipt: Flag | None = None
    eom_ppd_threshold_days: Annotated[int | None, Whole(max=31)] = None
    use_foreign_public_in_usd: Flag | None = None
    enforce_client_country_taxes: Flag | None = None
    avoid_automations_on_currencies: list[Annotated[str, Listed(tuple(CURRENCIES))]] | None = None
    automate_complement_for_ppd_invoices: Flag | None = None
    automate_partial_payment_complements: Flag | None = None
    avoid_receipts: Flag | None = None
    cancel_receipts_on_refunds: Flag | None = None
    keep_full_legal_name: Flag | None = None
    avoid_legal_name_replacer: Flag | None = None
    force_series: Annotated[str | None, SeriesName] = None
    default_series: DefaultSeriesBody | None = None
    pdf_language: Annotated[str | None, Choice("es", "en")] = None
    send_invoice_english_pdf: Flag | None = None
    custom_payment_description: Annotated[str | None, Text(max=500, multiline=True)] = None
    limit_days_to_pay: Annotated[int | None, Whole(max=3_650)] = None
    payment_reminders: RemindersBody | None = None
    refunds: RefundsBody | None = None
    reinvoice: ReinvoiceBody | None = None
    emails: EmailsBody | None = None
    email_templates: TemplatesBody | None = None

    @field_validator("addenda")
    @classmethod
    def _is_xml(cls, value: str | None) -> str | None:
        return value if value is None else _addenda(value)

    @model_validator(mode="after")
    def _one_switch(self) -> "UpdateSettings":
        both = {"keep_full_legal_name", "avoid_legal_name_replacer"} <= self.model_fields_set
        if both and self.keep_full_legal_name != self.avoid_legal_name_replacer:
            raise refuse("conflict", "must equal keep_full_legal_name", path="avoid_legal_name_replacer")
        return self

    @model_validator(mode="after")
    def _no_tax_twice(self) -> "UpdateSettings":
        for name in ("taxes", "taxes_usd", "withholding_taxes"):
            position = repeated(getattr(self, name) or [])
            if position is not None:
                raise refuse("duplicate", "is in the list already", path=f"{name}[{position}]")
        return self

    def changes(self) -> dict[str, Any]:
        """What was sent, in stored form; of groups only the leaves that were sent."""
        sent = _sent(self)
        if "avoid_legal_name_replacer" in sent:
            sent["keep_full_legal_name"] = sent.pop("avoid_legal_name_replacer")
        return sent


assert set(EmailsBody.model_fields) >= {f"{kind}_subject" for kind in MAIL_KINDS}
