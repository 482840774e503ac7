"""An index that finds the pending document of a caller who was told 503."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1925"
down_revision = "20261122_1910"
branch_labels = None
depends_on = None

_WHERE = sa.text("status = 'pending' and was_answered_503")


def upgrade() -> None:
    """The index is there."""
    op.create_index(
        "ix_invoices_twin",
        "invoices",
        ["team_id", "livemode", "fingerprint"],
        sqlite_where=_WHERE,
        postgresql_where=_WHERE,
    )


def downgrade() -> None:
    """The index is gone."""
    op.drop_index("ix_invoices_twin", "invoices")
