"""Brings a database to the schema of this release, and says whether it is there.

The steps live in ``timbra.migrations``; each upgrade is one transaction. An embedded database is copied before a step
touches it, to ``<file>.before-<revision>``.
"""

import contextlib
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from timbra.platform import jobs
from timbra.platform.db import Database, Tx
from timbra.platform.engines import sqlite_module


class DatabaseNewer(Exception):
    """The database was migrated by a later release than this one, which must not touch it."""


def config() -> Config:
    """Alembic's settings: the steps of this package, wherever it is installed."""
    made = Config()
    made.set_main_option("script_location", "timbra:migrations")
    made.set_main_option("path_separator", "os")
    return made


def head() -> str | None:
    """The revision of this release; None while there is no step yet."""
    return ScriptDirectory.from_config(config()).get_current_head()


def current(database: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    return database.read_sync(lambda tx: MigrationContext.configure(tx.connection).get_current_revision())


def is_current(database: Database) -> bool:
    """Whether this release can work with the database as it is. Raises DatabaseNewer."""
    revision = current(database)
    refuse_newer(revision)
    return revision == head()


def refuse_newer(revision: str | None) -> None:
    """Raises DatabaseNewer for a revision that is no step of this release."""
    known = {step.revision for step in ScriptDirectory.from_config(config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise DatabaseNewer(
            f"the database is at revision {revision}, which this release does not know: install a later one"
        )


def upgrade(database: Database, revision: str = "head") -> None:
    """The database is at ``revision`` and holds the tables of background work. Raises DatabaseNewer."""
    before = current(database)
    refuse_newer(before)
    if before != head() or revision != "head":
        if database.is_sqlite and before is not None:
            _copy_file(database, before)
        database.migrate_sync(_step(command.upgrade, revision))
    jobs.install(database)


def downgrade(database: Database, revision: str) -> None:
    """The database is at the earlier ``revision`` ("base": empty)."""
    database.migrate_sync(_step(command.downgrade, revision))


def _step(run: Callable[[Config, str], None], revision: str) -> Callable[[Tx], None]:
    def unit(tx: Tx) -> None:
        with_connection = config()
        with_connection.attributes["connection"] = tx.connection
        run(with_connection, revision)

    return unit


def _copy_file(database: Database, revision: str) -> None:
    path = make_url(database.url).database
    driver = sqlite_module()
    with contextlib.closing(driver.connect(path)) as source:
        with contextlib.closing(driver.connect(f"{path}.before-{revision}")) as target:
            source.backup(target)
