"""A team's clock in test mode: ahead of the machine's, never behind, and nobody else's."""

import asyncio

import pytest

from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database
from timbra.platform.scope import TeamScope
from timbra.platform.team_clock import AHEAD_MAX_MS, NotForward, TeamClock, TooFar
from timbra.platform.tenancy import acting_for, server_wide

NOW_MS = 1_791_568_800_000
HOUR_MS = 3_600_000
TEST, LIVE, OTHER = TeamScope("team_a", False), TeamScope("team_a", True), TeamScope("team_b", False)


@pytest.fixture
def machine() -> FrozenClock:
    return FrozenClock(NOW_MS)


def move(clock: TeamClock, to_ms: int) -> int:
    async def go() -> int:
        with acting_for(TEST):
            return await clock.move(TEST, to_ms)

    return asyncio.run(go())


def test_only_the_teams_own_test_mode_is_ahead(database: Database, machine: FrozenClock) -> None:
    clock = TeamClock(database, machine)

    assert move(clock, NOW_MS + HOUR_MS) == HOUR_MS

    seen = {}
    for name, whom in {"test": TEST, "live": LIVE, "other": OTHER, "id": "team_a"}.items():
        with acting_for(whom):
            seen[name] = clock.now_ms() - NOW_MS
    with acting_for(TEST), server_wide():
        seen["server"] = clock.now_ms() - NOW_MS
    assert seen == {"test": HOUR_MS, "live": 0, "other": 0, "id": 0, "server": 0}
    assert clock.moved() == [TEST]


def test_it_goes_on_running_and_outlives_the_process(database: Database, machine: FrozenClock) -> None:
    move(TeamClock(database, machine), NOW_MS + 72 * HOUR_MS)
    machine.advance(HOUR_MS)

    again = TeamClock(database, machine)
    again.load()

    with acting_for(TEST):
        assert again.now_ms() == NOW_MS + 73 * HOUR_MS
        assert again.today("America/Mexico_City").isoformat() == "2026-10-12"


@pytest.mark.parametrize("to_ms", [NOW_MS - 1, NOW_MS, NOW_MS + HOUR_MS - 1, NOW_MS + HOUR_MS])
def test_it_is_never_moved_back(database: Database, machine: FrozenClock, to_ms: int) -> None:
    clock = TeamClock(database, machine)
    move(clock, NOW_MS + HOUR_MS)

    with pytest.raises(NotForward):
        move(clock, to_ms)

    clock.load()
    with acting_for(TEST):
        assert clock.now_ms() == NOW_MS + HOUR_MS


def test_another_process_that_knows_of_no_move_cannot_move_it_back(database: Database, machine: FrozenClock) -> None:
    late = TeamClock(database, machine)
    move(TeamClock(database, machine), NOW_MS + 2 * HOUR_MS)

    with pytest.raises(NotForward):
        move(late, NOW_MS + HOUR_MS)


def test_it_has_an_end(database: Database, machine: FrozenClock) -> None:
    clock = TeamClock(database, machine)

    with pytest.raises(TooFar):
        move(clock, NOW_MS + AHEAD_MAX_MS + 1)

    assert clock.moved() == []


def test_other_processes_notice_a_move(
    database: Database, machine: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("an embedded database has one process")
    monkeypatch.setattr("timbra.platform.team_clock.REFRESH_S", 0.01)
    one, two = TeamClock(database, machine), TeamClock(database, machine)

    async def watch() -> int:
        two.start()
        with acting_for(TEST):
            await one.move(TEST, NOW_MS + HOUR_MS)
            for _ in range(200):
                if two.now_ms() != NOW_MS:
                    break
                await asyncio.sleep(0.01)
            seen = two.now_ms()
        await two.stop()
        return seen - NOW_MS

    assert asyncio.run(watch()) == HOUR_MS
