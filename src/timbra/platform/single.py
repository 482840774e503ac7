"""One server process per embedded database: SQLite bears several writing processes badly.

The lock is the operating system's, on a file beside the database, so it goes with the process however that dies.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import make_url


class AlreadyRunning(Exception):
    """Another process serves this database; the message names it."""


class SingleProcess:
    """Held while this process may serve the SQLite database at ``url``. Raises AlreadyRunning."""

    def __init__(self, url: str) -> None:
        database = Path(make_url(url).database or "")
        database.parent.mkdir(parents=True, exist_ok=True)
        self._file = Path(f"{database}.lock").open("a+", encoding="ascii")  # noqa: SIM115 - open as long as it is held
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise AlreadyRunning(
                f"process {holder} serves {database} already, and an embedded database has one server process"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def close(self) -> None:
        """Another process may serve the database."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
