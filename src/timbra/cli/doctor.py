"""``timbra doctor``: what is configured, what is missing, and what to do about it."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import typer
from sqlalchemy import make_url

from timbra.catalogs.compile import DATABASE, folder_of
from timbra.catalogs.home import Home
from timbra.catalogs.load import Texts
from timbra.catalogs.published import BadCatalogs
from timbra.catalogs.wheels import locate
from timbra.cli import doctor_data, startup
from timbra.credentials import store_pacs
from timbra.platform import logs, migrate
from timbra.platform.config import Settings
from timbra.platform.db import Database, DatabaseUnavailable
from timbra.platform.engines import sqlite_module
from timbra.platform.mailer import MailServer
from timbra.platform.vault_local import KEY_FILE, newest_file

OLDEST_SQLITE = (3, 51, 3)  # 3.7.0 to 3.51.2 may damage a WAL database when two connections checkpoint at once
COLOURS = {"ok": "green", "note": "yellow", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``bad``: the server does not start or work. ``do``: what helps."""

    state: Literal["ok", "note", "bad"]
    subject: str
    says: str
    do: str = ""


def doctor() -> None:
    """Say what is configured, what is missing, and what to do. Changes nothing.

    Lines begin with ok, note (works, but read it) or bad (does not work). The exit code is 1 when a line is bad. The
    settings in force follow, with the environment variable of each.
    """
    found = startup.settings()
    worst = 0
    for check in CHECKS:
        for diagnosis in check(found):
            typer.secho(f"{diagnosis.state:5}", fg=COLOURS[diagnosis.state], nl=False)
            typer.echo(f"{diagnosis.subject}: {diagnosis.says}")
            if diagnosis.do:
                typer.echo(f"     do: {diagnosis.do}")
            worst |= diagnosis.state == "bad"
    typer.echo("\nSettings")
    for name, field in Settings.model_fields.items():
        mark = "set" if name in found.model_fields_set else "default"
        value = logs.without_secrets(str(getattr(found, name)))
        typer.echo(f"  TIMBRA_{name.upper()} = {value}  ({mark}; {field.description})")
    raise typer.Exit(int(worst))


def _python(_found: Settings) -> Iterator[Diagnosis]:
    yield Diagnosis("ok", "Python", sys.version.split()[0])


def _sqlite(found: Settings) -> Iterator[Diagnosis]:
    driver = sqlite_module()
    text = str(driver.sqlite_version)
    if not found.is_embedded or tuple(map(int, text.split("."))) >= OLDEST_SQLITE:
        yield Diagnosis("ok", "SQLite", f"{text} ({driver.__name__})")
        return
    wanted = ".".join(map(str, OLDEST_SQLITE))
    yield Diagnosis(
        "note",
        "SQLite",
        f"{text} ({driver.__name__}) is older than {wanted} and may, rarely, damage a database in WAL mode",
        "use Linux on x86_64, where a newer one is installed with timbra, or PostgreSQL",
    )


def _data_dir(found: Settings) -> Iterator[Diagnosis]:
    folder = found.data_dir.resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        yield Diagnosis("bad", "data folder", f"{nearest} cannot be written", "set TIMBRA_DATA_DIR or change its owner")
    elif nearest != folder:
        yield Diagnosis("ok", "data folder", f"{folder} will be made at the first start")
    else:
        yield Diagnosis("ok", "data folder", str(folder))


def _master_key(found: Settings) -> Iterator[Diagnosis]:
    folder = found.key_folder.resolve()
    key = newest_file(folder)
    if key is None:
        yield Diagnosis(
            "ok", "master key", f"{folder / KEY_FILE} will be made at the first start; keep a copy of it elsewhere then"
        )
        return
    for path in (folder, key):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Diagnosis(
                "bad", "master key", f"other users may use {path} (mode {mode:o})", f"chmod go-rwx '{path}'"
            )
            return
    yield Diagnosis("ok", "master key", str(key))
    database = Path(make_url(found.url).database or "")
    if found.is_embedded and database.exists() and database.stat().st_dev == key.stat().st_dev:
        yield Diagnosis(
            "note",
            "master key",
            "it lies on the same disk as the database that it protects: whoever gets the disk gets both",
            "set TIMBRA_MASTER_KEY_DIR to a folder on another disk, and leave it out of backups of the database",
        )


def _catalogs(found: Settings) -> Iterator[Diagnosis]:
    wheels = locate()
    home = Home.of(found.data_dir, found.catalog_path)
    packages = ", ".join(f"{name} {version}" for name, version in wheels.versions.items())
    try:
        update = home.update(wheels)
    except BadCatalogs as error:
        do = "put another database in its place, or remove it to use the data of the packages"
        yield Diagnosis("bad", "SAT catalogues", f"{home.watched}: {error}", do)
        return
    source = packages if update is None else f"{update.path} over {packages}"
    compiled = folder_of(home, wheels, update) / DATABASE
    if compiled.exists():
        yield Diagnosis("ok", "SAT catalogues", f"of {Texts(compiled).version()}, from {source}")
    else:
        yield Diagnosis("ok", "SAT catalogues", f"will be compiled from {source} at the first start (three seconds)")
    if update is None and home.watched.exists():
        yield Diagnosis("note", "SAT catalogues", f"{home.watched} is older than the packages and not used")


