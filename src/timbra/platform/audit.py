"""The audit log: one append-only row per write, in the transaction of the change, chained by hashes per team.

Row n of a team holds sha256 over the hash of row n - 1 and its own content, so that an altered, removed or inserted row
is found (``timbra audit verify``). A cut at the end is found with the anchors: see ``timbra.platform.audit_check``.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Executable,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from timbra.platform import json
from timbra.platform.db import Instant, JsonText, Tx, insert_on, metadata
from timbra.platform.scope import Actor, TeamScope


class Action(StrEnum):
    """The closed vocabulary of audited actions."""

    ACCOUNT_SIGNUP = "account.signup"
    TEAM_CREATE = "team.create"
    TEAM_UPDATE = "team.update"
    TEAM_DELETE = "team.delete"
    TEAM_SETTINGS = "team.settings"
    TEAM_MEMBER_ADD = "team.member_add"
    TEAM_MEMBER_REMOVE = "team.member_remove"
    TEAM_ONBOARDING_URL = "team.onboarding_url"
    TEAM_READ = "team.read"  # by a key of another team
    TEAM_SAT_CONNECTION = "team.sat_connection"
    TEAM_MANIFEST_SIGN = "team.manifest_sign"
    TEAM_PAC_CONNECT = "team.pac_connect"
    TEAM_PAC_REMOVE = "team.pac_remove"
    TEAM_PAC_ORDER = "team.pac_order"
    SERIES_CREATE = "series.create"
    SERIES_UPDATE = "series.update"
    USER_CREATE = "user.create"
    USER_UPDATE = "user.update"
    USER_RESET_PASSWORD = "user.reset_password"  # noqa: S105 (an action, not a secret)
    USER_LOGIN_LINK = "user.login_link"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105 (an action, not a secret)
    API_KEY_CREATE = "api_key.create"
    API_KEY_ROTATE = "api_key.rotate"
    API_KEY_REVOKE = "api_key.revoke"
    CLIENT_CREATE = "client.create"
    CLIENT_UPDATE = "client.update"
    CLIENT_DELETE = "client.delete"
    CLIENT_VALIDATE = "client.validate"
    CLIENT_PORTAL_LINK = "client.portal_link"
    DOCUMENT_CREATE = "document.create"
    SAT_LIST_SYNC = "sat_list.sync"
    SERVICE_CREATE = "service.create"
    SERVICE_UPDATE = "service.update"
    SERVICE_DELETE = "service.delete"
    INVOICE_CREATE = "invoice.create"
    INVOICE_STAMP = "invoice.stamp"
    INVOICE_FAIL = "invoice.fail"
    INVOICE_CANCEL = "invoice.cancel"
    INVOICE_ALARM = "invoice.alarm"
    COMPLEMENT_CREATE = "complement.create"
    RECEIPT_CREATE = "receipt.create"
    RECEIPT_STAMP = "receipt.stamp"
    RECEIPT_REOPEN = "receipt.reopen"
    RECEIPT_CANCEL = "receipt.cancel"
    CLIENT_STAMP_PENDING_RECEIPTS = "client.stamp_pending_receipts"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_UPDATE = "webhook.update"
    WEBHOOK_DELETE = "webhook.delete"
    WEBHOOK_ROTATE = "webhook.rotate"
    WEBHOOK_TEST = "webhook.test"
    WEBHOOK_RETRY = "webhook.retry"
    SANDBOX_SET = "sandbox.set"
    SANDBOX_CLOCK = "sandbox.clock"
    SANDBOX_ANSWER = "sandbox.answer"


FIRST_HASH = bytes(32)

audit_log = Table(
    "audit_log",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at_ms", Instant, nullable=False),
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
    Column("hash", LargeBinary(32), nullable=False),
)

# The end of each team's chain; its row is the lock under which the chain grows.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

_CONTENT = [column.name for column in audit_log.columns if column.name != "hash"]
_INSERT = insert(audit_log)
_SET_HASH = update(audit_heads).where(audit_heads.c.team_id == bindparam("team")).values(hash=bindparam("new"))


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
    append_all(tx, scope, action, [(resource_id, changes)], actor, at_ms, outcome=outcome)


def append_all(
    tx: Tx,
    scope: TeamScope,
    action: Action,
    resources: Sequence[tuple[str, Mapping[str, Any] | None]],
    actor: Actor,
    at_ms: int,
    *,
    outcome: str = "done",
) -> None:
    """One row for each (resource id, changes), in this order; the chain grows by all of them at once."""
    if not resources:
        return
    first, before = _next(tx, scope.team_id, len(resources))
    shared = {
        "team_id": scope.team_id,
        "at_ms": at_ms,
        "home_team": actor.home_team,
        "livemode": scope.livemode,
        "key_id": actor.key_id,
        "user_id": actor.user_id,
        "role": actor.role,
        "action": action.value,
        "request_id": actor.request_id,
        "ip": actor.ip,
        "outcome": outcome,
    }
    rows: list[dict[str, Any]] = []
    for seq, (resource_id, changes) in enumerate(resources, first):
        row = {**shared, "seq": seq, "resource_id": resource_id, "changes": json.dumps(changes or {}).decode()}
        before = chained(before, row)
        rows.append({**row, "hash": before})
    tx.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    tx.execute(_SET_HASH, {"team": scope.team_id, "new": before})


def _next(tx: Tx, team_id: str, count: int) -> tuple[int, bytes]:
    """Number of the first new row and hash of the one before it; the chain is locked until the transaction ends."""
    start = {"team_id": team_id, "seq": count, "hash": FIRST_HASH}
    head = tx.execute(_grow(tx.dialect), start).one()
    return head.seq - count + 1, bytes(head.hash)


@cache
def _grow(dialect: str) -> Executable:
    grown = insert_on(dialect, audit_heads)
    grown = grown.on_conflict_do_update(
        index_elements=["team_id"], set_={"seq": audit_heads.c.seq + grown.excluded.seq}
    )
    return grown.returning(audit_heads.c.seq, audit_heads.c.hash)


def chained(before: bytes, row: Mapping[str, Any]) -> bytes:
    """The hash of a row that follows the one with the hash ``before``."""
    return hashlib.sha256(before + json.canonical([row[name] for name in _CONTENT])).digest()


def rows_of(tx: Tx, team_id: str, *, after: int = 0, limit: int = 1_000) -> Iterator[Mapping[str, Any]]:
    """Rows of a team in order, beginning behind number ``after``."""
    statement = select(audit_log).where(audit_log.c.team_id == team_id, audit_log.c.seq > after)
    for row in tx.execute(statement.order_by(audit_log.c.seq).limit(limit)):
        yield dict(row._mapping)  # noqa: SLF001 (SQLAlchemy calls it public)


def rows_about(tx: Tx, team_id: str, resource_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """Rows of a team about these objects, in order; each with ``before``, the hash of the row before it."""
    earlier = audit_log.alias()
    statement = (
        select(audit_log, earlier.c.hash.label("before"))
        .outerjoin(earlier, (earlier.c.team_id == audit_log.c.team_id) & (earlier.c.seq == audit_log.c.seq - 1))
        .where(audit_log.c.team_id == team_id, audit_log.c.resource_id.in_(resource_ids))
        .order_by(audit_log.c.seq)
    )
    rows = [dict(row._mapping) for row in tx.execute(statement)]  # noqa: SLF001 (SQLAlchemy calls it public)
    return [{**row, "before": row["before"] or FIRST_HASH} for row in rows]


def heads(tx: Tx) -> dict[str, tuple[int, bytes]]:
    """(number, hash) of the newest row by team."""
    rows = tx.execute(select(audit_heads.c.team_id, audit_heads.c.seq, audit_heads.c.hash).order_by("team_id"))
    return {row.team_id: (row.seq, bytes(row.hash)) for row in rows}
