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
    is_listed: bool
    uuid: str | None
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
    paid: int
    installments: int
    credited: int
    credit_outstanding: int
    last_balance: int
    owner: str | None
    origin: str
    idempotency_key: str | None
    unique_key: str | None
    fingerprint: str
    metadata: str  # JSON
    document: str  # JSON
    stamp: str | None  # JSON
    sello: str | None
    cancellation: str | None  # JSON
    cancellation_status: str | None
    has_acuse: bool
    sat_status: str | None  # JSON
    sat_checked_ms: int | None
    error: str | None  # JSON
    generation: int
    stamp_before_ms: int
    held_by: str | None
    lease_owner: str | None
    lease_until_ms: int | None
    next_try_ms: int | None
    tries: int
    was_answered_503: bool
    cancel_check_ms: int | None

    @property
    def scope(self) -> TeamScope:
        """Whose document it is."""
        return TeamScope(self.team_id, self.livemode)

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
