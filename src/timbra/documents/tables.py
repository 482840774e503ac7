"""The table of support documents; their bytes are in the storage, under ``file_key``."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, String, Table, Text

from timbra.platform.db import Instant, metadata

support_documents = Table(
    "support_documents",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("parent_kind", String(10), nullable=False),
    Column("parent_id", String(40), nullable=False),  # as its own room keys it; an invoice's never changes
    Column("document_type", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("file_name", String(200), nullable=False),
    Column("file_size", Integer, nullable=False),
    Column("mime_type", String(20), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_by", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    CheckConstraint("parent_kind in ('client', 'invoice', 'payment')", name="parent_kind"),
    Index("ix_support_documents_parent", "team_id", "livemode", "parent_kind", "parent_id", "created_ms", "id"),
    Index(None, "id", unique=True),
)
