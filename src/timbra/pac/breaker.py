"""A fuse in front of one provider: after several failures it is left alone for a while, then tried with one call.

It only ever answers "do not call now", which is the same as unreachable: nothing was sent, another PAC may be asked.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from timbra.platform.clock import monotonic_s

FAILURES: Final = 5  # within the window
WINDOW_S: Final = 60.0
REST_S: Final = 30.0
CALLS_AT_ONCE: Final = 20
TURN_S: Final = 1.0  # how long a call waits for its turn


class Resting(Exception):
    """The provider is not called now; the text says why."""


class Breaker:
    """State of one provider in this process. ``now``: seconds of a clock that never steps back."""

    def __init__(self, now: Callable[[], float] = monotonic_s) -> None:
        self._now = now
        self._failed: deque[float] = deque(maxlen=FAILURES)
        self._opened: float | None = None
        self._probe_since: float | None = None

    @property
    def is_open(self) -> bool:
        """A call made now would not leave."""
        if self._opened is None:
            return False
        now = self._now()
        is_probed = self._probe_since is not None and now < self._probe_since + REST_S
        return now < self._opened + REST_S or is_probed

    def admit(self) -> None:
        """A call may leave. After the rest the first one is the probe. Raises Resting."""
        if self.is_open:
            raise Resting("the provider failed several times and is left alone for a while")
        if self._opened is not None:
            self._probe_since = self._now()

    def worked(self) -> None:
        """The provider answered: the fuse is closed."""
        self._failed.clear()
        self._opened = self._probe_since = None

    def failed(self) -> None:
        """The provider was unreachable or stayed silent; the fifth time within a minute opens the fuse."""
        now = self._now()
        self._failed.append(now)
        is_probe = self._probe_since is not None
        if is_probe or (len(self._failed) == FAILURES and now - self._failed[0] <= WINDOW_S):
            self._opened, self._probe_since = now, None


class Gate:
    """Breaker and bulkhead of one provider, shared by every team that uses it: a slow PAC takes 20 calls, not all."""

    def __init__(self, breaker: Breaker | None = None, *, at_once: int = CALLS_AT_ONCE) -> None:
        self.breaker = breaker or Breaker()
        self._turns = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A call may be made inside. Raises Resting when the fuse is open or no turn is free within a second."""
        self.breaker.admit()
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise Resting(f"{CALLS_AT_ONCE} calls to the provider are under way") from None
        try:
            yield
        finally:
            self._turns.release()
