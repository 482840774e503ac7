"""Webhook endpoints, their lanes and deliveries; every event gets a place in the feed."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_2058"
down_revision = "20261122_2056"
branch_labels = None
depends_on = None

OF_TEAMS = ("webhooks", "webhook_lanes", "webhook_deliveries")
OLD_INDEX = "ix_events_team_id_livemode_position"


def upgrade() -> None:
    """The tables are there. Events of the past get their numbers, and no deliveries, when a worker starts."""
    op.create_table(
        "webhooks",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("url", sa.String(length=4096), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=True),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("sealed_previous", sa.Text(), nullable=True),
        sa.Column("previous_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("header_names", sa.Text(), nullable=False),
        sa.Column("sealed_headers", sa.Text(), nullable=True),
        sa.Column("disabled_reason", sa.String(length=10), nullable=True),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_success_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_failure_ms", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("disabled_reason in ('failing', 'gone')", name=op.f("ck_webhooks_disabled_reason")),
        sa.CheckConstraint("status in ('active', 'inactive')", name=op.f("ck_webhooks_status")),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_failing", "webhooks", ["status", "failing_since_ms"])
    op.create_index(
        op.f("ix_webhooks_team_id_livemode_created_ms_id"), "webhooks", ["team_id", "livemode", "created_ms", "id"]
    )
    op.create_table(
        "webhook_lanes",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("endpoint_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("leased_by", sa.String(length=40), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "endpoint_id", name=op.f("pk_webhook_lanes")),
    )
    op.create_index(op.f("ix_webhook_lanes_due_ms"), "webhook_lanes", ["due_ms"])
    op.create_index("ix_webhook_lanes_share", "webhook_lanes", ["team_id", "livemode", "lease_until_ms"])
    op.create_table(
        "webhook_turns",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_webhook_turns")),
    )
    _deliveries()
    op.add_column("events", sa.Column("number", sa.BigInteger(), nullable=True))
    op.drop_index(OLD_INDEX, "events")
    op.create_index("ix_events_feed", "events", ["team_id", "livemode", "number"])
    op.create_index("ix_events_object", "events", ["team_id", "object_id", "number"])
    op.create_index("ix_events_created_ms", "events", ["created_ms"])
    _partial("ix_events_waiting", "events", ["position"], "number is null")
    if op.get_bind().dialect.name == "postgresql":
        rule = "current_setting('timbra.team', true) IN (team_id, '*')"
        for table in OF_TEAMS:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY team ON {table} USING ({rule}) WITH CHECK ({rule})")


def _deliveries() -> None:
    table = "webhook_deliveries"
    op.create_table(
        table,
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("endpoint_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("object_id", sa.String(length=60), nullable=False),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Text(), nullable=False),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("error_category", sa.String(length=20), nullable=True),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(status = 'retrying') = (due_ms is not null)", name=op.f("ck_webhook_deliveries_due")),
        sa.CheckConstraint(
            "status in ('pending', 'processing', 'retrying', 'succeeded', 'failed')",
            name=op.f("ck_webhook_deliveries_status"),
        ),
        sa.PrimaryKeyConstraint("team_id", "id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index("ix_webhook_deliveries_team", table, ["team_id", "livemode", "created_ms", "id"])
    op.create_index("ix_webhook_deliveries_endpoint", table, ["team_id", "endpoint_id", "created_ms", "id"])
    op.create_index("ix_webhook_deliveries_event", table, ["event_id", "endpoint_id"])
    op.create_index("ix_webhook_deliveries_old", table, ["created_ms"])
    _partial(
        "ix_webhook_deliveries_first",
        table,
        ["endpoint_id", "status", "number"],
        "status in ('pending', 'processing')",
    )
    _partial("ix_webhook_deliveries_due", table, ["endpoint_id", "due_ms"], "status = 'retrying'")
    _partial("uq_webhook_deliveries_once", table, ["endpoint_id", "event_id"], "not manual", unique=True)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    """They are gone; events stay."""
    for name in ("ix_events_waiting", "ix_events_created_ms", "ix_events_object", "ix_events_feed"):
        op.drop_index(name, "events")
    op.drop_column("events", "number")
    op.create_index(OLD_INDEX, "events", ["team_id", "livemode", "position"])
    for table in ("webhook_deliveries", "webhook_turns", "webhook_lanes", "webhooks"):
        op.drop_table(table)
