"""The table of CSDs. A replaced CSD stays, unused; the current one of a slot has no ``replaced_ms``."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, String, Table, Text, text

from timbra.platform.db import Instant, metadata

_CURRENT = text("replaced_ms IS NULL")

csds = Table(
    "csds",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("number", String(20), nullable=False),
    Column("rfc", String(13), nullable=False),
    Column("name", Text, nullable=False),
    Column("environment", String(12), nullable=False),
    Column("not_before_ms", Instant, nullable=False),
    Column("not_after_ms", Instant, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("replaced_ms", Instant),
    CheckConstraint("environment in ('sandbox', 'test', 'production')", name="environment"),
    Index(None, "team_id", "livemode", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)
