"""Work that falls due by a team's clock: done by schedule for everybody, and at once for a team that moves its own.

    due.add("stamped", "invoices.stamp_due", "*/5 * * * * *", partial(sweep.stamp_due, parts))

``work(None)`` does what is due for all teams by the machine's clock, ``work(scope)`` what is due for one by its own; both
give how many things were done. What only the server's time decides (keys, deliveries, mail) is no such work.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from timbra.platform.jobs import Jobs
from timbra.platform.scope import TeamScope
from timbra.platform.team_clock import TeamClock
from timbra.platform.tenancy import acting_for

Work = Callable[[TeamScope | None], Awaitable[int]]
TeamWork = Callable[[TeamScope], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    cron: str
    work: Work


class Due:
    """Every kind of such work, in the order in which it is done after a clock was moved."""

    def __init__(self, clock: TeamClock) -> None:
        self._clock = clock
        self._items: dict[str, _Item] = {}

    def add(self, label: str, name: str, cron: str, work: Work) -> None:
        """A kind of work. label: what is counted, for people; name: of its schedule; cron: as ``Jobs.every``."""
        assert label not in self._items, label
        self._items[label] = _Item(name, cron, work)

    def schedule(self, jobs: Jobs) -> None:
        """Every kind is done at its times from now on."""
        for label, item in self._items.items():
            jobs.every(item.name, item.cron, partial(self.run, label))

    async def run(self, label: str) -> None:
        """The work of each team that has moved its clock, by that clock, then of everybody by the machine's."""
        work = self._items[label].work
        for scope in self._clock.moved():
            with acting_for(scope):
                await work(scope)
        await work(None)

    def of_team(self) -> Mapping[str, TeamWork]:
        """By label: the work of one team, which must be acted for."""
        return {label: item.work for label, item in self._items.items()}
