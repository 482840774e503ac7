"""Row-level security on every table of teams' rows: behind the stores' own filters, for a role that is no superuser.

Tables that come later get their policy in their own migration, by the same two functions.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1900"
down_revision = "20261122_1813"
branch_labels = None
depends_on = None


def team_tables(bind: sa.Connection) -> list[str]:
    """Tables with a column ``team_id``, as the database has them now."""
    inspector = sa.inspect(bind)
    return [
        name
        for name in sorted(inspector.get_table_names())
        if any(column["name"] == "team_id" for column in inspector.get_columns(name))
    ]


def upgrade() -> None:
    """A transaction sees the rows of the team it is opened for; ``*`` is the server itself, no setting is nobody."""
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for table in team_tables(bind):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        op.execute(f"CREATE POLICY team ON {table} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    """The stores' filters stand alone again."""
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for table in team_tables(bind):
        op.execute(f"DROP POLICY team ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
