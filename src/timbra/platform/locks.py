"""Named locks that live as long as a transaction: two find-or-create calls for one value run one after the other.

A row is inserted and deleted again in the same transaction: whoever inserts the same row meanwhile waits for the
first transaction to end. No row outlives its transaction, and no engine-specific lock is used.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import Boolean, Column, String, Table, bindparam, delete

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

_DELETE = delete(value_locks).where(
    value_locks.c.team_id == bindparam("team"),
    value_locks.c.livemode == bindparam("mode"),
    value_locks.c.digest == bindparam("held"),
)


def hold(tx: Tx, scope: TeamScope, kind: str, value: str) -> None:
    """Until this transaction ends nobody else holds the lock of (team, mode, kind, value)."""
    hold_all(tx, scope, [(kind, value)])


def hold_all(tx: Tx, scope: TeamScope, wanted: Iterable[tuple[str, str]]) -> None:
    """Like ``hold`` for many (kind, value), in one order for everybody, so that no two calls wait for each other."""
    if tx.dialect == "sqlite":
        return  # a writing unit is alone already
    digests = sorted({hashlib.sha256(json.dumps([kind, value])).hexdigest() for kind, value in wanted})
    rows = [{"team_id": scope.team_id, "livemode": scope.livemode, "digest": digest} for digest in digests]
    if rows:
        tx.execute(insert_or(tx, value_locks).on_conflict_do_nothing(), rows)
        tx.execute(_DELETE, [{"team": r["team_id"], "mode": r["livemode"], "held": r["digest"]} for r in rows])
