"""Receipts."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2157"
down_revision = "20261122_2106"
branch_labels = None
depends_on = None

TABLE = "receipts"


def upgrade() -> None:
    """The schema has this step."""
    op.create_table(
        TABLE,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column(
            "client_sort",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("exchange_rate", sa.BigInteger(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("taxes", sa.BigInteger(), nullable=False),
        sa.Column("withholding_taxes", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("total_refunded", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("payment_form", sa.String(length=2), nullable=False),
        sa.Column("periodicity", sa.String(length=10), nullable=False),
        sa.Column("period_end", sa.String(length=10), nullable=False),
        sa.Column("period_code", sa.String(length=2), nullable=False),
        sa.Column("period_months", sa.String(length=2), nullable=False),
        sa.Column("period_year", sa.Integer(), nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payments", sa.Text(), nullable=False),
        sa.Column("invoices", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=True),
        sa.Column("invoiced_ms", sa.BigInteger(), nullable=True),
        sa.Column("invoiced_as", sa.String(length=20), nullable=True),
        sa.Column("invoice_config", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_ms", sa.BigInteger(), nullable=True),
        sa.Column("reinvoice", sa.Text(), nullable=True),
        sa.Column("stamping_id", sa.String(length=40), nullable=True),
        sa.Column("stamping", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("emails", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status in ('pending', 'expired', 'completed', 'canceled')", name=op.f("ck_receipts_status")
        ),
        sa.CheckConstraint("total_refunded >= 0 and total_refunded <= total", name=op.f("ck_receipts_refunded")),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_receipts")),
    )
    op.create_index("ix_receipts_client", TABLE, ["team_id", "livemode", "client_id", "created_ms", "id"], unique=False)
    op.create_index("ix_receipts_code", TABLE, ["code_sha256"], unique=True)
    op.create_index("ix_receipts_created", TABLE, ["team_id", "livemode", "created_ms", "id"], unique=False)
    op.create_index("ix_receipts_invoice", TABLE, ["team_id", "livemode", "invoice_id"], unique=False)
    op.create_index("ix_receipts_key", TABLE, ["team_id", "livemode", "idempotency_key"], unique=True)
    op.create_index("ix_receipts_name", TABLE, ["team_id", "livemode", "client_sort", "id"], unique=False)
    op.create_index("ix_receipts_stamping", TABLE, ["team_id", "stamping_id"], unique=False)
    op.create_index("ix_receipts_state", TABLE, ["team_id", "livemode", "status", "created_ms", "id"], unique=False)
    op.create_index("ix_receipts_until", TABLE, ["status", "valid_until_ms"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON {TABLE} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """Nothing of this step is left."""
    op.drop_table(TABLE)
