"""The lists and their entries: of the whole server, of no team.

An entry belongs to the loads from ``added_in`` on, and up to the one before ``removed_in``. A load writes beside what is
in force, and takes effect when ``version`` of its list moves on, in one transaction.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from timbra.platform.db import Instant, JsonText, RowNumber, metadata

sat_lists = Table(
    "sat_lists",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("version", Integer, nullable=False),  # of the load in force; 0: never loaded
    Column("entries", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("started_ms", Instant),
    Column("synced_ms", Instant),
    Column("source_date", String(10)),
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("error", Text),
    CheckConstraint("status in ('never', 'running', 'ok', 'unchanged', 'failed')", name="status"),
)

sat_list_entries = Table(
    "sat_list_entries",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("list", String(30), nullable=False),
    Column("rfc", String(13), nullable=False),
    Column("digest", BigInteger, nullable=False),  # of RFC and detail: equal rows of two loads are one entry
    Column("detail", JsonText, nullable=False),
    Column("added_in", Integer, nullable=False),
    Column("removed_in", Integer),
    Index(None, "rfc"),
    Index(None, "list", "added_in"),
    Index(None, "list", "removed_in"),
)
