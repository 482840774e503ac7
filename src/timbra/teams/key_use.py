"""When keys were last used: noted in memory by every process, written to the records behind its back."""

import asyncio
from contextlib import suppress

from timbra.platform.clock import Clock
from timbra.platform.db import Database, DatabaseUnavailable
from timbra.teams import store_keys

MINUTE_MS = 60_000
FLUSH_S = 20.0


class KeyUse:
    """Minutes of use by ``key_id``. ``note`` costs a dictionary entry; ``start`` begins the writing, ``stop`` ends it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._unwritten: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: str, at_ms: int) -> None:
        """The key was used now."""
        minute = at_ms - at_ms % MINUTE_MS
        if self._written.get(key_id) != minute:
            self._unwritten[key_id] = minute

    async def flush(self) -> None:
        """Every use noted so far is in the records."""
        if not self._unwritten:
            return
        batch, self._unwritten = self._unwritten, {}
        try:
            await self._database.write(lambda tx: store_keys.set_last_used(tx, batch))
        except DatabaseUnavailable:
            self._unwritten = batch | self._unwritten
            return
        self._written = batch

    def start(self) -> None:
        """Uses are written every 20 seconds, on the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_flushing())

    async def stop(self) -> None:
        """Everything noted is written and nothing runs any more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.flush()

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()
