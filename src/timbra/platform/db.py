"""The database: engines, units of work and column types. The only module that commits.

A unit of work is a plain function that gets a ``Tx``; it is committed before its result is given back, and never waits
for a network. On PostgreSQL it runs in a worker thread. On SQLite reading units do; writing units begin IMMEDIATE, queue
behind one another inside the process and share commits (``timbra.platform.turns``). A unit may run again after a
failure, so it changes nothing but the database. See docs/decisions/0004-two-engines.md.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql import Executable
from sqlalchemy.types import TypeDecorator

from timbra.platform import faults, tenancy
from timbra.platform.engines import (
    begins_at_once,
    is_duplicate,
    is_outage,
    is_serialization_failure,
    normalise_url,
    postgresql_engine,
    sqlite_engine,
)
from timbra.platform.turns import Turns

T = TypeVar("T")

SQLITE_THREADS = 2
POSTGRESQL_THREADS = 8
LOCK_WAIT_S = 30
SERIALIZATION_RETRIES = 5

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# True while a unit of work runs in this context: the outgoing-call client refuses to work then (rule R7).
in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


class DatabaseUnavailable(Exception):
    """The database cannot be reached or is locked; the caller may try again."""


class UniqueViolation(Exception):
    """A row with this key exists already: a parallel unit of work was faster."""


class MicroInt(TypeDecorator[int]):
    """An amount, rate or quantity as an integer of 10^-6."""

    impl = BigInteger
    cache_ok = True


class Instant(TypeDecorator[int]):
    """Milliseconds UTC since 1970."""

    impl = BigInteger
    cache_ok = True


class JsonText(TypeDecorator[str]):
    """JSON kept verbatim, so that decimals stay exact."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return value.decode() if isinstance(value, bytes) else value


# Row numbers that the engine hands out itself: SQLite only does that for a column typed INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


