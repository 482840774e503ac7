"""Support documents, and SAT's lists with their entries."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2052"
down_revision = "20261122_2044"
branch_labels = None
depends_on = None

DOCUMENTS = "support_documents"
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The schema has this step."""
    op.create_table(
        "sat_lists",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("synced_ms", sa.BigInteger(), nullable=True),
        sa.Column("source_date", sa.String(length=10), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status in ('never', 'running', 'ok', 'unchanged', 'failed')", name=op.f("ck_sat_lists_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sat_lists")),
    )
    op.create_table(
        "sat_list_entries",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("list", sa.String(length=30), nullable=False),
        sa.Column("rfc", sa.String(length=13), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("added_in", sa.Integer(), nullable=False),
        sa.Column("removed_in", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sat_list_entries")),
    )
    op.create_index(op.f("ix_sat_list_entries_rfc"), "sat_list_entries", ["rfc"])
    op.create_index(op.f("ix_sat_list_entries_list_added_in"), "sat_list_entries", ["list", "added_in"])
    op.create_index(op.f("ix_sat_list_entries_list_removed_in"), "sat_list_entries", ["list", "removed_in"])
    op.create_table(
        DOCUMENTS,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("parent_kind", sa.String(length=10), nullable=False),
        sa.Column("parent_id", sa.String(length=40), nullable=False),
        sa.Column("document_type", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("mime_type", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "parent_kind in ('client', 'invoice', 'payment')", name=op.f("ck_support_documents_parent_kind")
        ),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_support_documents")),
    )
    op.create_index(op.f("ix_support_documents_id"), DOCUMENTS, ["id"], unique=True)
    op.create_index(
        "ix_support_documents_parent",
        DOCUMENTS,
        ["team_id", "livemode", "parent_kind", "parent_id", "created_ms", "id"],
    )
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"ALTER TABLE {DOCUMENTS} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {DOCUMENTS} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON {DOCUMENTS} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """Nothing of this step is left."""
    op.drop_table(DOCUMENTS)
    op.drop_table("sat_list_entries")
    op.drop_table("sat_lists")
