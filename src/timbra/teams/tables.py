"""Tables of billing accounts, users, teams, keys and series."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from timbra.platform.db import Instant, JsonText, metadata

billing_accounts = Table(
    "billing_accounts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_ms", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("billing_account", String(40), ForeignKey("billing_accounts.id"), nullable=False),
    Column("email", String(254), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_ms", Instant, nullable=False),
)

teams = Table(
    "teams",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("billing_account", String(40), ForeignKey("billing_accounts.id"), nullable=False),
    Column("owner", String(40), ForeignKey("users.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("legal_name", String(300)),
    Column("tax_id", String(13)),
    Column("tax_system", String(3)),
    Column("address", JsonText, nullable=False),
    Column("brand", JsonText, nullable=False),
    Column("support_email", String(254)),
    Column("support_phone", String(40)),
    Column("metadata", JsonText, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("connect_enabled", Boolean, nullable=False),
    Column("account_type", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    CheckConstraint("status in ('active', 'pending_deletion')", name="status"),
    Index(None, "billing_account"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("key_id", String(40), nullable=False, unique=True),
    Column("livemode", Boolean, nullable=False),
    Column("name", String(64), nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("token_sha256", LargeBinary(32), nullable=False),
    Column("created_by", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("expires_ms", Instant),
    Column("revoked_ms", Instant),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(40), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("sealed_private_key", Text, nullable=False),
    Column("created_ms", Instant, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("series", String(25), primary_key=True),
    Column("live", Integer, nullable=False),
    Column("test", Integer, nullable=False),
    Column("created_ms", Instant, nullable=False),
    CheckConstraint("live >= 0 and test >= 0", name="counters"),
)

# Numbers at or below the counter that a refusal gave back: handed out again first, lowest first.
released_folios = Table(
    "released_folios",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("series", String(25), primary_key=True),
    Column("folio", Integer, primary_key=True),
)
