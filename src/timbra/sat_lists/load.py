"""Load a published file: all of its lists at once, or none.

What changed is written beside what is in force, in small transactions; one transaction then puts it in force, tells
whoever screens clients, and leaves the audit rows. A load that fails or dies leaves rows that nobody sees; the next one
sweeps them.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import structlog

from timbra.platform import audit, faults, json
from timbra.platform.audit import Action
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import SERVER as SERVER_ACTOR
from timbra.platform.scope import TeamScope
from timbra.sat_lists import store
from timbra.sat_lists.columns import Row
from timbra.sat_lists.lists import Published
from timbra.sat_lists.read import Survey, Unreadable, read, survey
from timbra.sat_lists.store import ListState

BATCH: Final = 500  # rows of one transaction: on SQLite the event loop does nothing else while they are written
KNOWN_BATCH: Final = 20_000
LEAST_PART: Final = 2  # a file with less than one in so many of the rows held now is refused
LOST_AFTER_MS: Final = 3_600_000  # a load that began earlier is not running any more, whatever its row says
SERVER_CHAIN: Final = TeamScope("server", livemode=True)  # the audit chain of what is done for no team

log = structlog.get_logger(__name__)


class AlreadyLoading(Exception):
    """Another process loads these lists now."""


@dataclass(frozen=True, slots=True)
class LoadParts:
    """What loading works with. ``changed`` is part of the transaction that puts other entries in force."""

    database: Database
    clock: Clock
    changed: Callable[[Tx], None]


@asynccontextmanager
async def loading(parts: LoadParts, published: Published) -> AsyncIterator[None]:
    """Nobody else loads these lists meanwhile; what fails inside is told by their state. Raises AlreadyLoading."""
    ids = [each.id for each in published.lists]
    await _begin(parts, ids)
    reason: str | None = "the server failed: see its log"
    try:
        yield
        reason = None
    except Unreadable as error:
        reason = str(error)
        raise
    finally:
        if reason is not None:
            await _fail(parts, ids, reason)


async def _begin(parts: LoadParts, ids: Sequence[str]) -> None:
    at_ms = parts.clock.now_ms()

    def unit(tx: Tx) -> None:
        if not store.begin(tx, ids, at_ms=at_ms, lost_before_ms=at_ms - LOST_AFTER_MS):
            raise AlreadyLoading(f"{', '.join(ids)}: loaded by another process at this moment")

    await parts.database.write(unit)


async def _fail(parts: LoadParts, ids: Sequence[str], error: str) -> None:
    at_ms = parts.clock.now_ms()

    def unit(tx: Tx) -> None:
        store.fail(tx, ids, error)
        for id_ in ids:
            _audit(tx, id_, at_ms, outcome="failed", changes={"error": error})

    await parts.database.write(unit)
    log.warning("sat_list_failed", lists=ids, error=error)


async def load(parts: LoadParts, published: Published, files: Sequence[Path]) -> list[ListState]:
    """The lists of ``published`` are what the files say. Inside ``loading``. Raises Unreadable: nothing has changed."""
    found = await asyncio.to_thread(survey, published, files)
    states = await parts.database.read(store.states)
    before = [states[each.id] for each in published.lists]
    held = sum(state.entries for state in before)
    if found.total * LEAST_PART < held:
        raise Unreadable(f"holds {found.total} rows, less than half of the {held} loaded before")
    await _sweep(parts, before)
    changes = await _write_beside(parts, published, files, before)
    await parts.database.write(store.analyse)
    faults.point("sat_lists.written")
    after = await parts.database.write(partial(_put_in_force, parts, before, found, changes))
    faults.point("sat_lists.in_force")
    await _sweep(parts, after)
    log.info("sat_lists_loaded", lists={state.id: state.entries for state in after}, skipped=found.skipped)
    return after


async def _sweep(parts: LoadParts, states: Sequence[ListState]) -> None:
    for state in states:
        while await parts.database.write(partial(store.sweep, id_=state.id, version=state.version, limit=BATCH)):
            continue


async def _write_beside(
    parts: LoadParts, published: Published, files: Sequence[Path], before: Sequence[ListState]
) -> Mapping[str, tuple[int, int]]:
    """(added, removed) by list: what the load in force has not is added, what the files have not is marked."""
    next_version = {state.id: state.version + 1 for state in before}
    known = {state.id: await _known(parts, state) for state in before}
    added = dict.fromkeys(next_version, 0)
    new = _new_rows(read(published, files), known, next_version)
    while rows := await asyncio.to_thread(lambda: list(islice(new, BATCH))):
        await parts.database.write(partial(store.add, rows=rows))
        for row in rows:
            added[row["list"]] += 1
    changes = {}
    for id_, version in next_version.items():
        gone = [entry for entries in known[id_].values() for entry in entries]
        for start in range(0, len(gone), BATCH):
            batch = gone[start : start + BATCH]
            await parts.database.write(partial(store.mark_removed, ids=batch, version=version))
        changes[id_] = (added[id_], len(gone))
    return changes


async def _known(parts: LoadParts, state: ListState) -> dict[int, list[int]]:
    """Ids of the entries in force, by digest."""
    found: dict[int, list[int]] = {}
    after = 0
    while True:
        page = await parts.database.read(partial(store.digests, id_=state.id, after=after, limit=KNOWN_BATCH))
        for entry_id, digest in page:
            found.setdefault(digest, []).append(entry_id)
        if len(page) < KNOWN_BATCH:
            return found
        after = page[-1][0]


def _new_rows(
    rows: Iterator[Row], known: Mapping[str, dict[int, list[int]]], versions: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Rows that are not in force yet; those that are leave ``known``."""
    for row in rows:
        detail = json.dumps(row.detail)
        raw = hashlib.blake2b(row.rfc.encode() + b"\n" + detail, digest_size=8).digest()
        digest = int.from_bytes(raw, "big", signed=True)
        same = known[row.list].get(digest)
        if same:
            same.pop()
            continue
        yield {
            "list": row.list, "rfc": row.rfc, "digest": digest, "detail": detail, "added_in": versions[row.list],
        }  # fmt: skip


def _put_in_force(
    parts: LoadParts,
    before: Sequence[ListState],
    found: Survey,
    changes: Mapping[str, tuple[int, int]],
    tx: Tx,
) -> list[ListState]:
    at_ms = parts.clock.now_ms()
    after = []
    for state in before:
        added, removed = changes[state.id]
        is_first = not state.is_loaded
        new = replace(
            state,
            version=state.version + 1,
            entries=found.rows[state.id],
            status="ok" if added or removed or is_first else "unchanged",
            synced_ms=at_ms,
            source_date=found.source_date.isoformat() if found.source_date else None,
            added=added,
            removed=removed,
            error=None,
        )
        store.put_in_force(tx, new)
        _audit(
            tx,
            state.id,
            at_ms,
            outcome=new.status,
            changes={"entries": new.entries, "added": added, "removed": removed},
        )
        after.append(new)
    if any(state.status == "ok" for state in after):
        parts.changed(tx)
    return after


def _audit(tx: Tx, id_: str, at_ms: int, *, outcome: str, changes: Mapping[str, Any]) -> None:
    audit.append(tx, SERVER_CHAIN, Action.SAT_LIST_SYNC, id_, SERVER_ACTOR, at_ms, outcome=outcome, changes=changes)
