"""The table of idempotency records; private to ``timbra.http.store`` and the migrations."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table

from timbra.platform.db import Instant, JsonText, metadata
from timbra.platform.sealed import Sealed

idempotency_records = Table(
    "idempotency_records",
    metadata,
    Column("team_id", String(64), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("path", String(512), nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("lease_until_ms", Instant, nullable=False),
    Column("resource_id", String(160)),
    Column("status", Integer),  # null while the first request runs
    Column("body", JsonText),
    Column("sealed_body", Sealed),  # the body with its secrets, encrypted, until sealed_until_ms
    Column("sealed_until_ms", Instant),
    Column("created_at_ms", Instant, nullable=False),
    PrimaryKeyConstraint("team_id", "livemode", "path", "key"),
    Index(None, "created_at_ms"),
)
