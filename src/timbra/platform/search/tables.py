"""The index of words. All of it can be made again from the objects (``rebuild``).

Beside these tables lies ``search_index`` (number, tokens), which the engines' own full-text search keeps: an FTS5 table on
SQLite, a tsvector under GIN on PostgreSQL. It is made by the migration and known to ``store_index`` only.
"""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from timbra.platform.db import Instant, RowNumber, metadata
from timbra.platform.folding import folded_type

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

# Numbers of editions, which no two teams share: tokens of the index begin with them.
search_editions = Table(
    "search_editions", metadata, Column("number", RowNumber, primary_key=True), sqlite_autoincrement=True
)

# One index for each team, mode and kind: ``edition`` is what is searched, ``building`` the one that will replace it,
# ``former`` the replaced one while it has rows left.
search_shelves = Table(
    "search_shelves",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("edition", Integer, nullable=False),
    Column("building", Integer),
    Column("former", Integer),
    Column("built_id", String(40), nullable=False),
    Column("built", Integer, nullable=False),
)

# ``number`` begins with the time of the object (``store.time_of``) and is that of the row in ``search_index``.
search_documents = Table(
    "search_documents",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("number", Instant, primary_key=True),
    Column("edition", Integer, nullable=False),
    Column("object_id", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Index("uq_search_documents_object", "team_id", "edition", "object_id", unique=True),
    sqlite_with_rowid=False,
)

# Words that are found in spite of typos, and the fields that have them. One that no object has any more stays until the
# next rebuild, and finds nothing.
search_words = Table(
    "search_words",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("length", Integer, primary_key=True),
    Column("word", folded_type(WORD_LENGTH), primary_key=True),
    Column("field", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
