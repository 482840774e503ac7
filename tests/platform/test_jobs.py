import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from timbra.platform import jobs as module
from timbra.platform.clock import FrozenClock, SystemClock
from timbra.platform.config import Settings
from timbra.platform.db import Database, Tx
from timbra.platform.jobs import Jobs

SOAK = "TIMBRA_SOAK" in os.environ
PROCESS = Path(__file__).with_name("job_process.py")


async def until(fact: Callable[[], bool], within_s: float = 15) -> None:
    """Waits until ``fact`` holds; fails the test if it does not in time."""
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.05)


def counted(database: Database, what: str) -> dict[str, int]:
    statement = text("SELECT job, count(*) FROM notes WHERE what = :what GROUP BY job")
    return {row[0]: row[1] for row in database.read_sync(lambda tx: tx.execute(statement, {"what": what}).all())}


@pytest.fixture(autouse=True)
def quick_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.1)
    monkeypatch.setattr("dbos._workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC", 0.1)


@pytest.fixture
def notes(database: Database) -> Database:
    database.write_sync(lambda tx: tx.execute(text("CREATE TABLE notes (what VARCHAR(10), job VARCHAR(40))")))
    return database


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, Settings(), SystemClock())


def run(jobs: Jobs, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await jobs.start()
        try:
            await scenario()
        finally:
            await jobs.stop()

    asyncio.run(main())


class Worker:
    """A killable process that does the jobs called ``work``."""

    def __init__(self, url: str, pause_s: float) -> None:
        self.process = subprocess.Popen([sys.executable, str(PROCESS), url, str(pause_s)], stdout=subprocess.PIPE)

    def started(self) -> "Worker":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"started\n"
        return self

    def end(self, how: int) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(20)


@pytest.fixture
def workers(database_url: str) -> Iterator[Callable[[float], Worker]]:
    made: list[Worker] = []

    def start(pause_s: float) -> Worker:
        made.append(Worker(database_url, pause_s))
        return made[-1]

    yield start
    for worker in made:
        worker.end(signal.SIGKILL)


def test_committed_job_runs_once_and_rolled_back_one_never(jobs: Jobs, database: Database) -> None:
    ran: list[tuple[str, ...]] = []

    async def work(*ids: str) -> None:
        ran.append(ids)

    def rolled_back(tx: Tx) -> None:
        jobs.enqueue(tx, "work", "inv_never")
        raise KeyError

    async def scenario() -> None:
        await database.write(lambda tx: jobs.enqueue(tx, "work", "inv_1", "team_1"))
        with pytest.raises(KeyError):
            await database.write(rolled_back)
        await until(lambda: bool(ran))
        await asyncio.sleep(0.5)  # a few more polls

    jobs.register("work", work)
    run(jobs, scenario)

    assert ran == [("inv_1", "team_1")]


def test_job_runs_on_the_loop_that_started_it_and_outside_of_any_transaction(jobs: Jobs, database: Database) -> None:
    loops: list[object] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())

    async def scenario() -> None:
        await database.write(lambda tx: jobs.enqueue(tx, "work"))
        await until(lambda: bool(loops))
        assert loops == [asyncio.get_running_loop()]

    jobs.register("work", work)
    run(jobs, scenario)


def test_delayed_job_waits(jobs: Jobs, database: Database) -> None:
    ran_at: list[float] = []

    async def work() -> None:
        ran_at.append(time.monotonic())

    async def scenario() -> None:
        enqueued_at = time.monotonic()
        await database.write(lambda tx: jobs.enqueue(tx, "work", delay_s=1.5))
        await until(lambda: bool(ran_at))
        assert 1 < ran_at[0] - enqueued_at < 6

    jobs.register("work", work)
    run(jobs, scenario)


def test_same_key_is_done_once(jobs: Jobs, database: Database) -> None:
    ran: list[str] = []

    async def work(number: str) -> None:
        ran.append(number)

    async def scenario() -> None:
        for number in ("1", "2"):
            await database.write(lambda tx, number=number: jobs.enqueue(tx, "work", number, key="inv_1"))
        await until(lambda: bool(ran))
        await database.write(lambda tx: jobs.enqueue(tx, "work", "3", key="inv_1"))
        await database.write(lambda tx: jobs.enqueue(tx, "work", "4", key="inv_2"))
        await until(lambda: "4" in ran)

    jobs.register("work", work)
    run(jobs, scenario)

    assert ran == ["1", "4"]


