"""``timbra lists``: SAT's lists of articles 69, 69-B and 69-B Bis."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from timbra.cli import startup
from timbra.cli.house import opened
from timbra.sat_lists import store
from timbra.sat_lists import sync as syncing
from timbra.sat_lists.lists import LISTS, PUBLISHED
from timbra.sat_lists.load import AlreadyLoading
from timbra.sat_lists.read import Unreadable
from timbra.sat_lists.store import ListState
from timbra.sat_lists.sync import UnknownList
from timbra.wiring import Wiring

app = typer.Typer(
    help="SAT's lists of taxpayers: articles 69, 69-B and 69-B Bis.", no_args_is_help=True, rich_markup_mode=None
)
NAMES = ", ".join(published.id for published in PUBLISHED)


@app.callback()
def lists() -> None:
    """SAT's lists of taxpayers: articles 69, 69-B and 69-B Bis."""


@app.command()
def load(
    name: Annotated[str, typer.Argument(help=f"what the file is: {NAMES}")],
    sources: Annotated[list[str], typer.Argument(help="its CSV file or URL; several only for a list that SAT splits")],
) -> None:
    """Load a list from a file or URL in place of what is held of it.

    A file that cannot be read, is cut, or holds less than half of the rows of the load before is refused, and nothing
    changes. Clients are looked up again by the running server, or by the next one to start.
    """
    with opened(startup.settings()) as house:
        try:
            states = asyncio.run(_load(house, name, sources))
        except (Unreadable, AlreadyLoading, UnknownList) as error:
            startup.fail(str(error))
    _print(states)


@app.command()
def sync() -> None:
    """Fetch and load every list from its source, as the server does each day at 03:00 (Mexico City)."""
    with opened(startup.settings()) as house:
        done = asyncio.run(_sync(house))
    failures = 0
    for name, outcome in done.items():
        if isinstance(outcome, str):
            failures += 1
            typer.secho(f"{name}: {outcome}", fg="red", err=True)
        else:
            _print(outcome)
    raise typer.Exit(int(failures > 0))


@app.command()
def status() -> None:
    """Say what is held of each list, since when, and how the last attempt went."""
    with opened(startup.settings()) as house:
        states = house.database.read_sync(store.states)
    _print([states[each.id] for each in LISTS])


async def _load(house: Wiring, name: str, sources: list[str]) -> list[ListState]:
    try:
        return await syncing.load_from(house.sat_lists, syncing.published_of(name), sources)
    finally:
        await house.egress.aclose()


async def _sync(house: Wiring) -> dict[str, list[ListState] | str]:
    try:
        return await syncing.sync(house.sat_lists)
    finally:
        await house.egress.aclose()


def _print(states: list[ListState]) -> None:
    for state in states:
        since = "never" if state.synced_ms is None else f"{datetime.fromtimestamp(state.synced_ms // 1000, UTC):%F %T}Z"
        of = f", of {state.source_date}" if state.source_date else ""
        error = f": {state.error}" if state.error else ""
        print(
            f"{state.id:24} {state.status:10} {state.entries:>8} rows  +{state.added} -{state.removed}"
            f"  loaded {since}{of}{error}"
        )
