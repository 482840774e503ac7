"""Whether this machine's clock is right, by the Date headers of PACs: a wrong clock ends in refusals (SAT code 401)."""

from email.utils import parsedate_to_datetime
from typing import Final

import structlog

from timbra.platform.clock import Clock

log = structlog.get_logger(__name__)

WARN_S: Final = 30
DEGRADED_S: Final = 120


class ClockSkew:
    """The difference seen last. One provider's clock may be wrong: it is a warning, never a refusal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = 0  # positive: ours is ahead

    def hear(self, date_header: str) -> None:
        """Compares with an answer's Date; an unreadable one says nothing."""
        try:
            theirs_s = int(parsedate_to_datetime(date_header).timestamp())
        except ValueError:
            return
        was, self.seconds = self.seconds, self._clock.now_ms() // 1000 - theirs_s
        if abs(self.seconds) >= WARN_S > abs(was):
            log.warning("clock_skew", seconds=self.seconds, hint="set the clock of this machine by NTP")

    @property
    def is_too_large(self) -> bool:
        """Documents will be refused for their date."""
        return abs(self.seconds) >= DEGRADED_S
