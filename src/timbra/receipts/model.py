"""A receipt as the rest of the room knows it (contract receipts.md section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from timbra.cfdi.money import to_decimal
from timbra.platform.scope import TeamScope


class Status(StrEnum):
    """States; moves: contract receipts.md section 3."""

    PENDING = "pending"
    EXPIRED = "expired"
    COMPLETED = "completed"
    CANCELED = "canceled"


class InvoicedAs(StrEnum):
    """What kind of CFDI a completed receipt has."""

    CLIENT = "client"
    PUBLIC = "general_public"
    GLOBAL = "global"
    PER_RECEIPT = "per_receipt"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One row of ``receipts``. Amounts in micro, instants in ms."""

    team_id: str
    id: str
    livemode: bool
    status: str
    created_ms: int
    updated_ms: int
    owner: str
    origin: str
    client_id: str
    client: Mapping[str, Any]
    currency: str
    exchange_rate: int
    subtotal: int
    discount: int
    taxes: int
    withholding_taxes: int
    total: int
    items: Sequence[Mapping[str, Any]]
    payment_form: str
    periodicity: str
    period_end: str
    period_code: str
    period_months: str
    period_year: int
    valid_until_ms: int
    fingerprint: str
    total_refunded: int = 0
    payments: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    invoice_id: str | None = None
    invoiced_ms: int | None = None
    invoiced_as: str | None = None
    invoice_config: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    error_ms: int | None = None
    reinvoice: Mapping[str, Any] | None = None
    stamping_id: str | None = None
    stamping: Mapping[str, Any] | None = None
    idempotency_key: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    emails: tuple[str, ...] = ()

    @property
    def scope(self) -> TeamScope:
        """Whose receipt it is."""
        return TeamScope(self.team_id, self.livemode)

    @property
    def open_total(self) -> int:
        """What a CFDI of it is for: the sale less what was given back."""
        return self.total - self.total_refunded

    def expired(self, at_ms: int) -> "Receipt":
        """This receipt when its window is closed."""
        return replace(self, status=Status.EXPIRED.value, updated_ms=at_ms)

    @property
    def is_held(self) -> bool:
        """Whether a document of it is on its way: nobody else may decide on it now."""
        return self.stamping_id is not None

    def to_wire(self, *, url: str, short_url: str, files: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """The object of the API. url, short_url: of its self-invoice page; files: links, none in lists."""
        return {
            "id": self.id,
            "client": dict(self.client),
            "status": self.status,
            "currency": self.currency,
            "exchange_rate": to_decimal(self.exchange_rate),
            "subtotal": to_decimal(self.subtotal),
            "discount": to_decimal(self.discount),
            "taxes": to_decimal(self.taxes),
            "withholding_taxes": to_decimal(self.withholding_taxes),
            "total": to_decimal(self.total),
            "total_refunded": to_decimal(self.total_refunded),
            "payment_form": self.payment_form,
            "periodicity": self.periodicity,
            "items": list(self.items),
            "created_at": self.created_ms // 1000,
            "created": self.created_ms // 1000,
            "valid_until": self.valid_until_ms // 1000,
            "validUntil": self.valid_until_ms // 1000,
            "url": url,
            "short_url": short_url,
            "payments": list(self.payments),
            "invoices": list(self.invoices),
            "invoice_id": self.invoice_id,
            "invoiced_at": self.invoiced_ms // 1000 if self.invoiced_ms is not None else None,
            "invoiced_as": self.invoiced_as,
            "invoice_config": self.invoice_config,
            "automatic_invoice_error": self.error,
            "reinvoice": self.reinvoice,
            "files": files or {"pdf": None, "xml": None},
            "idempotency_key": self.idempotency_key,
            "metadata": dict(self.metadata),
            "emails": list(self.emails),
            "livemode": self.livemode,
            "team": self.team_id,
            "owner": self.owner,
            "from": self.origin,
        }
