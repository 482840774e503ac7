"""Every command of ``timbra``, in the order in which --help shows them."""

from typing import Annotated

import typer

from timbra import __version__
from timbra.cli import catalogs, lists, search
from timbra.cli.audit import audit
from timbra.cli.demo import demo
from timbra.cli.doctor import doctor
from timbra.cli.evidence import evidence
from timbra.cli.keys import keys
from timbra.cli.migrate import migrate
from timbra.cli.pac import pac
from timbra.cli.sandbox import sandbox
from timbra.cli.serve import serve
from timbra.cli.vault import vault
from timbra.cli.verify import verify
from timbra.cli.worker import worker

app = typer.Typer(
    name="timbra", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def timbra(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Self-hosted e-invoicing server for Mexico (CFDI 4.0), wire-compatible with the gigstack API v2.

    First steps: `timbra demo` makes a team with test keys, `timbra serve` starts the server, `timbra doctor` says what
    is missing.
    """


app.command()(serve)
app.command()(worker)
app.command()(migrate)
app.command()(demo)
app.add_typer(keys, name="keys")
app.add_typer(pac, name="pac")
app.add_typer(audit, name="audit")
app.command()(verify)
app.add_typer(evidence, name="evidence")
app.command()(sandbox)
app.command()(doctor)
app.add_typer(vault, name="vault")
app.add_typer(catalogs.app, name="catalogs")
app.add_typer(lists.app, name="lists")
app.add_typer(search.app, name="search")
