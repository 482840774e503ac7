"""What every command does before its work: settings, logs, and a database that this release can work with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

import typer
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from timbra.platform import logs, migrate, vault_rotate
from timbra.platform.config import Settings
from timbra.platform.db import Database, DatabaseUnavailable
from timbra.platform.single import AlreadyRunning, SingleProcess
from timbra.platform.vault import VaultRefused
from timbra.platform.vault_local import LocalKeys

SEVERAL = "For several processes use PostgreSQL: set TIMBRA_DATABASE_URL=postgresql://user@host/database"


def fail(message: str, *, code: int = 1) -> NoReturn:
    """The command ends with ``message`` on standard error."""
    typer.secho(f"timbra: {message}", fg="red", err=True)
    raise typer.Exit(code)


def settings() -> Settings:
    """The settings in force; the command ends with what is wrong with them."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"TIMBRA_{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors())
        fail(f"settings: {wrong}", code=2)


def start_logs(found: Settings) -> None:
    """Logs go to standard error: text on a terminal, else JSON."""
    try:
        logs.configure(found.log_level.upper(), as_json=not sys.stderr.isatty())
    except ValueError:
        fail(f"TIMBRA_LOG_LEVEL: {found.log_level} is not one of DEBUG, INFO, WARNING, ERROR", code=2)


@contextmanager
def database(found: Settings) -> Iterator[Database]:
    """The database, open; the command ends when it cannot be reached, is newer, or its URL is wrong."""
    if found.database_url is None:
        found.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        opened = Database(found.url)
    except (ArgumentError, NoSuchModuleError) as error:
        fail(f"TIMBRA_DATABASE_URL: {logs.without_secrets(str(error))}", code=2)
    try:
        yield opened
    except DatabaseUnavailable as error:
        fail(f"the database {logs.without_secrets(opened.url)} cannot be reached ({error}): is the server running?")
    except migrate.DatabaseNewer as error:
        fail(str(error))
    finally:
        opened.close()


def refuse_outdated(opened: Database) -> None:
    """The command ends unless the database has the tables of this release."""
    if not migrate.is_current(opened):
        fail(
            f"the database is at revision {migrate.current(opened) or 'none'}, this release needs "
            f"{migrate.head()}. Run `timbra migrate`, then start again"
        )


@contextmanager
def ready_database(found: Settings) -> Iterator[None]:
    """While this lasts the process may serve: an embedded database is migrated and nobody else's, a server's is current."""
    with database(found) as opened:
        with sole_process(opened):
            if opened.is_sqlite:
                migrate.upgrade(opened)
            refuse_outdated(opened)
            master_keys(found, opened)
            opened.close()
            yield


def master_keys(found: Settings, opened: Database) -> LocalKeys:
    """The master keys of this migrated database; the command ends when those here are others."""
    try:
        keys = LocalKeys.open(found.key_folder, may_create=not vault_rotate.is_sealed(opened))
        vault_rotate.refuse_foreign(opened, keys)
    except VaultRefused as refused:
        fail(str(refused))
    return keys


def sole_process(opened: Database) -> SingleProcess | nullcontext[None]:
    """Held by whoever serves or migrates an embedded database; the command ends when somebody else does."""
    if not opened.is_sqlite:
        return nullcontext()
    try:
        return SingleProcess(opened.url)
    except AlreadyRunning as error:
        fail(f"{error}. {SEVERAL}")
