"""The audit log: one append-only row per write, in the transaction of the change."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Column, Index, String, Table, insert

from timbra.platform import json
from timbra.platform.db import Instant, JsonText, RowNumber, Tx, metadata
from timbra.platform.scope import Actor, TeamScope


class Action(StrEnum):
    """The closed vocabulary of audited actions."""

    TEAM_CREATE = "team.create"
    TEAM_SAT_CONNECTION = "team.sat_connection"
    API_KEY_CREATE = "api_key.create"
    API_KEY_REVOKE = "api_key.revoke"
    CLIENT_CREATE = "client.create"
    CLIENT_UPDATE = "client.update"
    CLIENT_DELETE = "client.delete"
    SERVICE_CREATE = "service.create"
    SERVICE_UPDATE = "service.update"
    SERVICE_DELETE = "service.delete"
    INVOICE_CREATE = "invoice.create"
    INVOICE_STAMP = "invoice.stamp"
    INVOICE_FAIL = "invoice.fail"
    INVOICE_CANCEL = "invoice.cancel"
    INVOICE_ALARM = "invoice.alarm"


audit_log = Table(
    "audit_log",
    metadata,
    Column("position", RowNumber, primary_key=True, autoincrement=True),
    Column("at_ms", Instant, nullable=False),
    Column("team_id", String(40), nullable=False),
    Column("home_team", String(40)),
    Column("livemode", Boolean, nullable=False),
    Column("key_id", String(60)),
    Column("user_id", String(40)),
    Column("role", String(20)),
    Column("action", String(40), nullable=False),
    Column("resource_id", String(60), nullable=False),
    Column("request_id", String(64)),
    Column("ip", String(64)),
    Column("outcome", String(20), nullable=False),
    Column("changes", JsonText, nullable=False),
    Index(None, "team_id", "position"),
)


def append(
    tx: Tx,
    scope: TeamScope,
    action: Action,
    resource_id: str,
    actor: Actor,
    at_ms: int,
    *,
    outcome: str = "done",
    changes: Mapping[str, Any] | None = None,
) -> None:
    """The row is stored with the change it tells of. ``changes`` must hold no secret."""
    tx.execute(
        insert(audit_log),
        {
            "at_ms": at_ms,
            "team_id": scope.team_id,
            "home_team": actor.home_team,
            "livemode": scope.livemode,
            "key_id": actor.key_id,
            "user_id": actor.user_id,
            "role": actor.role,
            "action": action.value,
            "resource_id": resource_id,
            "request_id": actor.request_id,
            "ip": actor.ip,
            "outcome": outcome,
            "changes": json.dumps(changes or {}),
        },
    )
