"""The outbox: what happened, written in the transaction of the change. Delivery reads these rows; so does the event feed."""

from sqlalchemy import Boolean, Column, Index, String, Table, insert

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
    Index(None, "team_id", "livemode", "position"),
)

_INSERT = insert(events)


def append(tx: Tx, scope: TeamScope, type_: str, object_id: str, body: bytes | str, at_ms: int) -> str:
    """The event is stored with the change: both or neither. ``body``: JSON of the object after the change. Its id."""
    event_id = new_id("evt")
    tx.execute(
        _INSERT,
        {
            "id": event_id,
            "team_id": scope.team_id,
            "livemode": scope.livemode,
            "type": type_,
            "object_id": object_id,
            "object": body,
            "created_ms": at_ms,
        },
    )
    return event_id
