"""The worker of deliveries: relays new events, leases lanes that have something to send, and drains them side by side.

The job engine polls once a second and costs 5 ms a job; an event should be on its way in a quarter of a second and there
are thousands. So each process looks at our own rows five times a second. What is due, and who has it, stands in them
(docs/decisions/0028-deliveries.md).
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from timbra.platform import faults
from timbra.platform.db import DatabaseUnavailable
from timbra.platform.ids import new_id
from timbra.platform.tenancy import acting_for
from timbra.webhooks import relay, store_events, store_lanes
from timbra.webhooks.drain import LEASE_MS, Drain
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.store_lanes import Lane

PAUSE_S: Final = 0.2
AFTER_OUTAGE_S: Final = 2.0
LANES_MAX: Final = 200
LEASED_AT_ONCE: Final = 20
ROUND_S: Final = 10.0

log = structlog.get_logger(__name__)


class Courier:
    """Deliveries of one process, between ``start`` and ``stop``."""

    def __init__(self, parts: WebhookParts) -> None:
        self._parts = parts
        self._drains: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Events are delivered from now on, on the running event loop."""
        if self._task is None:
            self._is_stopping = False
            self._task = asyncio.create_task(self._keep_going())

    async def stop(self) -> None:
        """No new try is begun, those under way have ended and are recorded. Idempotent."""
        self._is_stopping = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await asyncio.gather(*self._drains, return_exceptions=True)

    async def run_dry(self) -> None:
        """Every event has been relayed and everything that is due by now has been tried."""
        while await self.turn() or self._drains:
            if self._drains:
                await asyncio.gather(*self._drains)

    async def turn(self) -> bool:
        """One look at the rows: a batch of events relayed, lanes leased and begun. Whether there was anything."""
        now_ms = self._parts.clock.now_ms()
        database = self._parts.database
        relayed = 0
        if await database.look(store_events.has_waiting):
            relayed = await database.write(partial(relay.relay, now_ms=now_ms))
        begun = 0
        free = min(LEASED_AT_ONCE, LANES_MAX - len(self._drains))
        if free > 0 and await database.look(partial(store_lanes.has_due, now_ms=now_ms)):
            tokens = [new_id("lane") for _ in range(free)]
            lease = partial(store_lanes.lease, tokens=tokens, now_ms=now_ms, until_ms=now_ms + LEASE_MS)
            lanes = await database.write(lease)
            faults.point("webhooks.leased")
            for lane in lanes:
                self._begin(lane)
            begun = len(lanes)
        return relayed + begun > 0

    def _begin(self, lane: Lane) -> None:
        task = asyncio.create_task(self._drain(lane))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _drain(self, lane: Lane) -> None:
        until_s = asyncio.get_running_loop().time() + ROUND_S

        def is_wanted() -> bool:
            is_crowded = len(self._drains) >= LANES_MAX // 2
            return not self._is_stopping and not (is_crowded and asyncio.get_running_loop().time() > until_s)

        with acting_for(lane.scope.team_id):
            try:
                await Drain(self._parts, lane, is_wanted).run()
            except DatabaseUnavailable:
                log.warning("webhook_drain_interrupted", endpoint=lane.endpoint_id)  # the lease runs out
            except Exception:
                log.exception("webhook_drain_failed", endpoint=lane.endpoint_id)

    async def _keep_going(self) -> None:
        while True:
            pause_s = PAUSE_S
            try:
                if await self.turn():
                    pause_s = 0
            except DatabaseUnavailable:
                pause_s = AFTER_OUTAGE_S
            except Exception:
                log.exception("webhook_turn_failed")
                pause_s = AFTER_OUTAGE_S
            await asyncio.sleep(pause_s)
