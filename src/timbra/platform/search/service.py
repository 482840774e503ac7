"""The search of one process: answers queries and keeps the index up with what changes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import structlog

from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import store, update
from timbra.platform.search.find import Asked, Found, find
from timbra.platform.search.kinds import Kind
from timbra.platform.search.store import Shelf
from timbra.platform.tenancy import acting_for, server_wide

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.4
AT_ONCE: Final = 12  # objects in one transaction: on SQLite nothing else is done meanwhile
BEFORE_A_SEARCH: Final = 200  # what a search indexes itself; of more the background work has the rest

log = structlog.get_logger(__name__)


class Search:
    """Finds objects of the given kinds. ``start`` begins the background work of this process, ``stop`` ends it."""

    def __init__(self, database: Database, kinds: Iterable[Kind]) -> None:
        self._database = database
        self.kinds = {kind.name: kind for kind in kinds}
        self._task: asyncio.Task[None] | None = None

    async def find(
        self, scope: TeamScope, kind: str, asked: Asked, load: Callable[[Tx, Sequence[str]], T]
    ) -> tuple[T, int]:
        """(what ``load`` makes of the ids of the page, matches in all). Everything written before is found."""
        await self._catch_up(scope, kind)

        def unit(tx: Tx) -> tuple[T, int]:
            found: Found = find(tx, self.kinds[kind], scope, asked)
            return load(tx, found.ids), found.total

        return await self._database.read(unit)

    async def _catch_up(self, scope: TeamScope, kind: str) -> None:
        if not await self._database.look(lambda tx: store.marked(tx, scope, kind, 1)):
            return
        for _ in range(BEFORE_A_SEARCH // AT_ONCE):
            if await self._database.write(lambda tx: take_in(tx, self.kinds[kind], scope)) < AT_ONCE:
                return

    # --- background work ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Changes are indexed within a second, on the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_up())

    async def stop(self) -> None:
        """Nothing runs any more; what is marked stays marked."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.take_all_in()
            except Exception:
                log.exception("search_index_failed")

    async def take_all_in(self) -> int:
        """Every change that is marked now is in the index; how many there were."""
        with server_wide():
            waiting = await self._database.look(store.waiting)
        done = 0
        for scope, kind in waiting:
            with acting_for(scope.team_id):
                while kind in self.kinds:
                    count = await self._database.write(self._unit(scope, kind))
                    done += count
                    if count < AT_ONCE:
                        break
        return done

    def _unit(self, scope: TeamScope, kind: str) -> Callable[[Tx], int]:
        return lambda tx: take_in(tx, self.kinds[kind], scope, wait=False)


def take_in(tx: Tx, kind: Kind, scope: TeamScope, *, wait: bool = True) -> int:
    """The oldest marks are gone and the index has their objects as they are now; how many. 0 while another is at it."""
    row = store.lock(tx, scope, kind.name, wait=wait)
    if row is None:
        return 0
    marks = store.marked(tx, scope, kind.name, AT_ONCE)
    if not marks:
        return 0
    ids = list(dict.fromkeys(object_id for _, object_id in marks))
    entries = kind.read(tx, scope, ids)
    gone = sorted(set(ids) - {entry.id for entry in entries})
    for edition in (row["edition"], row["building"]):
        if edition is not None:
            update.put(tx, kind, Shelf(scope.team_id, edition), entries, gone)
    store.unmark(tx, scope, [mark for mark, _ in marks])
    return len(marks)
