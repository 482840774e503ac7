"""Rate limits: how many calls a bucket takes.

The contract speaks of token buckets; the library ``limits`` has none. Its moving window of ``size`` calls in
``size / refill`` seconds is the closest: same burst, same steady rate, exact, never more generous than the bucket. It
gives a whole burst back at once, ``size / refill`` seconds after it was made, where a bucket would trickle.

In memory by default; with a Redis or Valkey URL all replicas share the buckets (extra
``shared-limits``: its client speaks to both). When the store is down calls are let through and the log says so: an outage of the counter must
not become an outage of invoicing.
"""

import math
from dataclasses import dataclass

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import Storage as SharedStorage
from limits.aio.strategies import MovingWindowRateLimiter as SharedWindow
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from timbra.http.errors import RateLimited
from timbra.platform.clock import Clock

log = structlog.get_logger(__name__)

STORE_TIME_S = 0.5

# bucket: (size, calls refilled, in seconds)
BUCKETS = {
    "api": (120, 10, 1),
    "stamp": (60, 5, 1),
    "upload": (20, 1, 1),
    "credential": (5, 5, 3600),
    "anonymous": (60, 5, 1),
    "signup": (10, 30, 3600),
    "badauth": (30, 20, 60),
}


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket after a call. ``reset_s``: unix second at which it is full again."""

    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the reply says about the bucket."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_s),
        ]


class RateLimits:
    """``setting``: ``off``, or sizes such as ``api=120,stamp=60`` (0 switches a bucket off)."""

    def __init__(self, clock: Clock, setting: str = "", storage_url: str = "memory://") -> None:
        self._clock = clock
        self._windows = {} if setting.strip().lower() == "off" else _windows(setting)
        self._own: MovingWindowRateLimiter | None = None
        self._shared: SharedWindow | None = None
        if storage_url.startswith("memory"):
            self._own = MovingWindowRateLimiter(MemoryStorage())
        else:
            valkey_url = "async+" + storage_url.replace("redis", "valkey", 1)
            storage = storage_from_string(valkey_url, wrap_exceptions=True, socket_timeout=STORE_TIME_S)
            assert isinstance(storage, SharedStorage)
            self._shared = SharedWindow(storage)

    async def take(self, bucket: str, who: str) -> Level | None:
        """One call is counted; the bucket afterwards, None when it is switched off. Raises RateLimited."""
        window = self._windows.get(bucket)
        if window is None:
            return None
        if self._own is not None:
            allowed = self._own.hit(window, bucket, who)
            oldest_gone, remaining = self._own.get_window_stats(window, bucket, who)
        else:
            try:
                assert self._shared is not None
                allowed = await self._shared.hit(window, bucket, who)
                oldest_gone, remaining = await self._shared.get_window_stats(window, bucket, who)
            except StorageError:
                log.warning("rate_limit_store_down", bucket=bucket)
                return None
        now = self._clock.now_ms() / 1000
        level = Level(window.amount, max(0, remaining), math.ceil(now + window.get_expiry()))
        if not allowed:
            raise RefusedCall(level, math.ceil(oldest_gone - now))
        return level


class RefusedCall(RateLimited):
    """429 with the state of the bucket that is empty."""

    def __init__(self, level: Level, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.level = level


def _windows(setting: str) -> dict[str, RateLimitItem]:
    sizes = {name: size for name, (size, _, _) in BUCKETS.items()}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        name, _, size = part.partition("=")
        if name not in BUCKETS or not size.isdigit():
            raise ValueError(f"rate_limits: {part!r} is not one of {', '.join(BUCKETS)} with a size")
        sizes[name] = int(size)
    windows: dict[str, RateLimitItem] = {}
    for name, (_, refilled, seconds) in BUCKETS.items():
        if sizes[name]:
            windows[name] = RateLimitItemPerSecond(sizes[name], math.ceil(sizes[name] * seconds / refilled))
    return windows
