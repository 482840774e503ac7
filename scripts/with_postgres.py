"""Runs a command beside a throw-away PostgreSQL server: ``with_postgres.py pytest tests``.

The server listens on a Unix socket in a temporary folder; the command finds it in TIMBRA_TEST_DATABASE_URL. Server and
data are gone when the command ends, whatever way it ends.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ADVICE = """PostgreSQL's programs were not found in /usr/lib/postgresql/*/bin nor on the PATH.
Install them with:  apt-get install --no-install-recommends postgresql   (or the postgresql-server package of your system)"""
START_S = 30
OPTIONS = ("fsync=on", "max_connections=200", "listen_addresses=", "shared_buffers=128MB", "timezone=UTC")
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin")


def find_programs() -> Path:
    """The folder of initdb and postgres, newest version first."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in (*packaged, *map(Path, os.environ.get("PATH", "").split(os.pathsep))):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    sys.exit(ADVICE)


def unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account to use instead of it."""
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    account = accounts.get("postgres") or accounts.get("nobody")
    if account is None:
        sys.exit("there is no user postgres nor nobody, and PostgreSQL does not run as root")
    return account


class Server:
    """A PostgreSQL cluster in ``home``, running between ``start`` and ``stop``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.programs = find_programs()
        self.account = unprivileged()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://timbra@/postgres?host={self.home}"

    def _identity(self) -> dict[str, int]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid}

    def start(self) -> None:
        if self.account is not None:
            os.chown(self.home, self.account.pw_uid, self.account.pw_gid)
        self._run(
            "initdb", "-D", str(self.home / "data"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"
        )
        settings = [part for option in OPTIONS for part in ("-c", option)]
        command = [self.programs / "postgres", "-D", self.home / "data", "-k", self.home, *settings]
        log = (self.home / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, **self._identity())
        deadline = time.monotonic() + START_S
        while self._psql("SELECT 1").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("PostgreSQL did not start:\n" + (self.home / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.1)
        # A plain role: row-level security does not hold superusers back.
        # It may end the server's own workers, so that a database is dropped while autovacuum looks at it.
        self._psql("CREATE ROLE timbra LOGIN CREATEDB IN ROLE pg_signal_backend")
        # new_migration.py works in the server's own database.
        self._psql("GRANT CREATE ON DATABASE postgres TO timbra")
        self._psql("GRANT CREATE ON SCHEMA public TO timbra")
        for extension in EXTENSIONS:  # in the database that every test database is copied from, where they exist
            self._psql(f"CREATE EXTENSION IF NOT EXISTS {extension}", database="template1")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)  # nothing is worth an orderly shutdown
            self.process.wait(START_S)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments], check=False, capture_output=True, cwd=self.home, **self._identity()
        )
        if done.returncode != 0:
            sys.exit(f"{program} failed:\n{done.stderr.decode(errors='replace')}")

    def _psql(self, statement: str, database: str = "postgres") -> subprocess.CompletedProcess[bytes]:
        command = [self.programs / "psql", "-h", self.home, "-U", "postgres", "-d", database, "-qc", statement]
        return subprocess.run(command, check=False, capture_output=True, cwd=self.home)


def main() -> int:
    """The exit code of the command."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    home = Path(tempfile.mkdtemp(prefix="timbra-pg-"))
    server = Server(home)
    try:
        server.start()
        return subprocess.run(
            sys.argv[1:], check=False, env={**os.environ, "TIMBRA_TEST_DATABASE_URL": server.url}
        ).returncode
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
