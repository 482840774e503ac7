"""Bodies of receipt calls (contract receipts.md)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from timbra.catalogs.address import MEXICO
from timbra.catalogs.fields import Printed, TaxId, regime_code, use_code
from timbra.cfdi import codes
from timbra.cfdi.codes_currencies import currency_for_trade
from timbra.cfdi.text import FOREIGN_RFC
from timbra.clients.reference import ClientReference
from timbra.http.body import Command
from timbra.http.fields import Amount, Choice, Code, Email, Flag, Instant, Metadata, Text, Whole, refuse
from timbra.invoices.schemas import MAX_LINES, SERIES_FORM
from timbra.receipts.period import WORDS
from timbra.services.lines import LineBody

CENTRAL = "America/Mexico_City"
TO_CLIENT, TO_PUBLIC, TO_FOREIGNERS = "client", "general_public_national", "general_public_foreign"
RECEIVERS = (TO_CLIENT, TO_PUBLIC, TO_FOREIGNERS)


class InvoiceConfig(Command):
    """Series and number of the later CFDI; number 0: the next one."""

    serie: Annotated[str | None, Text(max=25, pattern=SERIES_FORM, explain="must be 1 to 25 of A-Z a-z 0-9 _ -")] = None
    folio: Annotated[int, Whole(min=0, max=999_999_999)] = 0


class CreateReceipt(Command):
    """``POST /receipts``."""

    client: ClientReference
    items: Annotated[list[LineBody], Field(min_length=1, max_length=MAX_LINES)]
    currency: Annotated[str, Code(max=3, pattern="[A-Z]{3}", explain="must be an ISO 4217 code")] = "MXN"
    exchange_rate: Annotated[Decimal | None, Amount(above=0, decimals=6)] = None
    periodicity: Annotated[str | None, Choice(*WORDS)] = None
    valid_until: Annotated[int | None, Instant(zone=CENTRAL)] = None
    payment_form: Annotated[str, Code(max=2, pad=2)] = "01"
    invoice_config: InvoiceConfig | None = None
    send_email: Flag = False
    emails: Annotated[list[Annotated[str, Email()]], Field(max_length=20, default_factory=list)]
    ignore_emails: Flag = False
    idempotency_key: Annotated[
        str | None, Text(max=255, pattern=r"[\x20-\x7e]+", explain="must be printable ASCII")
    ] = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not currency_for_trade(value):
            raise refuse("not_in_catalog", "is not a currency of SAT", "MXN")
        return value

    @field_validator("payment_form")
    @classmethod
    def _known_form(cls, value: str) -> str:
        if value not in codes.PAYMENT_FORMS:
            raise refuse("not_in_catalog", "is not a payment form of SAT")
        if value == "99":
            raise refuse("not_allowed", "a receipt is collected: 99 is not a form it can have", "01")
        return value

    @model_validator(mode="after")
    def _rate_of_foreign_currency(self) -> "CreateReceipt":
        if self.currency != "MXN" and self.exchange_rate is None:
            raise refuse("required", "is required when currency is not MXN", path="exchange_rate")
        return self


class ReopenBody(Command):
    """``POST /receipts/{id}/reopen``."""

    reason: Annotated[str | None, Text(max=500, multiline=True)] = None


class FiscalInformation(Command):
    """The buyer as the CFDI shall name it."""

    legal_name: Annotated[str, Printed(max=300)]
    tax_id: Annotated[str, TaxId(strict=True)]
    tax_system: Annotated[str, regime_code()]
    zip: Annotated[str, Code(max=5, pad=5, pattern=r"[0-9]{5}", explain="must have exactly 5 digits")]
    use: Annotated[str | None, use_code()] = None
    email: Annotated[str | None, Email()] = None

    def changes(self) -> dict[str, Any]:
        """The same as changes of a client; what was not given stays as the client has it."""
        given = {name: getattr(self, name) for name in ("use", "email") if getattr(self, name) is not None}
        named = {name: getattr(self, name) for name in ("legal_name", "tax_id", "tax_system")}
        country = {} if self.tax_id == FOREIGN_RFC else {"country": MEXICO}
        return {**named, **given, "address": {"zip": self.zip, **country}}


class StampBody(Command):
    """``POST /receipts/{id}/stamp``."""

    stamp_to: Annotated[str, Choice(*RECEIVERS)] = TO_CLIENT
    fiscal_information: FiscalInformation | None = None
    date: Annotated[int | None, Instant(zone=CENTRAL)] = None
    use: Annotated[str | None, use_code()] = None
    send_email: Flag = False
    emails: Annotated[list[Annotated[str, Email()]], Field(max_length=20, default_factory=list)]
    is_async: Annotated[bool, Field(validation_alias="async", strict=True)] = False
    reissue_now: Flag = False
