"""What the rest of the room knows of a stored invoice."""

from dataclasses import dataclass
from enum import StrEnum

from timbra.platform.scope import TeamScope


class Status(StrEnum):
    """States of a document; legal moves: pending → valid → canceled, pending → failed."""

    PENDING = "pending"
    VALID = "valid"
    CANCELED = "canceled"
    FAILED = "failed"


class FileKind(StrEnum):
    """Frozen bytes kept of a document."""

    SEALED = "sealed"
    STAMPED = "stamped"
    ACUSE = "acuse"


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """One row of ``invoices``. Amounts in micro, instants in ms; the texts named below are ready JSON."""

    team_id: str
    id: str
    livemode: bool
    kind: str
    status: str
    series: str
    folio: int
    issued_ms: int
    created_ms: int
    updated_ms: int
    currency: str
    exchange_rate: int
    subtotal: int
    discount: int
    taxes: int
    withholding_taxes: int
    total: int
    rounding_difference: int
    payment_method: str | None
    payment_form: str | None
    use: str | None
    client_id: str
    client_name: str
    client_sort: str
    issuer_rfc: str
    issuer_zip: str
    certificate_number: str
    receiver_rfc: str
    client_email: str | None
    last_balance: int
    owner: str | None
    origin: str
    idempotency_key: str | None
    unique_key: str | None
    fingerprint: str
    metadata: str  # JSON
    document: str  # JSON
    sello: str | None
    stamp_before_ms: int
    is_listed: bool = True
    uuid: str | None = None
    paid: int = 0
    installments: int = 0
    credited: int = 0
    credit_outstanding: int = 0
    stamp: str | None = None  # JSON
    cancellation: str | None = None  # JSON
    cancellation_status: str | None = None
    has_acuse: bool = False
    sat_status: str | None = None  # JSON
    sat_checked_ms: int | None = None
    error: str | None = None  # JSON
    generation: int = 1
    held_by: str | None = None
    lease_owner: str | None = None
    lease_until_ms: int | None = None
    next_try_ms: int | None = None
    tries: int = 0
    was_answered_503: bool = False
    cancel_check_ms: int | None = None

    @property
    def scope(self) -> TeamScope:
        """Whose document it is."""
        return TeamScope(self.team_id, self.livemode)

    @property
    def printed_total(self) -> int:
        """Total of the CFDI itself: 0 on a payment complement, whose row holds the money that was paid."""
        return 0 if self.kind == "P" else self.total

    @property
    def public_id(self) -> str:
        """The uuid once stamped, the ``inv_`` id before."""
        return self.uuid or self.id


@dataclass(frozen=True, slots=True)
class RelationRow:
    """One document that an invoice relates to."""

    relationship: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Credit:
    """The share of an egress that one invoice is credited with, in micro."""

    invoice_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One request to cancel."""

    team_id: str
    invoice_id: str
    number: int
    status: str
    motive: str | None
    substitution_uuid: str | None
    pac: str | None
    code: str | None
    message: str | None
    requested_by: str | None
    requested_ms: int
    checked_ms: int | None
    canceled_ms: int | None
    expires_ms: int | None
    tries: int
