"""The index of words, and a mark on every client and document that is there already: they are indexed at the next start."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2056"
down_revision = "20261122_2052"
branch_labels = None
depends_on = None

TABLES = ("search_marks", "search_shelves", "search_documents", "search_words")
# No policy of teams here: beneath one the planner does not use the GIN index (see docs/decisions/0023-word-index.md).
POSTGRESQL = (
    "CREATE TABLE search_index (number bigint PRIMARY KEY, tokens tsvector NOT NULL)",
    "CREATE INDEX ix_search_index_tokens ON search_index USING gin (tokens) WITH (gin_pending_list_limit = 256)",
)
# Tokens begin with 8 characters of edition and field: beginnings of 2 to 10, 12 and 14 letters are lists of their own.
SQLITE = (
    "CREATE VIRTUAL TABLE search_index USING fts5(tokens, content='', detail=none, prefix='10 11 12 13 14 15 16 17 18 20 22', tokenize='ascii')",
)


def upgrade() -> None:
    """The index has its tables."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    bytewise_word = sa.String(length=60, collation="C") if is_postgresql else sa.String(length=60)
    op.create_table(
        "search_marks",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_search_marks")),
    )
    op.create_table(
        "search_shelves",
        *_owner(),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("building", sa.Integer(), nullable=True),
        sa.Column("former", sa.Integer(), nullable=True),
        sa.Column("built_id", sa.String(length=40), nullable=False),
        sa.Column("built", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "livemode", "kind", name=op.f("pk_search_shelves")),
    )
    op.create_table(
        "search_editions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_editions")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "search_documents",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "number", name=op.f("pk_search_documents")),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_search_documents_object", "search_documents", ["team_id", "edition", "object_id"], unique=True)
    op.create_table(
        "search_words",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("word", bytewise_word, nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "edition", "length", "word", "field", name=op.f("pk_search_words")),
        sqlite_with_rowid=False,
    )
    for statement in POSTGRESQL if is_postgresql else SQLITE:
        op.execute(statement)
    if is_postgresql:
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY team ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(
        "INSERT INTO search_marks (team_id, id, livemode, kind, object_id) "
        "SELECT team_id, id, livemode, 'client', id FROM clients"
    )
    op.execute(
        "INSERT INTO search_marks (team_id, id, livemode, kind, object_id) "
        "SELECT team_id, id, livemode, 'invoice', id FROM invoices"
    )


def _owner() -> list[sa.Column[object]]:
    return [
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
    ]


def downgrade() -> None:
    """The index is gone; it can be made again."""
    for table in ("search_index", "search_editions", *reversed(TABLES)):
        op.drop_table(table)
