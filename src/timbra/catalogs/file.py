"""The compiled catalogue file, open for reading. Safe to share between threads."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


class CompiledFile:
    """One read-only connection. The file is complete when it appears and is never changed afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._lock = threading.Lock()

    def rows(self, statement: str, given: Sequence[Any] = ()) -> list[Any]:
        """Every row of a statement."""
        with self._lock:
            return self._db.execute(statement, given).fetchall()

    def each(self, statement: str) -> Iterator[Any]:
        """Row after row of a long answer: all at once they would weigh more than what is made of them."""
        with self._lock:
            yield from self._db.execute(statement)

    def one(self, statement: str, given: Sequence[Any] = ()) -> Any:
        """The first row, None without one."""
        with self._lock:
            return self._db.execute(statement, given).fetchone()

    def number(self, statement: str, given: Sequence[Any] = ()) -> int:
        """The only value of the only row, such as a count."""
        return int(self.one(statement, given)[0])
