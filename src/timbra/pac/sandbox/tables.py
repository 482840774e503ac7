"""What the sandbox PAC remembers: the documents it stamped, and since when it loses or delays one."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from timbra.platform.db import Instant, metadata
from timbra.platform.sealed import Sealed

sandbox_stamps = Table(
    "sandbox_stamps",
    metadata,
    Column("pac", String(40), primary_key=True),
    Column("sha256", LargeBinary(32), primary_key=True),  # of the sealed bytes
    Column("reference", String(60), nullable=False),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("issuer_rfc", String(13), nullable=False),
    Column("stamped_ms", Instant, nullable=False),
    Column("visible_ms", Instant, nullable=False),  # a look-up before this instant stays unanswered
    Column("timbre", LargeBinary, nullable=False),
    Column("cancel_hint", String(60)),
    Column("cancel_requested_ms", Instant),
    Index(None, "reference"),
)

sandbox_losses = Table(
    "sandbox_losses",
    metadata,
    Column("reference", String(60), primary_key=True),
    Column("hint", String(60), primary_key=True),
    Column("first_ms", Instant, nullable=False),
)

sandbox_keys = Table(
    "sandbox_keys",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_key", Sealed, nullable=False),
)
