"""What SAT's lists say of each client, and links to the customer portal."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2036"
down_revision = "20261122_1925"
branch_labels = None
depends_on = None

LINKS = "client_portal_links"


def upgrade() -> None:
    """The schema has this step."""
    op.add_column("clients", sa.Column("sat_status", sa.Text(), nullable=True))
    op.create_table(
        LINKS,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "token_sha256", name=op.f("pk_client_portal_links")),
    )
    op.create_index(op.f("ix_client_portal_links_token_sha256"), LINKS, ["token_sha256"], unique=True)
    op.create_index(op.f("ix_client_portal_links_team_id_client_id"), LINKS, ["team_id", "client_id"])
    op.create_index(op.f("ix_client_portal_links_expires_ms"), LINKS, ["expires_ms"])
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"ALTER TABLE {LINKS} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {LINKS} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY team ON {LINKS} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """Nothing of this step is left."""
    op.drop_table(LINKS)
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_column("sat_status")
