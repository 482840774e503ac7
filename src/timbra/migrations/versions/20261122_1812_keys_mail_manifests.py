"""Rotation and use of API keys, the mail outbox, signed manifests, warnings before a CSD ends, fingerprints of master keys."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1812"
down_revision = "20261122_1748"
branch_labels = None
depends_on = None

KEY_COLUMNS = (
    ("last_used_ms", sa.BigInteger()),
    ("revokes_ms", sa.BigInteger()),
    ("rotated_to", sa.String(length=40)),
    ("rotated_from", sa.String(length=40)),
)


def upgrade() -> None:
    """The schema has this step."""
    for name, kind in KEY_COLUMNS:
        op.add_column("api_keys", sa.Column(name, kind, nullable=True))
    op.create_table(
        "csd_warnings",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("csd_id", sa.String(length=40), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("warned_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "csd_id", "days", name=op.f("pk_csd_warnings")),
    )
    op.create_table(
        "mail_outbox",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("sealed_values", sa.Text(), nullable=True),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.CheckConstraint("(due_ms is null) = (outcome is not null)", name=op.f("ck_mail_outbox_state")),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_mail_outbox")),
    )
    with op.batch_alter_table("mail_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_outbox_due_ms"), ["due_ms"], unique=False)
    op.create_table(
        "manifests",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("rfc", sa.String(length=13), nullable=False),
        sa.Column("certificate_number", sa.String(length=20), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("signed_by", sa.String(length=40), nullable=False),
        sa.Column("signed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_manifests")),
    )
    with op.batch_alter_table("manifests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_manifests_team_id_livemode_signed_ms"), ["team_id", "livemode", "signed_ms"], unique=False
        )
    op.create_table(
        "master_keys",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_master_keys")),
    )


def downgrade() -> None:
    """The schema is as before this step."""
    for table in ("master_keys", "manifests", "mail_outbox", "csd_warnings"):
        op.drop_table(table)
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        for name, _ in KEY_COLUMNS:
            batch_op.drop_column(name)
