"""Receipts: sales that are collected and have no CFDI yet.

``period_*`` name the period whose global invoice takes the receipt; ``stamping_id`` is the document whose outcome decides on
the receipt.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, String, Table

from timbra.platform.db import Instant, JsonText, MicroInt, metadata
from timbra.platform.folding import SORT_LENGTH, folded_type

receipts = Table(
    "receipts",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("status", String(10), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("client_id", String(40), nullable=False),
    Column("client", JsonText, nullable=False),
    Column("client_sort", folded_type(SORT_LENGTH), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("exchange_rate", MicroInt, nullable=False),
    Column("subtotal", MicroInt, nullable=False),
    Column("discount", MicroInt, nullable=False),
    Column("taxes", MicroInt, nullable=False),
    Column("withholding_taxes", MicroInt, nullable=False),
    Column("total", MicroInt, nullable=False),
    Column("total_refunded", MicroInt, nullable=False),
    Column("items", JsonText, nullable=False),
    Column("payment_form", String(2), nullable=False),
    Column("periodicity", String(10), nullable=False),
    Column("period_end", String(10), nullable=False),
    Column("period_code", String(2), nullable=False),
    Column("period_months", String(2), nullable=False),
    Column("period_year", Integer, nullable=False),
    Column("valid_until_ms", Instant, nullable=False),
    Column("code_sha256", LargeBinary(32), nullable=False),
    Column("payments", JsonText, nullable=False),
    Column("invoices", JsonText, nullable=False),
    Column("invoice_id", String(40)),
    Column("invoiced_ms", Instant),
    Column("invoiced_as", String(20)),
    Column("invoice_config", JsonText),
    Column("error", JsonText),
    Column("error_ms", Instant),
    Column("reinvoice", JsonText),
    Column("stamping_id", String(40)),
    Column("stamping", JsonText),
    Column("idempotency_key", String(255)),
    Column("fingerprint", String(64), nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("emails", JsonText, nullable=False),
    CheckConstraint("status in ('pending', 'expired', 'completed', 'canceled')", name="status"),
    CheckConstraint("total_refunded >= 0 and total_refunded <= total", name="refunded"),
    Index("ix_receipts_created", "team_id", "livemode", "created_ms", "id"),
    Index("ix_receipts_name", "team_id", "livemode", "client_sort", "id"),
    Index("ix_receipts_state", "team_id", "livemode", "status", "created_ms", "id"),
    Index("ix_receipts_client", "team_id", "livemode", "client_id", "created_ms", "id"),
    Index("ix_receipts_invoice", "team_id", "livemode", "invoice_id"),
    Index("ix_receipts_stamping", "team_id", "stamping_id"),
    Index("ix_receipts_key", "team_id", "livemode", "idempotency_key", unique=True),
    Index("ix_receipts_code", "code_sha256", unique=True),  # a visitor brings the code and nothing else
    Index("ix_receipts_until", "status", "valid_until_ms"),  # what expires, over all teams
)
