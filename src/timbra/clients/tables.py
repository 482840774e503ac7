"""Clients and the links to their portal.

``name_key`` and ``email_key`` are what searches compare, ``sort_name`` what lists order by. Of a link only the digest of its
token is kept.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, String, Table, Text

from timbra.platform.db import Instant, JsonText, metadata
from timbra.platform.folding import SORT_LENGTH, folded_type

clients = Table(
    "clients",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("name", String(200)),
    Column("company", String(200)),
    Column("email", String(254)),
    Column("phone", String(40)),
    Column("bcc", JsonText, nullable=False),
    Column("legal_name", String(300)),
    Column("tax_id", String(40)),
    Column("tax_system", String(3)),
    Column("use", String(4)),
    Column("address", JsonText, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("defaults", JsonText, nullable=False),
    Column("colombian", JsonText, nullable=False),
    Column("status", String(12), nullable=False),
    Column("status_message", Text, nullable=False),
    Column("sat_status", JsonText),
    Column("name_key", String(300), nullable=False),
    Column("email_key", String(254)),
    Column("sort_name", folded_type(SORT_LENGTH), nullable=False),
    CheckConstraint("status in ('valid', 'invalid', 'unverified')", name="status"),
    Index(None, "team_id", "livemode", "deleted", "created_ms", "id"),
    Index(None, "team_id", "livemode", "deleted", "sort_name", "id"),
    # Each match index also gives the order: without statistics SQLite would else walk the team's clients by age.
    Index("ix_clients_tax_id", "team_id", "livemode", "deleted", "tax_id", "created_ms", "id"),
    Index("ix_clients_email_key", "team_id", "livemode", "deleted", "email_key", "created_ms", "id"),
    Index("ix_clients_name_key", "team_id", "livemode", "deleted", "name_key", "created_ms", "id"),
)

client_portal_links = Table(
    "client_portal_links",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("client_id", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("expires_ms", Instant, nullable=False),
    Index(None, "token_sha256", unique=True),  # a visitor brings the token and nothing else
    Index(None, "team_id", "client_id"),
    Index(None, "expires_ms"),
)