def test_failing_job_is_tried_again_later_and_given_up_after_the_last_delay(
    jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_DELAYS_S", (0.2, 0.2))
    attempts: list[str] = []

    async def work(invoice: str) -> None:
        attempts.append(invoice)
        raise OSError("a text that must not reach the engine's tables")

    async def scenario() -> None:
        await database.write(lambda tx: jobs.enqueue(tx, "work", "inv_1"))
        await until(lambda: len(attempts) == 3)
        await asyncio.sleep(0.5)

    jobs.register("work", work)
    run(jobs, scenario)

    assert attempts == ["inv_1"] * 3


def test_schedule_fires_once_per_tick_and_survives_a_failure(jobs: Jobs) -> None:
    ticks: list[int] = []

    async def sweep() -> None:
        ticks.append(int(time.time()))
        if len(ticks) == 1:
            raise OSError

    async def scenario() -> None:
        await until(lambda: len(ticks) >= 2)

    jobs.every("sweep", "* * * * * *", sweep)
    run(jobs, scenario)

    assert len(ticks) == len(set(ticks))


def test_schedule_does_not_overtake_itself(jobs: Jobs) -> None:
    running = overlaps = begun = 0

    async def sweep() -> None:
        nonlocal running, overlaps, begun
        begun += 1
        running += 1
        overlaps += running > 1
        await asyncio.sleep(1.3)
        running -= 1

    async def scenario() -> None:
        await until(lambda: begun >= 2)

    jobs.every("sweep", "* * * * * *", sweep)
    run(jobs, scenario)

    assert overlaps == 0


def test_stop_waits_for_running_jobs(jobs: Jobs, database: Database) -> None:
    begun, ended = asyncio.Event(), False

    async def work() -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(0.5)
        ended = True

    async def scenario() -> None:
        await database.write(lambda tx: jobs.enqueue(tx, "work"))
        await asyncio.wait_for(begun.wait(), 15)

    jobs.register("work", work)
    run(jobs, scenario)

    assert ended


def test_finished_jobs_are_forgotten_after_a_day(database: Database) -> None:
    clock = FrozenClock(SystemClock().now_ms())
    jobs = Jobs(database, Settings(), clock)
    table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
    stored: list[int] = []
    ran: list[str] = []

    async def work(*ids: str) -> None:
        ran.extend(ids)

    def rows() -> int:
        return int(database.read_sync(lambda tx: tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()))

    async def scenario() -> None:
        await database.write(lambda tx: jobs.enqueue(tx, "work", "inv_1"))
        await until(lambda: bool(ran))
        await asyncio.sleep(0.5)
        for _ in range(2):
            await jobs._forget_finished()
            stored.append(rows())
            clock.advance(25 * 3_600_000)

    jobs.register("work", work)
    run(jobs, scenario)

    assert stored == [1, 0]


def test_job_of_a_killed_process_is_finished_by_another(
    notes: Database, jobs: Jobs, workers: Callable[[float], Worker]
) -> None:
    async def unused(job: str) -> None:
        raise AssertionError(job)

    jobs.register("work", unused)
    notes.write_sync(lambda tx: jobs.enqueue(tx, "work", "inv_1"))
    jobs.close()

    first = workers(60).started()
    asyncio.run(until(lambda: counted(notes, "begun") == {"inv_1": 1}))
    first.end(signal.SIGKILL)
    second = workers(0).started()
    asyncio.run(until(lambda: counted(notes, "done") == {"inv_1": 1}))

    assert second.end(signal.SIGTERM) == 0
    assert counted(notes, "begun") == {"inv_1": 2}


def test_three_replicas_finish_everything_though_they_are_killed(
    notes: Database, jobs: Jobs, workers: Callable[[float], Worker]
) -> None:
    if notes.is_sqlite:
        pytest.skip("an embedded database has one process")
    kills = 30 if SOAK else 4

    async def unused(job: str) -> None:
        raise AssertionError(job)

    jobs.register("work", unused)
    alive = [workers(0.2) for _ in range(3)]
    for number in range(kills):
        for item in range(20):
            notes.write_sync(lambda tx, name=f"{number}.{item}": jobs.enqueue(tx, "work", name))
        alive.pop(0).started().end(signal.SIGKILL)
        alive.append(workers(0.2))
    jobs.close()
    asyncio.run(until(lambda: len(counted(notes, "done")) == kills * 20, within_s=60))
