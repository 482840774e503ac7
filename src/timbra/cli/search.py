"""``timbra search``: the index of words."""

import time
from contextlib import ExitStack

import typer

from timbra.cli.house import opened
from timbra.platform.search.rebuild import rebuild as rebuild_kind

app = typer.Typer(help="The index of the full-text search.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def search() -> None:
    """The index of the full-text search."""


@app.command()
def rebuild() -> None:
    """Make the index again from what is stored, for every team.

    Servers may run and search meanwhile: a new index is built beside the one in use, which it replaces in the end.
    Killed or interrupted, run it again: it goes on where it was.
    """
    with opened() as house, ExitStack() as bars:
        for kind in house.search.kinds.values():
            steps = rebuild_kind(house.database, kind, time.sleep)
            first = next(steps)
            bar = bars.enter_context(typer.progressbar(length=max(first.total, 1), label=f"{kind.name:<10}"))
            done = 0
            for step in steps:
                bar.length = max(step.total, step.done, 1)
                bar.update(step.done - done)
                done = step.done
            bars.pop_all().close()
            typer.echo(f"{kind.name}: {done} in the index")
