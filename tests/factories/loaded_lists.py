"""SAT's lists in one database, loaded and read without a server."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database, Tx
from timbra.sat_lists import load, store
from timbra.sat_lists.lists import Published
from timbra.sat_lists.load import LoadParts
from timbra.sat_lists.store import ListState

AT_MS = 1_791_568_800_000


@dataclass
class Lists:
    """The lists of one database. ``told``: how often somebody was told that they changed."""

    database: Database
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(AT_MS))
    told: int = 0

    @property
    def parts(self) -> LoadParts:
        return LoadParts(self.database, self.clock, self._changed)

    def _changed(self, _tx: Tx) -> None:
        self.told += 1

    async def later(self, published: Published, *files: Path) -> list[ListState]:
        async with load.loading(self.parts, published):
            return await load.load(self.parts, published, files)

    def load(self, published: Published, *files: Path) -> list[ListState]:
        return asyncio.run(self.later(published, *files))

    def state(self, id_: str) -> ListState:
        return self.database.read_sync(store.states)[id_]

    def entries(self, *rfcs: str) -> list[tuple[str, str]]:
        """(list, name) of the entries in force."""
        return self.database.read_sync(lambda tx: [(e.list, e.detail["name"]) for e in store.entries_of(tx, rfcs)])

    def stored(self, id_: str) -> int:
        return self.database.read_sync(lambda tx: store.count(tx, id_))

    def snapshot(self) -> Any:
        """Everything but how the last attempt went."""
        return {
            id_: (state.version, state.entries, state.synced_ms, state.added, state.removed, self.stored(id_))
            for id_, state in self.database.read_sync(store.states).items()
        }
