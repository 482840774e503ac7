"""Sessions of people in the hosted pages."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1910"
down_revision = "20261122_1900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sessions have their table."""
    op.create_table(
        "user_sessions",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_user_sessions")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"])
    op.create_index(op.f("ix_user_sessions_expires_ms"), "user_sessions", ["expires_ms"])


def downgrade() -> None:
    """The table is gone."""
    op.drop_table("user_sessions")