class Tx:
    """An open transaction. Statements only; it cannot commit."""

    __slots__ = ("_connection", "dialect")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    def execute(
        self, statement: Executable, params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Runs one statement and gives its result."""
        return self._connection.execute(statement, params)

    @property
    def connection(self) -> Connection:
        """For ``platform.jobs``, which enqueues in this very transaction."""
        return self._connection


_OPEN_TEAM = text("SELECT set_config('timbra.team', :team, true)")
_guard = tenancy.Guard(metadata)


def _guarded(engine: Engine) -> Engine:
    @event.listens_for(engine, "before_cursor_execute")
    def _on_execute(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, is_many: bool) -> None:
        _guard.check(statement, given, is_many=is_many)

    return engine


def insert_or(tx: Tx, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update`` on both engines."""
    return insert_on(tx.dialect, table)


def insert_on(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The same for statements that are built once and kept: building one costs ten times its execution."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Database:
    """One database, with its threads. ``write`` and ``read`` run a unit of work; nothing else touches a connection."""

    def __init__(self, url: str) -> None:
        self.url = normalise_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        if self.is_sqlite:
            self.writer = _guarded(sqlite_engine(self.url, "BEGIN IMMEDIATE", 1))
            self.reader = _guarded(sqlite_engine(self.url, "BEGIN", SQLITE_THREADS))
            self._looker = _guarded(sqlite_engine(self.url, "BEGIN", 1))
            self._write_threads = ThreadPoolExecutor(1, "db-write")
            self._read_threads = ThreadPoolExecutor(SQLITE_THREADS, "db-read")
        else:
            self.writer = self.reader = self._looker = _guarded(postgresql_engine(self.url, POSTGRESQL_THREADS))
            self._write_threads = self._read_threads = ThreadPoolExecutor(POSTGRESQL_THREADS, "db")
        self._write_lock = threading.Lock()  # SQLite: one writer per process, the engine's own waiting is unfair
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """The result of ``unit``, whose changes are durable when this returns. Raises DatabaseUnavailable, UniqueViolation."""
        loop, context = asyncio.get_running_loop(), copy_context()
        if not self.is_sqlite:
            return await loop.run_in_executor(self._write_threads, context.run, self.write_sync, unit)
        turns = self._turns.get(loop) or self._turns.setdefault(loop, Turns(self._begin_turn))
        return await turns.run(lambda tx: context.run(_inside, unit, tx))

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """The result of ``unit`` over one snapshot. Raises DatabaseUnavailable."""
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, run, self.read_sync, unit)

    async def look(self, unit: Callable[[Tx], T]) -> T:
        """Like ``read``, for a few rows found by their keys: on SQLite at once, a thread would cost more than they do."""
        return self._run(self._looker, unit) if self.is_sqlite else await self.read(unit)

    def write_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``write``, for callers without an event loop (commands, migrations)."""
        with self._alone():
            result = self._run(self.writer, unit)
        faults.point("db.committed")
        return result

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        self._take_lock()
        try:
            yield
        finally:
            self._write_lock.release()

    def _take_lock(self) -> None:
        if not self._write_lock.acquire(timeout=LOCK_WAIT_S):
            raise DatabaseUnavailable("another writer of this process does not end")

    async def _begin_turn(self) -> "_Turn":
        """The transaction of the next units; waits in a thread for writers elsewhere."""
        run = partial(asyncio.get_running_loop().run_in_executor, self._write_threads)
        if not self._write_lock.acquire(blocking=False):
            await run(self._take_lock)
        connection = None
        try:
            connection = self.writer.connect()
            if not begins_at_once(connection):
                await run(connection.begin)
        except BaseException as error:
            if connection is not None:
                connection.close()
            self._write_lock.release()
            raise _translated(error) from error
        return _Turn(connection, run, self._write_lock)

    def read_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``read``, for callers without an event loop."""
        return self._run(self.reader, unit)

    def migrate_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``write_sync``, for changes of the schema: no statement limit, foreign keys looked at only at the end."""
        if not self.is_sqlite:
            return self._run(self.writer, lambda tx: _without_limit(tx, unit))
        engine = sqlite_engine(self.url, "BEGIN EXCLUSIVE", 1, foreign_keys="OFF")
        try:
            with self._alone():
                return self._run(engine, lambda tx: _checked(tx, unit))
        finally:
            engine.dispose()

    def _run(self, engine: Engine, unit: Callable[[Tx], T]) -> T:
        assert not in_transaction.get(), "units of work do not nest"
        for attempt in range(SERIALIZATION_RETRIES):
            try:
                return _run_once(engine, unit)
            except DBAPIError as error:
                if is_serialization_failure(error) and attempt + 1 < SERIALIZATION_RETRIES:
                    continue
                raise _translated(error) from error
        raise AssertionError("unreachable: the loop returns or raises")

    def close(self) -> None:
        """No thread and no connection is left."""
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        for engine in (self.writer, self.reader, self._looker):
            engine.dispose()


class _Turn:
    """One transaction of SQLite's writing connection, begun; the process's write lock is held until its end."""

    def __init__(self, connection: Connection, in_thread: Callable[..., Any], lock: threading.Lock) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._in_thread = in_thread
        self._lock = lock
        self._lost: BaseException | None = None

    def attempt(self, unit: Callable[[Tx], Any]) -> tuple[Any, BaseException | None]:
        """Result or error of the unit; a failed one leaves nothing behind."""
        if self._lost is not None:
            return None, self._lost
        self._driver.execute("SAVEPOINT unit")
        try:
            result = unit(Tx(self._connection))
        except BaseException as error:  # noqa: BLE001 (told to whoever waits)
            if not self._driver.in_transaction:  # a full disk, for example: SQLite has undone everything
                self._lost = error
                return None, error
            self._driver.execute("ROLLBACK TO unit")
            self._driver.execute("RELEASE unit")
            return None, _translated(error)
        self._driver.execute("RELEASE unit")
        return result, None

    async def end(self) -> None:
        """Everything is durable. Raises DatabaseUnavailable when it is not; nothing has happened then."""
        await self._in_thread(self._end)

    def _end(self) -> None:
        try:
            if self._lost is not None:
                raise DatabaseUnavailable("transaction lost") from self._lost
            self._connection.commit()
        except DBAPIError as error:
            raise _translated(error) from error
        finally:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
            self._connection.close()
            self._lock.release()


def _inside(unit: Callable[[Tx], T], tx: Tx) -> T:
    """The unit, in a context of its own that knows it is inside a transaction."""
    assert not in_transaction.get(), "units of work do not nest"
    in_transaction.set(True)
    return unit(tx)


def _translated(error: BaseException) -> BaseException:
    """What callers are told of an error of the driver."""
    if not isinstance(error, DBAPIError):
        return error
    told: Exception = error
    if isinstance(error, IntegrityError) and is_duplicate(error):
        told = UniqueViolation()
    elif is_outage(error):
        told = DatabaseUnavailable(type(error.orig).__name__)
    else:
        return error
    told.__cause__ = error
    return told


def _run_once(engine: Engine, unit: Callable[[Tx], T]) -> T:
    token = in_transaction.set(True)
    try:
        with engine.begin() as connection:
            team = tenancy.open_team()
            if team != tenancy.SERVER and connection.dialect.name == "postgresql":
                connection.execute(_OPEN_TEAM, {"team": team})
            return unit(Tx(connection))
    finally:
        in_transaction.reset(token)


def _without_limit(tx: Tx, unit: Callable[[Tx], T]) -> T:
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    return unit(tx)


def _checked(tx: Tx, unit: Callable[[Tx], T]) -> T:
    result = unit(tx)
    broken = tx.execute(text("PRAGMA foreign_key_check")).all()
    assert not broken, f"rows without their parent: {broken[:5]}"
    return result
