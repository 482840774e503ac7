"""``timbra migrate``: the database's schema."""

import typer

from timbra.cli import startup
from timbra.platform import migrate as migrations


def migrate() -> None:
    """Bring the database to the schema of this release, then say what was done.

    Needed on PostgreSQL before a new release is started; `timbra serve` does it by itself on an embedded database,
    which is copied to <file>.before-<revision> first. Running it twice does nothing the second time.
    """
    found = startup.settings()
    startup.start_logs(found)
    with startup.database(found) as database, startup.sole_process(database):
        before = migrations.current(database)
        migrations.upgrade(database)
        after = migrations.current(database)
    typer.echo(f"already at revision {after}" if before == after else f"migrated from {before or 'nothing'} to {after}")
