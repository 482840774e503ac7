"""What each payment complement pays."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2106"
down_revision = "20261122_2101"
branch_labels = None
depends_on = None

TABLE = "invoice_payments"


def upgrade() -> None:
    """The schema has this step."""
    op.create_table(
        TABLE,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("complement_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=True),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("installment", sa.Integer(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("taxes", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("replaced_by", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "state in ('outstanding', 'live', 'replacing', 'replaced', 'undone')",
            name=op.f("ck_invoice_payments_state"),
        ),
        sa.CheckConstraint("amount > 0 and amount <= balance", name=op.f("ck_invoice_payments_amount")),
        sa.ForeignKeyConstraint(
            ["team_id", "complement_id"],
            ["invoices.team_id", "invoices.id"],
            name=op.f("fk_invoice_payments_team_id_complement_id_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id", "invoice_id"],
            ["invoices.team_id", "invoices.id"],
            name=op.f("fk_invoice_payments_team_id_invoice_id_invoices"),
        ),
        sa.PrimaryKeyConstraint("team_id", "complement_id", "position", name=op.f("pk_invoice_payments")),
    )
    op.create_index("ix_invoice_payments_uuid", TABLE, ["team_id", "livemode", "uuid"])
    op.create_index("ix_invoice_payments_invoice", TABLE, ["team_id", "invoice_id"])
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON {TABLE} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """Nothing of this step is left."""
    op.drop_table(TABLE)
