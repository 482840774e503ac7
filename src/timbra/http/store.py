"""SQL of the idempotency records. The scope is the effective team and mode; (path, key) names a record inside it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, select, update

from timbra.http.tables import idempotency_records as t
from timbra.platform.db import Tx, insert_or
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a record lives inside a scope."""

    path: str
    key: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record as stored. ``status`` None: the first request has not finished."""

    fingerprint: str
    run_id: str
    lease_until_ms: int
    resource_id: str | None
    status: int | None
    body: str | None
    sealed_body: str | None
    sealed_until_ms: int | None


def _at(scope: TeamScope, slot: Slot) -> ColumnElement[bool]:
    return and_(
        t.c.team_id == scope.team_id, t.c.livemode == scope.livemode, t.c.path == slot.path, t.c.key == slot.key
    )


def find(tx: Tx, scope: TeamScope, slot: Slot) -> Record | None:
    """The record of a key, if there is one."""
    columns = [t.c[name] for name in Record.__slots__]
    row = tx.execute(select(*columns).where(_at(scope, slot))).mappings().one_or_none()
    return Record(**row) if row is not None else None


def insert_running(
    tx: Tx, scope: TeamScope, slot: Slot, *, fingerprint: str, run_id: str, now_ms: int, lease_until_ms: int
) -> bool:
    """A new running record; False when the key has one already (on PostgreSQL after waiting for its transaction)."""
    statement = insert_or(tx, t).values(
        team_id=scope.team_id,
        livemode=scope.livemode,
        path=slot.path,
        key=slot.key,
        fingerprint=fingerprint,
        run_id=run_id,
        lease_until_ms=lease_until_ms,
        created_at_ms=now_ms,
    )
    return tx.execute(statement.on_conflict_do_nothing().returning(t.c.run_id)).first() is not None


def take_over(tx: Tx, scope: TeamScope, slot: Slot, *, dead_run: str, run_id: str, lease_until_ms: int) -> bool:
    """The record of a dead run belongs to ``run_id`` now; False when another run was quicker."""
    statement = update(t).where(_at(scope, slot), t.c.run_id == dead_run, t.c.status.is_(None))
    return tx.execute(statement.values(run_id=run_id, lease_until_ms=lease_until_ms)).rowcount == 1


def void_runs(tx: Tx) -> None:
    """No unfinished run is alive: a repeat takes over at once."""
    tx.execute(update(t).where(t.c.status.is_(None)).values(lease_until_ms=0))


def bind(tx: Tx, scope: TeamScope, slot: Slot, run_id: str, resource_id: str) -> None:
    """The key belongs to a resource that this run has made."""
    statement = update(t).where(_at(scope, slot), t.c.run_id == run_id)
    tx.execute(statement.values(resource_id=resource_id))


def finish(
    tx: Tx,
    scope: TeamScope,
    slot: Slot,
    run_id: str,
    *,
    status: int,
    body: bytes,
    sealed_body: str | None,
    sealed_until_ms: int | None,
) -> None:
    """The reply is stored for replay, unless another run has taken the key over meanwhile."""
    statement = update(t).where(_at(scope, slot), t.c.run_id == run_id, t.c.status.is_(None))
    tx.execute(statement.values(status=status, body=body, sealed_body=sealed_body, sealed_until_ms=sealed_until_ms))


def let_go(tx: Tx, scope: TeamScope, slot: Slot, run_id: str) -> None:
    """An unfinished run is over: its key is free, or waits for a repeat when it is bound to a resource."""
    mine = and_(_at(scope, slot), t.c.run_id == run_id, t.c.status.is_(None))
    tx.execute(delete(t).where(mine, t.c.resource_id.is_(None)))
    tx.execute(update(t).where(mine).values(lease_until_ms=0))


def remove(tx: Tx, scope: TeamScope, slot: Slot, run_id: str) -> None:
    """The key is free again."""
    tx.execute(delete(t).where(_at(scope, slot), t.c.run_id == run_id))


def purge(tx: Tx, *, created_before_ms: int, now_ms: int) -> int:
    """Old records are gone and outdated secrets forgotten, of all teams; how many records went."""
    tx.execute(update(t).where(t.c.sealed_until_ms < now_ms).values(sealed_body=None, sealed_until_ms=None))
    return tx.execute(delete(t).where(t.c.created_at_ms < created_before_ms)).rowcount
