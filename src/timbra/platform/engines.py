"""The two engines: how connections are made, how SQLite's transactions begin, and what the drivers' errors mean."""

import importlib
import sqlite3
import types
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

BUSY_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 5_000


def sqlite_module() -> types.ModuleType:
    """The SQLite driver: the ``pysqlite3`` wheel where it exists, whose library is newer than most systems'."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def sqlite_engine(url: str, begin: str, threads: int, foreign_keys: str = "ON") -> Engine:
    """An engine whose transactions start with ``begin``; WAL, every commit on the disk."""
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


def postgresql_engine(url: str, threads: int) -> Engine:
    """An engine whose statements and lock waits end in time, and whose sessions act for the whole server."""
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


def begins_at_once(connection: Connection) -> bool:
    """False when a writer of another process or of the job engine is at work: the caller waits elsewhere."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        connection.begin()
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        return False
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    return True


def is_serialization_failure(error: DBAPIError) -> bool:
    """Another transaction was in the way: the unit may run again at once."""
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


def is_duplicate(error: IntegrityError) -> bool:
    """A unique key was taken already."""
    return getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE constraint" in str(error.orig)


def is_outage(error: DBAPIError) -> bool:
    """The database cannot be reached, is locked, or the statement took too long."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) in ("55P03", "57014", "57P01", "57P03", "53300")
    return "no such" not in str(error.orig)
