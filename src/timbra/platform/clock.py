"""The only place that reads the clock. Instants are integer milliseconds UTC."""

import time
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Whoever needs the time gets one of these."""

    def now_ms(self) -> int: ...

    def today(self, zone: str) -> date: ...


def day_of(now_ms: int, zone: str) -> date:
    """The calendar day of an instant in ``zone`` (an IANA name)."""
    return datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(ZoneInfo(zone)).date()


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def today(self, zone: str) -> date:
        """The calendar day now in ``zone`` (an IANA name)."""
        return day_of(self.now_ms(), zone)


class FrozenClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def today(self, zone: str) -> date:
        return day_of(self._now_ms, zone)

    def advance(self, by_ms: int) -> None:
        """Time moves forward by ``by_ms`` milliseconds."""
        self._now_ms += by_ms


def monotonic_s() -> float:
    """Seconds of a clock that never steps back, for durations only."""
    return time.monotonic()


def perf_ns() -> int:
    """Nanoseconds for measuring how long something took."""
    return time.perf_counter_ns()
