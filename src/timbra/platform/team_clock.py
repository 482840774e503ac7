"""Time as a team sees it: in test mode its clock can be moved forward, so that 72 hours or a month end need no waiting.

Whatever a team's own data is dated and judged by (documents, deadlines, certificates, due work) takes this clock. Keys,
sessions, idempotency, rate limits, links and deliveries stay with the machine's. In live mode and for the server itself
both are the same. A clock is never moved back: what has happened stays in the past.

A moved clock goes on running. It is kept as the distance to the machine's clock, in memory and in the database; other
processes notice a move within REFRESH_S.
"""

import asyncio
from datetime import date

from sqlalchemy import Column, String, Table, select

from timbra.platform.clock import Clock, day_of
from timbra.platform.db import Database, DatabaseUnavailable, Instant, Tx, insert_or, metadata
from timbra.platform.scope import TeamScope
from timbra.platform.tenancy import is_test, open_team, server_wide

REFRESH_S = 1.0
AHEAD_MAX_MS = 5 * 366 * 86_400_000  # five years: longer than a CSD is valid

team_clocks = Table(
    "team_clocks",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("ahead_ms", Instant, nullable=False),  # of the machine's clock
    Column("moved_ms", Instant, nullable=False),  # by the machine's clock
)


class NotForward(Exception):
    """The instant is not later than the team's present."""


class TooFar(Exception):
    """The instant is more than AHEAD_MAX_MS ahead of the machine's clock."""


class TeamClock:
    """The clock of whichever team is acted for."""

    def __init__(self, database: Database, machine: Clock) -> None:
        self._database = database
        self._machine = machine
        self._ahead_ms: dict[str, int] = {}
        self._refreshing: asyncio.Task[None] | None = None

    def now_ms(self) -> int:
        """The present of the team acted for."""
        return self._machine.now_ms() + self.ahead_ms()

    def today(self, zone: str) -> date:
        """The calendar day of that present in ``zone`` (an IANA name)."""
        return day_of(self.now_ms(), zone)

    def ahead_ms(self) -> int:
        """How far that present is ahead of the machine's clock: 0 unless a test team has moved its own."""
        return self._ahead_ms.get(open_team(), 0) if is_test() else 0

    def moved(self) -> list[TeamScope]:
        """The teams whose test mode is ahead."""
        return [TeamScope(team_id, livemode=False) for team_id in self._ahead_ms]

    async def move(self, scope: TeamScope, to_ms: int) -> int:
        """The team's present is ``to_ms``; how far ahead that is. Raises NotForward, TooFar; nothing has changed then."""
        assert not scope.livemode, "live time is the machine's"
        machine_ms = self._machine.now_ms()
        ahead_ms = to_ms - machine_ms
        if ahead_ms > AHEAD_MAX_MS:
            raise TooFar

        def unit(tx: Tx) -> None:
            known = select(team_clocks.c.ahead_ms).where(team_clocks.c.team_id == scope.team_id).with_for_update()
            if ahead_ms <= (tx.execute(known).scalar_one_or_none() or 0):
                raise NotForward
            row = {"team_id": scope.team_id, "ahead_ms": ahead_ms, "moved_ms": machine_ms}
            upsert = insert_or(tx, team_clocks).values(row)
            later = team_clocks.c.ahead_ms < ahead_ms
            tx.execute(upsert.on_conflict_do_update(index_elements=["team_id"], set_=row, where=later))

        await self._database.write(unit)
        self._ahead_ms[scope.team_id] = max(ahead_ms, self._ahead_ms.get(scope.team_id, 0))
        return ahead_ms

    def load(self) -> None:
        """The clocks are as the database has them."""
        with server_wide():
            self._ahead_ms = self._database.read_sync(_all)

    def start(self) -> None:
        """From now on moves that other processes make are noticed. An embedded database has no others."""
        if not self._database.is_sqlite and self._refreshing is None:
            self._refreshing = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Nothing runs any more. Idempotent."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
            self._refreshing = None

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                with server_wide():
                    stored = await self._database.read(_all)
            except DatabaseUnavailable:
                continue
            for team_id, ahead_ms in stored.items():
                self._ahead_ms[team_id] = max(ahead_ms, self._ahead_ms.get(team_id, 0))


def _all(tx: Tx) -> dict[str, int]:
    return {row.team_id: row.ahead_ms for row in tx.execute(select(team_clocks.c.team_id, team_clocks.c.ahead_ms))}
