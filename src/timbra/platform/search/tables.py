"""The index of words. All of it can be made again from the objects (``rebuild``)."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from timbra.platform.db import Instant, metadata
from timbra.platform.folding import folded_type

TERM_LENGTH = 200
WORD_LENGTH = 60

# Objects whose entry is out of date. Rows are only added and removed, so that nobody waits for anybody here.
search_marks = Table(
    "search_marks",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("object_id", String(40), nullable=False),
)

# One index for each team, mode and kind: ``edition`` is what is searched, ``building`` the one that will replace it.
search_shelves = Table(
    "search_shelves",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("edition", Integer, nullable=False),
    Column("next_number", Integer, nullable=False),
    Column("building", Integer),
    Column("building_number", Integer, nullable=False),
    Column("built_id", String(40), nullable=False),
    Column("built", Integer, nullable=False),
)

search_documents = Table(
    "search_documents",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("object_id", String(40), nullable=False),
    Column("minus_created_ms", Instant, nullable=False),  # so that one index gives newest first, then by id
    Column("words", Text, nullable=False),
    Index("uq_search_documents_object", "team_id", "livemode", "kind", "edition", "object_id", unique=True),
    Index("ix_search_documents_age", "team_id", "livemode", "kind", "edition", "minus_created_ms", "object_id"),
    sqlite_with_rowid=False,
)

search_postings = Table(
    "search_postings",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("term", folded_type(TERM_LENGTH), primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("documents", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Words that are found in spite of typos. One that no document has any more stays until the next rebuild, and finds nothing.
search_words = Table(
    "search_words",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("length", Integer, primary_key=True),
    Column("word", folded_type(WORD_LENGTH), primary_key=True),
    sqlite_with_rowid=False,
)
