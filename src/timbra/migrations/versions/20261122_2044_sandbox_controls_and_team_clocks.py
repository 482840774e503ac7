"""How teams have set their sandbox, what it remembers of its documents, and the clocks that teams have moved."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2044"
down_revision = "20261122_2036"
branch_labels = None
depends_on = None

INDEX = "ix_sandbox_stamps_account_stamped_ms_uuid"
_KEPT = (
    ("account", sa.String(40)),
    ("receiver_rfc", sa.String(13)),
    ("total", sa.String(30)),
    ("sello", sa.String(8)),
    ("cancel_answer", sa.String(20)),
    ("cancel_answer_ms", sa.BigInteger),
)


def upgrade() -> None:
    """Tables, columns and the policy are there."""
    op.create_table(
        "team_clocks",
        sa.Column("team_id", sa.String(40), nullable=False),
        sa.Column("ahead_ms", sa.BigInteger, nullable=False),
        sa.Column("moved_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", name="pk_team_clocks"),
    )
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute("ALTER TABLE team_clocks ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE team_clocks FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON team_clocks USING ({rule}) WITH CHECK ({rule})")
    op.create_table(
        "sandbox_controls",
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("behaviour", sa.String(20), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer),
        sa.PrimaryKeyConstraint("account", "subject", name="pk_sandbox_controls"),
    )
    for name, kind in _KEPT:
        op.add_column("sandbox_stamps", sa.Column(name, kind))
    op.add_column("sandbox_stamps", sa.Column("cancel_requests", sa.Integer, nullable=False, server_default="0"))
    op.create_index(INDEX, "sandbox_stamps", ["account", "stamped_ms", "uuid"])


def downgrade() -> None:
    """They are gone; documents stay."""
    op.drop_index(INDEX, "sandbox_stamps")
    for name in ("cancel_requests", *(name for name, _ in _KEPT)):
        op.drop_column("sandbox_stamps", name)
    op.drop_table("sandbox_controls")
    op.drop_table("team_clocks")
