"""``timbra catalogs``: SAT's data."""

import asyncio
import sqlite3
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from timbra.catalogs import fetch
from timbra.catalogs.changes import Change
from timbra.catalogs.compile import DataDamagedError
from timbra.catalogs.fetch import Fetched
from timbra.catalogs.home import Home
from timbra.catalogs.load import load
from timbra.catalogs.published import BadCatalogs
from timbra.catalogs.update import Report, apply
from timbra.cli import startup
from timbra.platform import json
from timbra.platform.addresses import Allowed
from timbra.platform.config import Settings
from timbra.platform.egress import Egress

SHOWN: Final = 8  # codes of a kind in the report
KINDS: Final = ("added", "ended", "renamed", "removed", "without_rules")

app = typer.Typer(help="SAT's catalogues and schemas.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def catalogs() -> None:
    """SAT's catalogues and schemas."""


@app.command()
def build() -> None:
    """Compile SAT's data from the installed packages into the data folder, unless it is there.

    The first start does the same; run this while an image is built to save those seconds later.
    """
    found = startup.settings()
    try:
        version = load(found.data_dir, found.catalog_path).version
    except (BadCatalogs, DataDamagedError) as error:
        startup.fail(f"SAT's catalogues: {error}")
    typer.echo(f"catalogues of {version} are compiled in {home(found).root.resolve()}")


@app.command()
def update(
    source: Annotated[
        str,
        typer.Argument(metavar="[FILE|URL]", help="The database, as it is or packed by bzip2."),
    ] = fetch.PUBLISHED,
    as_json: Annotated[bool, typer.Option("--json", help="Print every code that changed, as JSON.")] = False,
) -> None:
    """Load SAT's newer catalogues: the SQLite database that phpcfdi/resources-sat-catalogs publishes.

    Product keys, units, postal codes and places are taken from it, names and dates of validity for all catalogues. It is
    checked as a whole and put in force at once; running servers take it within seconds. A file that is damaged, cut or
    of another kind changes nothing, and the exit code is 1.
    """
    found = startup.settings()
    place = home(found)
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="catalogs-fetch-", dir=place.root) as folder:
            fetched = _fetched(found, source, Path(folder))
            report = apply(place, fetched.path, fetched.version)
    except (BadCatalogs, DataDamagedError, OSError, sqlite3.Error) as error:
        startup.fail(f"{source}: {error}. Nothing was changed")
    typer.echo(json.dumps(asdict(report)).decode() if as_json else "\n".join(_lines(report)))


def home(found: Settings) -> Home:
    """Where the data compiled by these settings is."""
    return Home.of(found.data_dir, found.catalog_path)


def _fetched(found: Settings, source: str, folder: Path) -> Fetched:
    if fetch.is_url(source):
        return asyncio.run(_downloaded(found, source, folder))
    return fetch.from_file(Path(source), folder)


async def _downloaded(found: Settings, url: str, folder: Path) -> Fetched:
    egress = Egress(Allowed.of(found.egress_allow_private_hosts))
    try:
        return await fetch.from_url(egress, url, folder)
    finally:
        await egress.aclose()


def _lines(report: Report) -> list[str]:
    lines = [f"catalogues of {report.after} are in force; before: {report.before}"]
    for change in report.changes:
        told = [_told(change, kind) for kind in KINDS if getattr(change, kind)]
        if told:
            lines.append(f"  {change.catalog} ({change.rows}): {'; '.join(told)}")
    if len(lines) == 1:
        lines.append("  no code was added, ended, renamed or removed")
    if any(change.without_rules for change in report.changes):
        lines.append("  codes without rules cannot be used before a newer release of timbra")
    return lines


def _told(change: Change, kind: str) -> str:
    codes = getattr(change, kind)
    more = f" and {len(codes) - SHOWN} more" if len(codes) > SHOWN else ""
    return f"{len(codes)} {kind.replace('_', ' ')}: {' '.join(codes[:SHOWN])}{more}"
