"""All SQL of SAT's lists."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, text, update

from timbra.platform import json
from timbra.platform.db import Tx, insert_or
from timbra.sat_lists.lists import LISTS
from timbra.sat_lists.tables import sat_list_entries as entries
from timbra.sat_lists.tables import sat_lists


@dataclass(frozen=True, slots=True)
class ListState:
    """What is held of a list, and how the last attempt to load it went. ``version`` 0: it was never loaded."""

    id: str
    version: int = 0
    entries: int = 0
    status: str = "never"
    started_ms: int | None = None
    synced_ms: int | None = None
    source_date: str | None = None
    added: int = 0
    removed: int = 0
    error: str | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether checks can tell of it."""
        return self.version > 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a list that is in force."""

    list: str
    rfc: str
    detail: Mapping[str, Any]


def states(tx: Tx) -> dict[str, ListState]:
    """Every list by its id, those never loaded included."""
    found = {row.id: ListState(**row._mapping) for row in tx.execute(select(sat_lists))}  # noqa: SLF001 (public API)
    return {each.id: found.get(each.id) or ListState(each.id) for each in LISTS}


def loaded(tx: Tx) -> frozenset[str]:
    """Ids of the lists that were loaded at least once."""
    return frozenset(tx.execute(select(sat_lists.c.id).where(sat_lists.c.version > 0)).scalars())


def _in_force() -> ColumnElement[bool]:
    gone_later = or_(entries.c.removed_in.is_(None), entries.c.removed_in > sat_lists.c.version)
    return (entries.c.added_in <= sat_lists.c.version) & gone_later


def entries_of(tx: Tx, rfcs: Collection[str]) -> Iterator[Entry]:
    """The entries in force of these RFCs, in the order in which their files have them."""
    found = (
        select(entries.c.list, entries.c.rfc, entries.c.detail)
        .join(sat_lists, sat_lists.c.id == entries.c.list)
        .where(entries.c.rfc.in_(rfcs), _in_force())
        .order_by(entries.c.id)
    )
    for row in tx.execute(found):
        yield Entry(row.list, row.rfc, json.loads(row.detail.encode()))


# --- loading -------------------------------------------------------------------------------------------------------


def begin(tx: Tx, ids: Collection[str], *, at_ms: int, lost_before_ms: int) -> bool:
    """The lists are being loaded by the caller; False when somebody else does, since ``lost_before_ms`` or later."""
    for id_ in sorted(ids):
        blank = {"id": id_, "version": 0, "entries": 0, "status": "never", "added": 0, "removed": 0}
        tx.execute(insert_or(tx, sat_lists).values(blank).on_conflict_do_nothing())
    free = or_(sat_lists.c.status != "running", sat_lists.c.started_ms < lost_before_ms)
    taken = tx.execute(
        update(sat_lists).where(sat_lists.c.id.in_(ids), free).values(status="running", started_ms=at_ms, error=None)
    )
    return taken.rowcount == len(ids)


def digests(tx: Tx, id_: str, *, after: int, limit: int) -> list[tuple[int, int]]:
    """(id, digest) of entries in force behind the id ``after``, lowest id first."""
    found = (
        select(entries.c.id, entries.c.digest)
        .join(sat_lists, sat_lists.c.id == entries.c.list)
        .where(entries.c.list == id_, entries.c.id > after, _in_force())
        .order_by(entries.c.id)
    )
    return [(row.id, row.digest) for row in tx.execute(found.limit(limit))]


def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """The entries wait for the load they were added in. rows: ``list rfc digest detail added_in``."""
    tx.execute(insert(entries), list(rows))


def mark_removed(tx: Tx, ids: Collection[int], version: int) -> None:
    """The entries are gone from the load ``version`` on."""
    tx.execute(update(entries).where(entries.c.id.in_(ids)).values(removed_in=version))


def put_in_force(tx: Tx, state: ListState) -> None:
    """The list is what its load made of it."""
    values = {name: getattr(state, name) for name in ListState.__slots__ if name not in ("id", "started_ms")}
    tx.execute(update(sat_lists).where(sat_lists.c.id == state.id).values(values))


def fail(tx: Tx, ids: Collection[str], error: str) -> None:
    """The attempt failed; what was in force stays."""
    tx.execute(update(sat_lists).where(sat_lists.c.id.in_(ids)).values(status="failed", error=error))


def sweep(tx: Tx, id_: str, version: int, limit: int) -> int:
    """Up to ``limit`` entries that no load in force has are gone, and marks of loads that never came; how many."""
    of_list = entries.c.list == id_
    batch = select(entries.c.id).where(of_list, entries.c.added_in > version).limit(limit)
    done = tx.execute(delete(entries).where(entries.c.id.in_(batch.scalar_subquery()))).rowcount
    batch = select(entries.c.id).where(of_list, entries.c.removed_in <= version).limit(limit)
    done += tx.execute(delete(entries).where(entries.c.id.in_(batch.scalar_subquery()))).rowcount
    batch = select(entries.c.id).where(of_list, entries.c.removed_in > version).limit(limit)
    kept = update(entries).where(entries.c.id.in_(batch.scalar_subquery())).values(removed_in=None)
    return int(done + tx.execute(kept).rowcount)


def analyse(tx: Tx) -> None:
    """PostgreSQL knows how many RFCs there are; until its own round it would read all entries for a few of them."""
    if tx.dialect == "postgresql":
        tx.execute(text("ANALYZE sat_list_entries"))


def count(tx: Tx, id_: str) -> int:
    """How many entries of the list are stored, in force or not."""
    return int(tx.execute(select(func.count()).select_from(entries).where(entries.c.list == id_)).scalar_one())
