"""Units of work that share transactions: how an event loop writes to an SQLite database.

The units that wait are run one after the other in one transaction, each behind a savepoint, on the event loop itself;
the commit, which waits for the disk, runs in a thread while the loop goes on, and whatever arrives meanwhile makes up
the next transaction. In a thread the statements would take many times longer: SQLite's driver gives the interpreter
lock away at every one of them, and a busy event loop gives it back milliseconds later.

Nobody gets a result or a refusal before the commit: what it rests on may be another unit's work.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, Protocol, TypeVar

from timbra.platform import faults

T = TypeVar("T")
Unit = Callable[[Any], Any]
Future = asyncio.Future[Any]

UNITS_PER_TURN = 16  # the event loop does nothing else while they run


class Turn(Protocol):
    """One open transaction."""

    def attempt(self, unit: Unit) -> tuple[Any, BaseException | None]:
        """Result or error of the unit; a failed one leaves nothing behind. Raises when the transaction is lost."""
        ...

    async def end(self) -> None:
        """All of it is durable. Raises when it is not; nothing has happened then."""
        ...


class Turns:
    """The units that wait for a transaction, on one event loop."""

    def __init__(self, begin: Callable[[], Awaitable[Turn]]) -> None:
        self._begin = begin
        self._waiting: deque[tuple[Unit, Future]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def run(self, unit: Callable[[Any], T]) -> T:
        """The result of ``unit``, durable."""
        loop = asyncio.get_running_loop()
        future: Future = loop.create_future()
        self._waiting.append((unit, future))
        if self._running is None:
            self._running = loop.create_task(self._run(), context=Context())
        result: T = await future
        return result

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), UNITS_PER_TURN)
                await self._turn([self._waiting.popleft() for _ in range(count)])
        finally:
            self._running = None

    async def _turn(self, units: list[tuple[Unit, Future]]) -> None:
        outcomes: list[tuple[Future, Any, BaseException | None]] = []
        try:
            turn = await self._begin()
            outcomes = [(future, *turn.attempt(unit)) for unit, future in units if not future.cancelled()]
            await turn.end()
        except Exception as failure:  # noqa: BLE001 (whoever waits gets it)
            outcomes = [(future, None, failure) for _, future in units]
        for future, result, error in outcomes:
            if not future.done():
                _tell(future, result, error)


def _tell(future: Future, result: Any, error: BaseException | None) -> None:
    try:
        if error is None:
            faults.point("db.committed")
    except BaseException as death:  # noqa: BLE001 (a crash test's; it is the caller's death)
        error = death
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
