"""One worker sends what waits for one endpoint.

First tries of one object go one after the other in the order of the feed; everything else goes side by side, as many at
once as the lane has slots. A try is recorded before it is made (``processing``) and after it; results that come while
others are being written are written together. Whatever dies in between is found again by the lane's lease running out.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog

from timbra.platform import faults, json
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.platform.ids import new_below
from timbra.platform.scope import TeamScope
from timbra.webhooks import store, store_deliveries, store_lanes
from timbra.webhooks.attempt import GONE_STATUS, attempt, following
from timbra.webhooks.model import FAILED, FAILING, GONE, UNAVAILABLE, Attempt, Endpoint
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.relay import is_served
from timbra.webhooks.signing import Opened
from timbra.webhooks.store_lanes import Lane, Outcome, Taken
from timbra.webhooks.switch_off import has_failed_long, switch_off

LEASE_MS: Final = 15_000
RENEW_AFTER_S: Final = 3.0
TRY_S: Final = 5.5  # how long a try may still write after the lease was looked at
LOOK_S: Final = 0.2
QUEUE: Final = 30
HELD_MAX: Final = 300
JITTER_STEPS: Final = 1_000

log = structlog.get_logger(__name__)


class Drain:
    """The work on one leased lane. ``run`` ends when nothing is due, the lease is lost, or ``is_wanted`` says no."""

    def __init__(self, parts: WebhookParts, lane: Lane, is_wanted: Callable[[], bool]) -> None:
        self._parts = parts
        self._lane = lane
        self._is_wanted = is_wanted
        self._egress = parts.egress.apart(connections=lane.slots)
        self._queue: deque[Taken] = deque()
        self._busy: dict[str, deque[Taken]] = {}  # objects whose first try is under way, with those that wait for it
        self._running: set[asyncio.Task[tuple[Taken, Attempt]]] = set()
        self._leased_s = monotonic_s()
        self._is_lost = False
        self._is_over = False  # the lease is lost, or the receiver is gone: nothing more is sent
        self._endpoint: Endpoint | None = None
        self._opened: Opened | None = None
        self._opened_locks: tuple[object, ...] | None = None

    async def run(self) -> None:
        """Everything that was due has been tried and the lane is free."""
        try:
            await self._work()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._egress.aclose()
        if not self._is_lost:
            await self._parts.database.write(partial(store_lanes.release, lane=self._lane, now_ms=self._now_ms()))

    async def _work(self) -> None:
        await self._refill()
        while self._queue or self._running:
            if self._is_over or not self._is_wanted():
                self._queue.clear()  # the rows wait, for whoever has the lane next
            self._start()
            finished = await self._finished()
            self._start()
            if finished:
                await self._record(finished)
            if not self._queue and not self._is_over and await self._has_more():
                await self._refill()
            elif self._held_s() > RENEW_AFTER_S:
                await self._renew()

    async def _has_more(self) -> bool:
        if not self._is_wanted() or sum(map(len, self._busy.values())) > HELD_MAX:
            return False
        return await self._parts.database.look(partial(store_lanes.has_more, lane=self._lane, now_ms=self._now_ms()))

    async def _finished(self) -> list[tuple[Taken, Attempt]]:
        """What has ended by now; waits a little when nothing has."""
        if not self._running:
            return []
        done, self._running = await asyncio.wait(self._running, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        ended = [task.result() for task in done]
        self._is_over = self._is_over or any(tried.response_code == GONE_STATUS for _, tried in ended)
        for taken, _ in ended:
            if taken.is_first:
                self._queue.extendleft(reversed(self._busy.pop(taken.object_id)))
        return ended

    def _start(self) -> None:
        while self._queue and len(self._running) < self._lane.slots and self._may_send():
            taken = self._queue.popleft()
            if taken.is_first:
                if taken.object_id in self._busy:
                    self._busy[taken.object_id].append(taken)
                    continue
                self._busy[taken.object_id] = deque()
            self._running.add(asyncio.create_task(self._try(taken)))

    def _may_send(self) -> bool:
        """Whether a try begun now ends before the lease does."""
        return not self._is_over and self._held_s() * 1_000 < LEASE_MS - TRY_S * 1_000

    async def _try(self, taken: Taken) -> tuple[Taken, Attempt]:
        if taken.event is None or self._endpoint is None or self._opened is None:
            return taken, Attempt(self._now_ms(), 0, category=UNAVAILABLE)
        faults.point("webhooks.before_send")
        tried = await attempt(self._egress, self._parts.clock, self._endpoint, self._opened, taken.event)
        faults.point("webhooks.after_send")
        return taken, tried

    # --- what is written -------------------------------------------------------------------------------------------

    async def _refill(self) -> None:
        """More deliveries are processing, by this worker."""
        now_ms = self._now_ms()

        def unit(tx: Tx) -> tuple[bool, Endpoint | None, list[Taken]]:
            if not store_lanes.renew(tx, self._lane, now_ms + LEASE_MS):
                return False, None, []
            endpoint = store.get(tx, self._scope, self._lane.endpoint_id)
            if endpoint is None or not endpoint.is_active or not is_served(tx, self._scope.team_id):
                store_deliveries.end_open(tx, self._scope, self._lane.endpoint_id, now_ms)
                return True, None, []
            return True, endpoint, store_lanes.take(tx, self._lane, QUEUE, now_ms)

        asked_s = monotonic_s()
        is_mine, endpoint, taken = await self._parts.database.write(unit)
        self._noted_lease(asked_s, is_mine=is_mine)
        faults.point("webhooks.taken")
        if endpoint is not None and self._locks(endpoint, now_ms) != self._opened_locks:
            self._opened = await asyncio.to_thread(self._parts.secrets.open, endpoint, now_ms)
            self._opened_locks = self._locks(endpoint, now_ms)
        self._endpoint = endpoint
        self._queue.extend(taken)

    def _locks(self, endpoint: Endpoint, now_ms: int) -> tuple[object, ...]:
        """What the opened secrets follow from."""
        overlaps = (endpoint.previous_until_ms or 0) > now_ms
        return endpoint.sealed_secret, endpoint.sealed_previous, endpoint.sealed_headers, overlaps

    async def _renew(self) -> None:
        asked_s = monotonic_s()
        renew = partial(store_lanes.renew, lane=self._lane, until_ms=self._now_ms() + LEASE_MS)
        self._noted_lease(asked_s, is_mine=await self._parts.database.write(renew))

    def _noted_lease(self, asked_s: float, *, is_mine: bool) -> None:
        if is_mine:
            self._leased_s = asked_s
        else:
            log.warning("webhook_lane_lost", endpoint=self._lane.endpoint_id)
            self._is_lost = self._is_over = True

    async def _record(self, ended: Sequence[tuple[Taken, Attempt]]) -> None:
        """The results are in the log, and the endpoint is off when they say so. Nothing is written without the lease."""
        now_ms = self._now_ms()
        outcomes = [outcome_of(taken, tried, now_ms) for taken, tried in ended]
        tries = [tried for _, tried in ended if tried.category != UNAVAILABLE]

        def unit(tx: Tx) -> bool:
            if not store_lanes.renew(tx, self._lane, now_ms + LEASE_MS):
                return False
            store_lanes.record(tx, self._lane, outcomes, now_ms)
            if tries:
                self._note(tx, tries, now_ms)
            return True

        asked_s = monotonic_s()
        self._noted_lease(asked_s, is_mine=await self._parts.database.write(unit))
        faults.point("webhooks.recorded")

    def _note(self, tx: Tx, tries: Sequence[Attempt], now_ms: int) -> None:
        """The endpoint's clocks are right; it is switched off after a 410 or five days of failures."""
        ordered = sorted(tries, key=lambda tried: tried.at_ms + tried.latency_ms)
        last_success = max((place for place, tried in enumerate(ordered) if tried.is_success), default=-1)
        failing = ordered[last_success + 1 :]
        failures = [tried for tried in ordered if not tried.is_success]
        store.note_outcomes(
            tx,
            self._scope,
            self._lane.endpoint_id,
            success_ms=ordered[last_success].at_ms if last_success >= 0 else None,
            failure_ms=failures[-1].at_ms if failures else None,
            failing_ms=failing[0].at_ms if failing else None,
        )
        reason = GONE if any(tried.response_code == GONE_STATUS for tried in tries) else None
        if reason is None and failing:
            endpoint = store.get(tx, self._scope, self._lane.endpoint_id)
            if endpoint is not None and has_failed_long(endpoint.failing_since_ms, now_ms):
                reason = FAILING
        if reason is not None:
            switch_off(tx, self._parts, self._scope, self._lane.endpoint_id, reason, now_ms)

    # --- small things ----------------------------------------------------------------------------------------------

    @property
    def _scope(self) -> TeamScope:
        return self._lane.scope

    def _now_ms(self) -> int:
        return self._parts.clock.now_ms()

    def _held_s(self) -> float:
        """Seconds since the lease was last known to be ours."""
        return monotonic_s() - self._leased_s


def outcome_of(taken: Taken, tried: Attempt, now_ms: int) -> Outcome:
    """What is recorded of a try."""
    tries = taken.tries + 1
    attempts = json.dumps([*json.loads(taken.attempts.encode()), tried.to_wire()])
    status, due_ms = following(tried, tries, now_ms, new_below(JITTER_STEPS))
    if tried.category == UNAVAILABLE:
        status, due_ms = FAILED, None
    return Outcome(taken.id, status, tries, attempts, tried.response_code, tried.latency_ms, tried.category, due_ms)
