"""Endpoints, their lanes and their deliveries. A lane is what workers take turns on: one worker drains one endpoint."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table, text

from timbra.platform.db import Instant, JsonText, metadata
from timbra.platform.sealed import Sealed

webhooks = Table(
    "webhooks",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("url", String(4096), nullable=False),
    Column("events", JsonText, nullable=False),  # as sent
    Column("description", String(1000)),
    Column("status", String(10), nullable=False),
    Column("type", String(20)),
    Column("sealed_secret", Sealed, nullable=False),
    Column("sealed_previous", Sealed),  # the secret before the last rotation
    Column("previous_until_ms", Instant),
    Column("header_names", JsonText, nullable=False),
    Column("sealed_headers", Sealed),  # JSON object of the custom headers
    Column("disabled_reason", String(10)),
    Column("failing_since_ms", Instant),  # first failure after the last success
    Column("last_success_ms", Instant),
    Column("last_failure_ms", Instant),
    Column("owner", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    CheckConstraint("status in ('active', 'inactive')", name="status"),
    CheckConstraint("disabled_reason in ('failing', 'gone')", name="disabled_reason"),
    Index(None, "team_id", "livemode", "created_ms", "id"),
    Index("ix_webhooks_failing", "status", "failing_since_ms"),
)

# ``due_ms``: when the endpoint has something to send, null for nothing. Whoever holds the lease is alone with its
# deliveries, so a delivery that is ``processing`` when a lease begins was left by somebody who died.
webhook_lanes = Table(
    "webhook_lanes",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("endpoint_id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("due_ms", Instant),
    Column("leased_by", String(40)),
    Column("lease_until_ms", Instant, nullable=False),
    Column("slots", Integer, nullable=False),  # deliveries at once, of the team's share
    Index(None, "due_ms"),
    Index("ix_webhook_lanes_share", "team_id", "livemode", "lease_until_ms"),
)

# Rows that are locked while something is done by one at a time: ``feed`` gives events their numbers, ``lanes`` gives
# leases, so that the shares of a team are counted and given in one step.
webhook_turns = Table(
    "webhook_turns",
    metadata,
    Column("name", String(10), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("endpoint_id", String(40), nullable=False),
    Column("number", BigInteger, nullable=False),  # of the event in the feed: the order of first tries
    Column("event_id", String(40), nullable=False),
    Column("event", String(60), nullable=False),
    Column("object_id", String(60), nullable=False),
    Column("manual", Boolean, nullable=False),
    Column("is_test", Boolean, nullable=False),  # one try, made by the request itself
    Column("sample", JsonText),  # the object of a test, which is no event
    Column("status", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("attempts", JsonText, nullable=False),
    Column("response_code", Integer),
    Column("latency_ms", Integer),
    Column("error_category", String(20)),
    Column("due_ms", Instant),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    CheckConstraint("status in ('pending', 'processing', 'retrying', 'succeeded', 'failed')", name="status"),
    CheckConstraint("(status = 'retrying') = (due_ms is not null)", name="due"),
    Index("ix_webhook_deliveries_team", "team_id", "livemode", "created_ms", "id"),
    Index("ix_webhook_deliveries_endpoint", "team_id", "endpoint_id", "created_ms", "id"),
    Index("ix_webhook_deliveries_event", "event_id", "endpoint_id"),
    Index("ix_webhook_deliveries_old", "created_ms"),
    Index(
        "ix_webhook_deliveries_first",
        "endpoint_id",
        "status",
        "number",
        postgresql_where=text("status in ('pending', 'processing')"),
        sqlite_where=text("status in ('pending', 'processing')"),
    ),
    Index(
        "ix_webhook_deliveries_due",
        "endpoint_id",
        "due_ms",
        postgresql_where=text("status = 'retrying'"),
        sqlite_where=text("status = 'retrying'"),
    ),
    Index(
        "uq_webhook_deliveries_once",
        "endpoint_id",
        "event_id",
        unique=True,
        postgresql_where=text("not manual"),
        sqlite_where=text("not manual"),
    ),
)
