"""Accounts of teams at stamping providers, and what was said in each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2101"
down_revision = "20261122_2058"
branch_labels = None
depends_on = None

ACCOUNTS = "pac_connections"


def upgrade() -> None:
    """The schema has this step."""
    op.add_column("stamp_attempts", sa.Column("dialogue", sa.Text(), nullable=True))
    op.create_table(
        ACCOUNTS,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed_credentials", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("tested_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("team_id", "livemode", "provider", name=op.f("pk_pac_connections")),
    )
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"ALTER TABLE {ACCOUNTS} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {ACCOUNTS} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON {ACCOUNTS} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """Nothing of this step is left."""
    op.drop_table(ACCOUNTS)
    op.drop_column("stamp_attempts", "dialogue")
