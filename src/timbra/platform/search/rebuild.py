"""Making an index again while it is used: a new edition is built beside the one that is searched, then takes its place.

Each batch is a transaction of its own, and the shelf knows how far the new edition has come: a rebuild that was killed
goes on there. Changes made meanwhile go into both editions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from timbra.platform.clock import monotonic_s
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import store, update
from timbra.platform.search.kinds import Kind
from timbra.platform.search.store import Shelf

AT_ONCE: Final = 2_000
ROWS_AT_ONCE: Final = 2_000
LEAST_PAUSE_S, MOST_PAUSE_S = 0.005, 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` objects of the kind are in their new index."""

    kind: str
    done: int
    total: int


def rebuild(database: Database, kind: Kind, pause: Callable[[float], None]) -> Iterator[Progress]:
    """The index of the kind is made again, team by team. pause: waits so many seconds, for others to write."""

    def whose(tx: Tx) -> tuple[list[TeamScope], int]:
        scopes = sorted({*kind.scopes(tx), *store.scopes(tx, kind.name)}, key=lambda one: (one.team_id, one.livemode))
        return scopes, sum(kind.count(tx, scope) for scope in scopes)

    scopes, total = database.read_sync(whose)
    done = 0
    yield Progress(kind.name, 0, total)
    for scope in scopes:
        database.write_sync(partial(_begin, scope=scope, kind=kind))
        built = 0
        while True:
            began = monotonic_s()
            built, is_over = database.write_sync(partial(_batch, scope=scope, kind=kind))
            if is_over:
                break
            yield Progress(kind.name, done + built, total)
            pause(min(max(LEAST_PAUSE_S, (monotonic_s() - began) / 2), MOST_PAUSE_S))
        done += built
        while database.write_sync(partial(_forget, scope=scope, kind=kind)):
            pause(LEAST_PAUSE_S)
    yield Progress(kind.name, done, max(total, done))


def _begin(tx: Tx, scope: TeamScope, kind: Kind) -> None:
    row = store.lock(tx, scope, kind.name)
    assert row is not None, "the lock was waited for"
    if row["building"] is None:
        store.save(tx, row | {"building": store.new_edition(tx), "built_id": "", "built": 0})


def _batch(tx: Tx, scope: TeamScope, kind: Kind) -> tuple[int, bool]:
    """(objects in the new edition so far, whether it is searched from now on)."""
    row = store.lock(tx, scope, kind.name)
    assert row is not None, "the lock was waited for"
    if row["building"] is None:
        return row["built"], True  # another process has ended it
    entries = kind.after(tx, scope, row["built_id"], AT_ONCE)
    if entries:
        update.put(tx, kind, Shelf(scope.team_id, row["building"]), entries)
        row |= {"built_id": entries[-1].id, "built": row["built"] + len(entries)}
    else:
        row |= {"edition": row["building"], "former": row["edition"], "building": None}
    store.save(tx, row)
    return row["built"], not entries


def _forget(tx: Tx, scope: TeamScope, kind: Kind) -> bool:
    """Rows of the former edition are gone; False when it has none left."""
    row = store.lock(tx, scope, kind.name)
    assert row is not None, "the lock was waited for"
    if row["former"] is None:
        return False
    if not store.remove_some(tx, Shelf(scope.team_id, row["former"]), ROWS_AT_ONCE):
        store.save(tx, row | {"former": None})
    return True
