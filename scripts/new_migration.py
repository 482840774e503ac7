"""Writes the step from the last migration to the tables as they are now: ``new_migration.py add_receipts``.

Compared on PostgreSQL, because what Alembic writes from SQLite does not always run there. Started without a server at
hand (TIMBRA_TEST_DATABASE_URL) the script starts one for itself. Read the result before it is committed.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from alembic import command

from timbra.platform import migrate
from timbra.platform.db import Database, Tx

ROOT = Path(__file__).resolve().parent.parent


def write_step(slug: str) -> Path:
    """The new file."""
    database = Database(os.environ["TIMBRA_TEST_DATABASE_URL"])
    migrate.upgrade(database)
    config = migrate.config()
    now = datetime.now(UTC).strftime("%Y%m%d_%H%M")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")

    def unit(tx: Tx) -> Path:
        config.attributes["connection"] = tx.connection
        script = command.revision(config, message=slug, rev_id=now, autogenerate=True)
        assert script is not None
        assert not isinstance(script, list)
        return Path(script.path)

    try:
        return database.migrate_sync(unit)
    finally:
        database.close()


def main() -> int:
    if len(sys.argv) != 2 or not re.fullmatch(r"[a-z0-9_]{3,40}", sys.argv[1]):
        sys.exit(__doc__)
    if "TIMBRA_TEST_DATABASE_URL" not in os.environ:
        beside_server = [
            sys.executable,
            str(ROOT / "scripts" / "with_postgres.py"),
            sys.executable,
            __file__,
            sys.argv[1],
        ]
        return subprocess.run(beside_server, check=False).returncode
    path = write_step(sys.argv[1])
    for action in (("check", "--fix", "--quiet"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *action, path], check=False, cwd=ROOT)
    print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
