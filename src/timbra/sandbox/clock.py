"""The team's clock in test mode: moved forward, never back, with the work that is due by then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from timbra.cfdi.workdays import add_working_days
from timbra.cfdi.zones import CENTRAL, instant_of, local_time
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.team_clock import AHEAD_MAX_MS, NotForward, TooFar
from timbra.sandbox.parts import SandboxParts
from timbra.sandbox.settings import refuse_live

DAY_MS = 86_400_000
MONTH_END = (23, 59)  # in Mexico City: what closes a month has begun by then (contract receipts.md section 8)
ROUNDS_MAX = 5  # work may make more work due at the same time


@dataclass(frozen=True, slots=True)
class Move:
    """Where to: exactly one is given. seconds: from the team's present; to_ms: an instant."""

    seconds: int | None = None
    working_days: int | None = None
    month_end: bool = False
    to_ms: int | None = None

    def target_ms(self, now_ms: int) -> int:
        """The instant to move to, seen from the team's present."""
        if self.to_ms is not None:
            return self.to_ms
        if self.seconds is not None:
            return now_ms + self.seconds * 1_000
        local = local_time(now_ms, CENTRAL)
        if self.working_days is not None:
            day = add_working_days(local.date(), self.working_days)
            return instant_of(datetime.combine(day, local.time()), CENTRAL)
        return _next_month_end_ms(local)


def _next_month_end_ms(local: datetime) -> int:
    """The next last day of a month at 23:59, central time, that is still to come."""
    first = local.replace(day=1, hour=MONTH_END[0], minute=MONTH_END[1], second=0)
    while True:
        first = (first + timedelta(days=31)).replace(day=1)
        end = first - timedelta(days=1)
        if end > local:
            return instant_of(end, CENTRAL)


def now(parts: SandboxParts) -> dict[str, Any]:
    """The team's clock as the API shows it."""
    now_ms, ahead_ms = parts.clock.now_ms(), parts.clock.ahead_ms()
    local = local_time(now_ms, CENTRAL).isoformat(timespec="seconds")
    return {"now": now_ms // 1000, "local": local, "ahead_seconds": ahead_ms // 1000}


async def move(parts: SandboxParts, caller: Caller, to: Move) -> Mapping[str, int]:
    """The clock is there and what is due by then is done: how many of each kind of work. Raises Invalid, NotFound."""
    refuse_live(caller)
    before_ms = parts.clock.now_ms()
    try:
        target_ms = to.target_ms(before_ms)
        await parts.clock.move(caller.scope, target_ms)
    except NotForward:
        raise _wrong("must be later than the team's present: a clock is never moved back") from None
    except (TooFar, OverflowError, ValueError):
        raise _wrong(f"must be at most {AHEAD_MAX_MS // DAY_MS} days ahead of the server's clock") from None

    def unit(tx: Tx) -> None:
        changes = {"from": before_ms // 1000, "to": target_ms // 1000}
        at_ms = parts.machine.now_ms()
        audit.append(tx, caller.scope, Action.SANDBOX_CLOCK, caller.scope.team_id, caller.actor, at_ms, changes=changes)

    await parts.database.write(unit)
    return await do_due_work(parts, caller)


def _wrong(text: str) -> Invalid:
    return Invalid([FieldError("to", "min", text)])


async def do_due_work(parts: SandboxParts, caller: Caller) -> dict[str, int]:
    """What is due for the team at its present, until nothing is left; how many of each kind."""
    works = parts.due.of_team()
    done = dict.fromkeys(works, 0)
    for _ in range(ROUNDS_MAX):
        counts = {name: await work(caller.scope) for name, work in works.items()}
        done = {name: done[name] + count for name, count in counts.items()}
        if not any(counts.values()):
            break
    return done
