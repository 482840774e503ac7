"""Picks up newer catalogues while the process runs: a look at one file every few seconds."""

import asyncio
from contextlib import suppress

import structlog

from timbra.catalogs.compile import DataDamagedError, compiled
from timbra.catalogs.home import Home
from timbra.catalogs.load import SatData
from timbra.catalogs.published import BadCatalogs

LOOK_S = 5.0

log = structlog.get_logger(__name__)


class Watch:
    """Keeps ``data`` at the newest of ``home``. ``start`` begins the looking, ``stop`` ends it."""

    def __init__(self, home: Home, data: SatData) -> None:
        self._home = home
        self._data = data
        self._state = home.state()
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> bool:
        """Whether there was newer data; it is in use then. Data that cannot be read is told of once and left alone."""
        state = self._home.state()
        if state == self._state:
            return False
        self._state = state
        try:
            await asyncio.to_thread(self._take)
        except (BadCatalogs, DataDamagedError, OSError) as error:
            log.warning("catalogs.not_taken", file=str(self._home.watched), reason=str(error))
            return False
        log.info("catalogs.taken", version=self._data.version)
        return True

    def _take(self) -> None:
        self._data.become(compiled(self._home))

    def start(self) -> None:
        """The file is looked at every five seconds, on the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """Nothing runs any more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()
