"""The index of words, and a mark on every client and document that is there already: they are indexed at the next start."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2056"
down_revision = "20261122_2052"
branch_labels = None
depends_on = None

TABLES = ("search_marks", "search_shelves", "search_documents", "search_postings", "search_words")


def upgrade() -> None:
    """The index has its tables."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    bytewise = sa.String(length=200, collation="C") if is_postgresql else sa.String(length=200)
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
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("building", sa.Integer(), nullable=True),
        sa.Column("building_number", sa.Integer(), nullable=False),
        sa.Column("built_id", sa.String(length=40), nullable=False),
        sa.Column("built", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "livemode", "kind", name=op.f("pk_search_shelves")),
    )
    op.create_table(
        "search_documents",
        *_owner(),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.String(length=40), nullable=False),
        sa.Column("minus_created_ms", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "livemode", "kind", "edition", "number", name=op.f("pk_search_documents")),
        sqlite_with_rowid=False,
    )
    edition = ["team_id", "livemode", "kind", "edition"]
    op.create_index("uq_search_documents_object", "search_documents", [*edition, "object_id"], unique=True)
    op.create_index("ix_search_documents_age", "search_documents", [*edition, "minus_created_ms", "object_id"])
    op.create_table(
        "search_postings",
        *_owner(),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("term", bytewise, nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*edition, "term", "block", name=op.f("pk_search_postings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_words",
        *_owner(),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("word", bytewise_word, nullable=False),
        sa.PrimaryKeyConstraint(*edition, "length", "word", name=op.f("pk_search_words")),
        sqlite_with_rowid=False,
    )
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
    for table in reversed(TABLES):
        op.drop_table(table)
