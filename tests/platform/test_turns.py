"""Writing units of one event loop share commits on SQLite, and still succeed or fail each for itself."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from timbra.platform.db import Database, DatabaseUnavailable, Tx, UniqueViolation, in_transaction
from timbra.platform.engines import sqlite_module


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "units.sqlite"


@pytest.fixture
def base(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    database.write_sync(lambda tx: tx.execute(text("create table t (n integer primary key)")))
    yield database
    database.close()


def add(number: int) -> Any:
    def unit(tx: Tx) -> int:
        tx.execute(text("insert into t values (:n)"), {"n": number})
        return number

    return unit


def stored(file: Path) -> list[int]:
    connection = sqlite_module().connect(file)
    try:
        return [row[0] for row in connection.execute("select n from t order by n")]
    finally:
        connection.close()


async def outcomes(base: Database, *units: Any) -> list[Any]:
    return await asyncio.gather(*(base.write(unit) for unit in units), return_exceptions=True)


def test_units_that_wait_together_are_committed_together(base: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []

    async def run() -> list[Any]:
        turns = []
        begin = base._begin_turn

        async def counted() -> Any:
            turn = await begin()
            turns.append(turn)
            return turn

        monkeypatch.setattr(base, "_begin_turn", counted)
        got = await outcomes(base, *(add(number) for number in range(40)))
        ends.append(len(turns))
        return got

    assert asyncio.run(run()) == list(range(40))
    assert ends == [3]  # 16 + 16 + 8


def test_a_failed_unit_leaves_nothing_and_the_others_stay(base: Database, file: Path) -> None:
    def fails(tx: Tx) -> None:
        tx.execute(text("insert into t values (50)"))
        raise ValueError("no")

    first, error, twice, last = asyncio.run(outcomes(base, add(1), fails, add(1), add(2)))

    assert (first, last, stored(file)) == (1, 2, [1, 2])
    assert isinstance(error, ValueError)
    assert isinstance(twice, UniqueViolation)


def test_units_see_the_ones_before_them(base: Database) -> None:
    def count(tx: Tx) -> int:
        return int(tx.execute(text("select count(*) from t")).scalar_one())

    assert asyncio.run(outcomes(base, add(1), count, add(2), count)) == [1, 1, 2, 2]


def test_nobody_is_told_anything_when_the_commit_fails(base: Database, file: Path) -> None:
    def defer(tx: Tx) -> None:
        tx.execute(text("create table child (n integer references t (n) deferrable initially deferred)"))
        tx.execute(text("insert into child values (99)"))

    got = asyncio.run(outcomes(base, add(1), defer, add(2)))

    assert all(isinstance(one, Exception) for one in got)
    assert stored(file) == []
    assert asyncio.run(base.write(add(3))) == 3


def test_a_lost_transaction_fails_every_unit_of_its_turn(base: Database, file: Path) -> None:
    def rollback(tx: Tx) -> None:
        tx.execute(text("insert or rollback into t values (1)"))

    got = asyncio.run(outcomes(base, add(1), rollback, add(2)))

    assert [type(one) for one in got] == [DatabaseUnavailable] * 3
    assert stored(file) == []
    assert asyncio.run(base.write(add(1))) == 1


def test_the_loop_goes_on_while_another_writer_is_at_work(base: Database, file: Path) -> None:
    other = sqlite_module().connect(file, isolation_level=None)
    other.execute("begin immediate")

    async def run() -> tuple[int, int]:
        writing = asyncio.create_task(base.write(add(1)))
        steps = 0
        while steps < 10:
            await asyncio.sleep(0.01)
            steps += 1
        assert not writing.done()
        other.execute("commit")
        return steps, await writing

    assert asyncio.run(run()) == (10, 1)
    other.close()


def test_writers_in_threads_and_the_loop_take_turns(base: Database, file: Path) -> None:
    def in_thread() -> None:
        for number in range(100, 120):
            base.write_sync(add(number))

    async def run() -> None:
        thread = threading.Thread(target=in_thread)
        thread.start()
        for number in range(20):
            await base.write(add(number))
        await asyncio.to_thread(thread.join)

    asyncio.run(run())

    assert stored(file) == [*range(20), *range(100, 120)]


def test_the_unit_of_a_caller_who_has_gone_is_left_out(base: Database, file: Path) -> None:
    async def run() -> None:
        gone = asyncio.create_task(base.write(add(1)))
        await asyncio.sleep(0)
        gone.cancel()
        await base.write(add(2))

    asyncio.run(run())

    assert stored(file) == [2]


def test_units_know_that_they_are_inside_and_callers_that_they_are_not(base: Database) -> None:
    async def run() -> tuple[bool, bool]:
        return await base.write(lambda _: in_transaction.get()), in_transaction.get()

    assert asyncio.run(run()) == (True, False)


def test_a_look_is_a_snapshot_without_a_thread(base: Database) -> None:
    async def run() -> tuple[int, int]:
        await base.write(add(7))
        here = threading.get_ident()
        return await base.look(
            lambda tx: (tx.execute(text("select n from t")).scalar_one(), threading.get_ident() - here)
        )

    assert asyncio.run(run()) == (7, 0)
