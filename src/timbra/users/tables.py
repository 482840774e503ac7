"""Tables of one-time tokens (links that set a password or sign a user in) and of sessions. Only digests are kept."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, String, Table

from timbra.platform.db import Instant, metadata

user_tokens = Table(
    "user_tokens",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("purpose", String(10), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("expires_ms", Instant, nullable=False),
    CheckConstraint("purpose in ('password', 'login')", name="purpose"),
    Index(None, "user_id"),
    Index(None, "expires_ms"),
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("used_ms", Instant, nullable=False),
    Column("expires_ms", Instant, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_ms"),
)
