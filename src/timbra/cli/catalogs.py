"""``timbra catalogs``: SAT's data."""

import typer

from timbra.catalogs.load import load
from timbra.cli import startup

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
    version = load(found.data_dir).version
    typer.echo(f"catalogues of {version} are compiled in {found.data_dir.resolve()}")
