"""The outbox: what happened, written in the transaction of the change. Delivery reads these rows; so does the event feed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, insert, text

from timbra.platform.db import Instant, JsonText, RowNumber, Tx, metadata
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope

events = Table(
    "events",
    metadata,
    Column("position", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("team_id", String(40), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("type", String(60), nullable=False),
    Column("object_id", String(60), nullable=False),
    Column("object", JsonText, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("number", BigInteger),  # place in the feed; null until the webhooks room has given it one
    Index("ix_events_feed", "team_id", "livemode", "number"),
    Index("ix_events_object", "team_id", "object_id", "number"),
    Index("ix_events_created_ms", "created_ms"),
    Index(
        "ix_events_waiting", "position", postgresql_where=text("number is null"), sqlite_where=text("number is null")
    ),
)

_INSERT = insert(events)


def append(tx: Tx, scope: TeamScope, type_: str, object_id: str, body: bytes | str, at_ms: int) -> str:
    """The event is stored with the change: both or neither. ``body``: JSON of the object after the change. Its id."""
    row = _row(scope, type_, object_id, body, at_ms)
    tx.execute(_INSERT, row)
    return str(row["id"])


def append_all(tx: Tx, scope: TeamScope, type_: str, objects: Iterable[tuple[str, bytes | str]], at_ms: int) -> None:
    """One event for each (object id, body), in this order, with one statement."""
    rows = [_row(scope, type_, object_id, body, at_ms) for object_id, body in objects]
    if rows:
        tx.execute(_INSERT, rows)


def _row(scope: TeamScope, type_: str, object_id: str, body: bytes | str, at_ms: int) -> dict[str, Any]:
    return {
        "id": new_id("evt"),
        "team_id": scope.team_id,
        "livemode": scope.livemode,
        "type": type_,
        "object_id": object_id,
        "object": body,
        "created_ms": at_ms,
    }