def _database(found: Settings) -> Iterator[Diagnosis]:
    shown = logs.without_secrets(found.url)
    if found.is_embedded and not Path(make_url(found.url).database or "").exists():
        yield Diagnosis("ok", "database", f"{shown} will be made at the first start")
        return
    database = Database(found.url)
    try:
        current = migrate.is_current(database)
    except DatabaseUnavailable as error:
        yield Diagnosis(
            "bad", "database", f"{shown} cannot be reached ({error})", "start it, or set TIMBRA_DATABASE_URL"
        )
    except migrate.DatabaseNewer as error:
        yield Diagnosis("bad", "database", str(error), "install the release that migrated it")
    else:
        yield _schema(found, shown, current=current)
    finally:
        database.close()


def _schema(found: Settings, shown: str, *, current: bool) -> Diagnosis:
    if current:
        return Diagnosis("ok", "database", f"{shown}, schema {migrate.head()}")
    if found.is_embedded:
        return Diagnosis("ok", "database", f"{shown} is of an earlier release; the next start migrates it")
    return Diagnosis("bad", "database", f"{shown} has not the schema of this release", "run `timbra migrate`")


def _addresses(found: Settings) -> Iterator[Diagnosis]:
    url = urlsplit(found.origin)
    if not found.public_url:
        do = "set TIMBRA_PUBLIC_URL=https://... before keys are handed out: they name it"
        yield Diagnosis("note", "public URL", f"not set: links point to {found.origin}, good for trying things out", do)
    elif url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or "")):
        yield Diagnosis("ok", "public URL", found.origin)
    elif url.scheme == "http" and url.hostname:
        do = "put a proxy with TLS in front, and set TIMBRA_PUBLIC_URL=https://..."
        yield Diagnosis("note", "public URL", f"{found.origin}: keys and invoices travel unencrypted", do)
    else:
        do = "set TIMBRA_PUBLIC_URL to an origin such as https://cfdi.example.com"
        yield Diagnosis("bad", "public URL", f"{found.origin} is no http or https origin", do)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _live_accounts(found: Settings) -> dict[str, int]:
    """Teams by provider, nothing while there is no database that this release can read."""
    if found.is_embedded and not Path(make_url(found.url).database or "").exists():
        return {}
    database = Database(found.url)
    try:
        return database.read_sync(store_pacs.live_accounts) if migrate.is_current(database) else {}
    except (DatabaseUnavailable, migrate.DatabaseNewer):
        return {}
    finally:
        database.close()


def _stamping(found: Settings) -> Iterator[Diagnosis]:
    yield Diagnosis("ok", "PAC, test mode", "the embedded sandbox: documents without fiscal value")
    accounts = _live_accounts(found)
    if accounts:
        told = ", ".join(f"{name} ({teams} team{'s' if teams > 1 else ''})" for name, teams in accounts.items())
        yield Diagnosis("ok", "PAC, live mode", told)
    else:
        do = "`timbra pac add` connects a team to one"
        yield Diagnosis("note", "PAC, live mode", "none is configured: live invoices are not stamped", do)
    if found.allow_test_csd_in_live:
        do = "unset TIMBRA_ALLOW_TEST_CSD_IN_LIVE on a real server"
        yield Diagnosis("note", "certificates", "SAT's test certificates are accepted in live mode", do)


def _mail(found: Settings) -> Iterator[Diagnosis]:
    if found.mail is None:
        yield Diagnosis("note", "mail", "off: no mail is sent, and *_sent fields are false")
        return
    server = MailServer.from_url(found.mail.get_secret_value())
    yield Diagnosis("ok", "mail", f"{server.host}:{server.port}, tls={server.tls}, from {server.sender.addr_spec}")
    if server.tls == "none" and not _is_loopback(server.host):
        yield Diagnosis("note", "mail", "mail and its password travel unencrypted", "set tls=starttls in TIMBRA_MAIL")


def _files_and_lists(found: Settings) -> Iterator[Diagnosis]:
    for check in (doctor_data.files, doctor_data.sat_lists):
        yield from (Diagnosis(*finding) for finding in check(found))


CHECKS: tuple[Callable[[Settings], Iterator[Diagnosis]], ...] = (
    _python,
    _sqlite,
    _data_dir,
    _master_key,
    _catalogs,
    _database,
    _files_and_lists,
    _addresses,
    _stamping,
    _mail,
)
