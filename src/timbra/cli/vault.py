"""``timbra vault``: the master key that protects the secrets of the database."""

import time

import typer

from timbra.cli import startup
from timbra.cli.house import opened
from timbra.platform import vault_rotate

vault = typer.Typer(help="The master key that protects secrets at rest.", no_args_is_help=True)


@vault.callback()
def master_key() -> None:
    """The master key that protects secrets at rest."""


@vault.command("rotate")
def rotate() -> None:
    """Put every secret under a new master key, then remove the former key.

    Servers may run meanwhile when they share the key folder. Killed or interrupted, run it again: it goes on where it
    was, and the former key stays until the end. Copy the new key file to wherever the former one was kept.
    """
    found = startup.settings()
    with opened(found) as house:
        done = vault_rotate.rotate(house.database, startup.master_keys(found, house.database), time.sleep)
    print(f"{done.rows} secrets are under the new master key {done.key} in {found.key_folder}; the former one is gone")
