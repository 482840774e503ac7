"""What the sandbox remembers: documents it stamped, since when it loses or delays one, and how teams have set it.

The sandbox plays an outside party: ``account`` is the customer who sent a document, which is the team.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

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
    Column("account", String(40)),
    Column("receiver_rfc", String(13)),
    Column("total", String(30)),  # as printed
    Column("sello", String(8)),  # the end of it, as SAT's status service wants it
    Column("cancel_requests", Integer, nullable=False, server_default="0"),
    Column("cancel_answer", String(20)),  # accepted, rejected, expired, pending; null: no acceptance was needed
    Column("cancel_answer_ms", Instant),  # from when the answer holds; null: never
    Index(None, "reference"),
    Index(None, "account", "stamped_ms", "uuid"),
)

# Subject: the name of a simulated PAC, or "receiver". No row: it behaves normally.
sandbox_controls = Table(
    "sandbox_controls",
    metadata,
    Column("account", String(40), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("behaviour", String(20), nullable=False),
    Column("code", String(40), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("calls", Integer),  # left; null: until somebody changes it
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
