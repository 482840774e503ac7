"""``timbra evidence``: what can be proved of a document, in one file that verifies offline."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from timbra.catalogs.load import load
from timbra.cli import startup
from timbra.cli.house import opened
from timbra.evidence import bundle, check
from timbra.evidence.collect import collect
from timbra.invoices import store
from timbra.platform.tenancy import acting_for
from timbra.wiring import Wiring

PURPOSE = "evidence bundles"
EXPORT = "export"
UNREADABLE = 2


class _Group(TyperGroup):
    """``evidence UUID`` means ``evidence export UUID``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named, ``export`` when the first word is none."""
        return super().resolve_command(ctx, args if args and args[0] in self.commands else [EXPORT, *args])


evidence = typer.Typer(
    cls=_Group, no_args_is_help=True, help="Prove what happened to a document: `timbra evidence UUID`."
)


@evidence.command(EXPORT)
def export(
    invoice: Annotated[str, typer.Argument(help="UUID or inv_ id of the document.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: evidence_ID.zip here.")] = None,
) -> None:
    """Write a bundle: XML, acuse, what the PACs said, SAT's status, audit rows, hashes, signed manifest.

    SAT's status service is asked once (the sandbox's for a test document). Credentials are in none of it.
    """
    with opened() as house:
        content, key = asyncio.run(_bundle(house, invoice))
    path = output or Path(f"evidence_{invoice.lower()}.zip")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        startup.fail(f"{path}: {error.strerror}")
    print(f"{path}  {len(content)} bytes, signed by key {key}")


async def _bundle(house: Wiring, any_id: str) -> tuple[bytes, str]:
    scopes = await house.database.read(lambda tx: store.scopes_of(tx, any_id))
    if not scopes:
        startup.fail(f"no document {any_id}")
    house.team_clock.load()
    with acting_for(scopes[0]):
        record = await house.database.read(lambda tx: store.find(tx, scopes[0], any_id))
        assert record is not None, "its scope was just read"
        made = await collect(house.invoices, record)
    packed = bundle.pack(made.about, made.files, house.vault.derive(PURPOSE), house.clock.now_ms())
    return packed, bundle.unpack(packed).signer


@evidence.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="A bundle of `timbra evidence`.")],
    key: Annotated[str | None, typer.Option(help="Fingerprint of the key that must have signed it.")] = None,
) -> None:
    """Check a bundle without a network or a database: hashes, signature, seal, timbre, acuse, ledger, audit rows.

    The exit code is 0 when everything holds, 1 when something does not, 2 when the file cannot be read.
    """
    try:
        opened_bundle = bundle.unpack(file.read_bytes())
    except OSError as error:
        startup.fail(f"{file}: {error.strerror}", code=UNREADABLE)
    except bundle.BundleRefused as refused:
        startup.fail(f"{file} is no evidence bundle: {refused}", code=UNREADABLE)
    settings = startup.settings()
    found = check.check(opened_bundle, load(settings.data_dir, settings.catalog_path))
    signer = opened_bundle.signer
    if key is not None:
        found.append(check.Finding(f"signed by key {key}", None if signer == key.lower() else f"signed by {signer}"))
    for finding in found:
        print(f"{'ok ' if finding.problem is None else 'BAD'}  {finding.what}{_because(finding)}")
    print(f"Document {opened_bundle.manifest.get('uuid')}, bundle signed by key {signer}")
    if any(finding.problem is not None for finding in found):
        raise typer.Exit(1)


def _because(finding: check.Finding) -> str:
    return "" if finding.problem is None else f": {finding.problem}"
