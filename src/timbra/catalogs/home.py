"""Where SAT's compiled data lives on this machine, and which update is in force."""

import hashlib
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from timbra.catalogs.published import META, opened
from timbra.catalogs.wheels import Wheels

UPDATE_FILE: Final = "catalogs-update.sqlite"
_DAY: Final = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Update:
    """A published catalogue database laid over the installed packages. version: date of its data."""

    path: Path
    version: str
    key: str


@dataclass(frozen=True, slots=True)
class Home:
    """``root``: folder of the compiled data. ``given``: the catalogue database that the operator names, if any."""

    root: Path
    given: Path | None = None

    @classmethod
    def of(cls, data_dir: Path, catalog_path: Path | None) -> "Home":
        """By the settings: ``catalog_path`` is a folder for the compiled data, or a catalogue database."""
        if catalog_path is None:
            return cls(data_dir)
        return cls(data_dir, catalog_path) if catalog_path.is_file() else cls(catalog_path)

    @property
    def watched(self) -> Path:
        """The file whose change brings other data."""
        return self.given or self.root / UPDATE_FILE

    def state(self) -> tuple[int, int, int] | None:
        """Something that differs once ``watched`` is another file; None while there is none."""
        try:
            found = self.watched.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def update(self, wheels: Wheels) -> Update | None:
        """The update in force. One made for other packages counts only while its data is newer than theirs."""
        state = self.state()
        if state is None:
            return None
        if self.given is not None:
            key = hashlib.sha256(f"{self.given.resolve()}\n{state[1:]}".encode()).hexdigest()
            return Update(self.given, date_of(self.given), key)
        version, digest, made_for = _meta(self.watched)
        if made_for != wheels.key and version <= wheels.data_date:
            return None
        return Update(self.watched, version, digest)


def _meta(path: Path) -> tuple[str, str, str]:
    with opened(path) as db, closing(db.execute(f"select version, digest, wheels from {META}")) as found:  # noqa: S608
        version, digest, wheels = found.fetchone()
        return str(version), str(digest), str(wheels)


def date_of(path: Path, name: str | None = None) -> str:
    """Date of the data in a file: the one in its name (``catalogs-10.14.20260806.db``), else the day it was written."""
    return day_in(name or path.name) or datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def day_in(text: str) -> str | None:
    """The last date written in a text, as YYYY-MM-DD."""
    found = [date(*map(int, parts)) for parts in _DAY.findall(text) if _is_day(*map(int, parts))]
    return found[-1].isoformat() if found else None


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
