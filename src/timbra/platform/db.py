"""The database: engines, units of work and column types. The only module that commits.

A unit of work is a plain function that gets a ``Tx``; it runs in a worker thread, is committed before its result is
given back, and never waits for a network. On SQLite every writing unit begins IMMEDIATE and they queue behind one
another inside the process; reads have connections of their own. See docs/decisions/0004-two-engines.md.
"""

import asyncio
import importlib
import sqlite3
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql import Executable
from sqlalchemy.types import TypeDecorator

from timbra.platform import faults, tenancy

T = TypeVar("T")

SQLITE_THREADS = 2
POSTGRESQL_THREADS = 8
BUSY_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 5_000
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
    return sqlite.insert(table) if tx.dialect == "sqlite" else postgresql.insert(table)


def sqlite_module() -> types.ModuleType:
    """The SQLite driver: the ``pysqlite3`` wheel where it exists, whose library is newer than most systems'."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def _sqlite_engine(url: str, begin: str, threads: int, foreign_keys: str = "ON") -> Engine:
    engine = create_engine(
        url,
        module=sqlite_module(),
        poolclass=QueuePool,
        pool_size=threads,
        max_overflow=0,
        hide_parameters=True,  # values would reach the log with an error
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={foreign_keys}", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: str, threads: int) -> Engine:
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC -c timbra.team=*"
    return create_engine(
        url,
        pool_size=threads,
        max_overflow=0,
        hide_parameters=True,  # values would reach the log with an error
        pool_timeout=STATEMENT_TIMEOUT_MS / 1000,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 3},
    )


def normalise_url(url: str) -> str:
    """The URL with the driver this server uses (psycopg 3)."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class Database:
    """One database, with its threads. ``write`` and ``read`` run a unit of work; nothing else touches a connection."""

    def __init__(self, url: str) -> None:
        self.url = normalise_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        if self.is_sqlite:
            self.writer = _guarded(_sqlite_engine(self.url, "BEGIN IMMEDIATE", 1))
            self.reader = _guarded(_sqlite_engine(self.url, "BEGIN", SQLITE_THREADS))
            self._write_threads = ThreadPoolExecutor(1, "db-write")
            self._read_threads = ThreadPoolExecutor(SQLITE_THREADS, "db-read")
        else:
            self.writer = self.reader = _guarded(_postgresql_engine(self.url, POSTGRESQL_THREADS))
            self._write_threads = self._read_threads = ThreadPoolExecutor(POSTGRESQL_THREADS, "db")
        # One writer per process on SQLite: the engine's own waiting is unfair.
        self._write_lock = threading.RLock() if self.is_sqlite else nullcontext()

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """The result of ``unit``, whose changes are durable when this returns. Raises DatabaseUnavailable, UniqueViolation."""
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._write_threads, run, self.write_sync, unit)

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """The result of ``unit`` over one snapshot. Raises DatabaseUnavailable."""
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, run, self.read_sync, unit)

    def write_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``write``, for callers without an event loop (commands, migrations)."""
        with self._write_lock:
            result = self._run(self.writer, unit)
        faults.point("db.committed")
        return result

    def read_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``read``, for callers without an event loop."""
        return self._run(self.reader, unit)

    def migrate_sync(self, unit: Callable[[Tx], T]) -> T:
        """Like ``write_sync``, for changes of the schema: no statement limit, foreign keys looked at only at the end."""
        if not self.is_sqlite:
            return self._run(self.writer, lambda tx: _without_limit(tx, unit))
        engine = _sqlite_engine(self.url, "BEGIN EXCLUSIVE", 1, foreign_keys="OFF")
        try:
            with self._write_lock:
                return self._run(engine, lambda tx: _checked(tx, unit))
        finally:
            engine.dispose()

    def _run(self, engine: Engine, unit: Callable[[Tx], T]) -> T:
        assert not in_transaction.get(), "units of work do not nest"
        for attempt in range(SERIALIZATION_RETRIES):
            try:
                return _run_once(engine, unit)
            except DBAPIError as error:
                if _is_serialization_failure(error) and attempt + 1 < SERIALIZATION_RETRIES:
                    continue
                if isinstance(error, IntegrityError) and _is_duplicate(error):
                    raise UniqueViolation from error
                if _is_outage(error):
                    raise DatabaseUnavailable(type(error.orig).__name__) from error
                raise
        raise AssertionError("unreachable: the loop returns or raises")

    def close(self) -> None:
        """No thread and no connection is left."""
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self.writer.dispose()
        self.reader.dispose()


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


def _is_serialization_failure(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


def _is_duplicate(error: IntegrityError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE constraint" in str(error.orig)


def _is_outage(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) in ("55P03", "57014", "57P01", "57P03", "53300")
    return "no such" not in str(error.orig)
