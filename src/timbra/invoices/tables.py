"""Tables of invoices: the document, its frozen bytes, its relations, credits, stamping attempts and cancellations."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from timbra.platform.db import Instant, JsonText, MicroInt, metadata

invoices = Table(
    "invoices",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("kind", String(1), nullable=False),
    Column("status", String(10), nullable=False),
    Column("is_listed", Boolean, nullable=False),  # false on failed documents, which lists leave out
    Column("uuid", String(36)),
    Column("series", String(25), nullable=False),
    Column("folio", Integer, nullable=False),  # 0 on failed
    Column("issued_ms", Instant, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("exchange_rate", MicroInt, nullable=False),
    Column("subtotal", MicroInt, nullable=False),
    Column("discount", MicroInt, nullable=False),
    Column("taxes", MicroInt, nullable=False),
    Column("withholding_taxes", MicroInt, nullable=False),
    Column("total", MicroInt, nullable=False),
    Column("rounding_difference", MicroInt, nullable=False),
    Column("payment_method", String(3)),
    Column("payment_form", String(2)),
    Column("use", String(4)),
    Column("client_id", String(40), nullable=False),
    Column("client_name", String(300), nullable=False),
    Column("client_sort", String(300), nullable=False),  # folded, for order_by=name
    Column("issuer_rfc", String(13), nullable=False),
    Column("issuer_zip", String(5), nullable=False),
    Column("certificate_number", String(20), nullable=False),
    Column("receiver_rfc", String(13), nullable=False),  # as printed
    Column("client_email", String(254)),  # lower case
    Column("paid", MicroInt, nullable=False),  # covered by live complements
    Column("installments", Integer, nullable=False),
    Column("credited", MicroInt, nullable=False),  # by live egresses related 01 or 03
    Column("credit_outstanding", MicroInt, nullable=False),  # by egresses whose stamp is outstanding
    Column("last_balance", MicroInt, nullable=False),
    Column("owner", String(40)),
    Column("origin", String(20), nullable=False),
    Column("idempotency_key", String(255)),
    Column("unique_key", String(255)),  # the same while the document lives; freed by a refusal
    Column("fingerprint", String(64), nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("document", JsonText, nullable=False),  # the members that never change, as they are emitted
    Column("stamp", JsonText),
    Column("sello", String(8)),  # last 8 characters, for the verification URL
    Column("cancellation", JsonText),
    Column("cancellation_status", String(20)),
    Column("has_acuse", Boolean, nullable=False),
    Column("sat_status", JsonText),  # what SAT's status service said last
    Column("sat_checked_ms", Instant),
    Column("error", JsonText),
    # Stamping, while pending
    Column("generation", Integer, nullable=False),
    Column("stamp_before_ms", Instant, nullable=False),
    Column("held_by", String(40)),  # the PAC that may have stamped it: no other may be called
    Column("lease_owner", String(40)),
    Column("lease_until_ms", Instant),
    Column("next_try_ms", Instant),
    Column("tries", Integer, nullable=False),
    Column("was_answered_503", Boolean, nullable=False),
    # Cancelling, while asked and not final
    Column("cancel_check_ms", Instant),
    CheckConstraint("status in ('pending', 'valid', 'canceled', 'failed')", name="status"),
    CheckConstraint("kind in ('I', 'E', 'P', 'T')", name="kind"),
    CheckConstraint("paid >= 0 and paid <= total", name="paid"),
    CheckConstraint("credited >= 0 and credit_outstanding >= 0", name="credited"),
    CheckConstraint("credited + credit_outstanding <= total", name="credits"),
    CheckConstraint("(status in ('valid', 'canceled')) = (uuid is not null)", name="uuid"),
    Index("ix_invoices_id", "id"),  # signed file links name nothing else
    Index("uq_invoices_uuid", "team_id", "livemode", "uuid", unique=True),
    Index("uq_invoices_unique_key", "team_id", "livemode", "unique_key", unique=True),
    Index(
        "uq_invoices_folio",
        "team_id",
        "livemode",
        "series",
        "folio",
        unique=True,
        sqlite_where=text("folio > 0"),
        postgresql_where=text("folio > 0"),
    ),
    Index("ix_invoices_list", "team_id", "livemode", "kind", "is_listed", "created_ms", "id"),
    Index("ix_invoices_name", "team_id", "livemode", "kind", "is_listed", "client_sort", "id"),
    Index("ix_invoices_client", "team_id", "livemode", "client_id", "created_ms"),
    Index(
        "ix_invoices_due",
        "next_try_ms",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
    Index(
        "ix_invoices_twin",
        "team_id",
        "livemode",
        "fingerprint",
        sqlite_where=text("status = 'pending' and was_answered_503"),
        postgresql_where=text("status = 'pending' and was_answered_503"),
    ),
    Index(
        "ix_invoices_cancel_due",
        "cancel_check_ms",
        sqlite_where=text("cancel_check_ms is not null"),
        postgresql_where=text("cancel_check_ms is not null"),
    ),
)

# Written once, never changed: triggers refuse UPDATE and DELETE. kind: sealed, stamped, acuse.
invoice_files = Table(
    "invoice_files",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("invoice_id", String(40), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
)

invoice_relations = Table(
    "invoice_relations",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("invoice_id", String(40), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("relationship", String(2), nullable=False),
    Column("uuid", String(36), nullable=False),  # of the document related to, ours or not
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
    Index("ix_invoice_relations_uuid", "team_id", "livemode", "uuid"),
)

# How much of an egress each related invoice is credited with. state: outstanding, live, undone.
invoice_credits = Table(
    "invoice_credits",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("egress_id", String(40), primary_key=True),
    Column("invoice_id", String(40), primary_key=True),
    Column("amount", MicroInt, nullable=False),
    Column("state", String(12), nullable=False),
    ForeignKeyConstraint(["team_id", "egress_id"], ["invoices.team_id", "invoices.id"]),
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
)

stamp_attempts = Table(
    "stamp_attempts",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("invoice_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("pac", String(40), nullable=False),
    Column("call", String(10), nullable=False),  # stamp, find, cancel, alarm
    Column("outcome", String(12), nullable=False),
    Column("detail", Text),
    Column("at_ms", Instant, nullable=False),
    Column("dialogue", JsonText),  # what was said, redacted; none with the sandbox
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
)

invoice_cancellations = Table(
    "invoice_cancellations",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("invoice_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("motive", String(2)),  # unknown when SAT reports a cancellation that nobody asked for here
    Column("substitution_uuid", String(36)),
    Column("pac", String(40)),
    Column("code", String(20)),
    Column("message", Text),
    Column("requested_by", String(40)),
    Column("requested_ms", Instant, nullable=False),
    Column("checked_ms", Instant),
    Column("canceled_ms", Instant),
    Column("expires_ms", Instant),
    Column("tries", Integer, nullable=False),
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
)

# How many documents of a kind are in a state: exact totals of unfiltered lists without counting a million rows.
invoice_counts = Table(
    "invoice_counts",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(1), primary_key=True),
    Column("status", String(10), primary_key=True),
    Column("documents", Integer, nullable=False),
    CheckConstraint("documents >= 0", name="documents"),
)
