"""Named locks that live as long as a transaction: two find-or-create calls for one value run one after the other.

A row is inserted and deleted again in the same transaction: whoever inserts the same row meanwhile waits for the
first transaction to end. No row outlives its transaction, and no engine-specific lock is used.
"""

import hashlib

from sqlalchemy import Boolean, Column, String, Table, delete

from timbra.platform import json
from timbra.platform.db import Tx, insert_or, metadata
from timbra.platform.scope import TeamScope

value_locks = Table(
    "value_locks",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("digest", String(64), primary_key=True),
)


def hold(tx: Tx, scope: TeamScope, kind: str, value: str) -> None:
    """Until this transaction ends nobody else holds the lock of (team, mode, kind, value)."""
    if tx.dialect == "sqlite":
        return  # a writing unit is alone already
    digest = hashlib.sha256(json.dumps([kind, value])).hexdigest()
    row = {"team_id": scope.team_id, "livemode": scope.livemode, "digest": digest}
    tx.execute(insert_or(tx, value_locks).on_conflict_do_nothing(), row)
    tx.execute(
        delete(value_locks).where(
            value_locks.c.team_id == scope.team_id,
            value_locks.c.livemode == scope.livemode,
            value_locks.c.digest == digest,
        )
    )
