"""Tables of CSDs, signed manifests and accounts at PACs.

A replaced CSD stays, unused; the current one of a slot has no ``replaced_ms``.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Text, text

from timbra.platform.db import Instant, metadata
from timbra.platform.sealed import Sealed

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
    Column("sealed_key", Sealed, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("replaced_ms", Instant),
    CheckConstraint("environment in ('sandbox', 'test', 'production')", name="environment"),
    Index(None, "team_id", "livemode", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)

# Each warning before the end of a CSD is given once.
csd_warnings = Table(
    "csd_warnings",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("csd_id", String(40), primary_key=True),
    Column("days", Integer, primary_key=True),
    Column("warned_ms", Instant, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("rfc", String(13), nullable=False),
    Column("certificate_number", String(20), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("text", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),  # RSA PKCS#1 v1.5 with SHA-256 over the UTF-8 text
    Column("pdf", LargeBinary, nullable=False),
    Column("signed_by", String(40), nullable=False),
    Column("signed_ms", Instant, nullable=False),
    Index(None, "team_id", "livemode", "signed_ms"),
)

# A team's accounts at stamping providers, asked in the order of their positions.
pac_connections = Table(
    "pac_connections",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sealed_credentials", Sealed, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    Column("tested_ms", Instant),  # stamped and cancelled a document with these very credentials
)
