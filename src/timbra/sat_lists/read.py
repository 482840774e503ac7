"""SAT's list files: CSV in Windows-1252 or UTF-8, with or without title lines, read row by row.

What the real files hold is told in docs/sat-lists.md. Columns are found by the words of their titles. Rows whose RFC SAT
has blanked out ("XXXXXXXXXXXX") are skipped; a file that is mostly such rows, is cut, or has no titles is refused.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TextIO, TypeVar

from timbra.platform.folding import fold
from timbra.sat_lists.columns import Columns, Row, Skipped, titles_of
from timbra.sat_lists.lists import Published

FILE_LIMIT_BYTES: Final = 200 * 1024 * 1024
ROWS_MAX: Final = 3_000_000
TITLE_ROWS: Final = 20  # SAT writes two lines before the titles; nobody promised that it stays so
LINES_OF_A_ROW: Final = 12  # names do have line breaks inside their quotes; more than these are a quote never closed
CHUNK_BYTES: Final = 1024 * 1024

_MONTHS: Final = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
_AS_OF: Final = re.compile(r"actualizada\s+al\s+(\d{1,2})\s+de\s+([a-z]+)\s+del?\s+(\d{4})")


T = TypeVar("T")
Look = Callable[[Columns, Published, Sequence[str]], T | Skipped]
"""Tells something of a row by its columns."""


class Unreadable(Exception):
    """The file is refused; the message says why, for operators."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole file holds: rows by list, rows without an RFC, and the date that SAT gives in it."""

    rows: dict[str, int]
    skipped: int
    source_date: date | None

    @property
    def total(self) -> int:
        """Rows of all its lists."""
        return sum(self.rows.values())


def survey(published: Published, files: Sequence[Path]) -> Survey:
    """Reads everything once. Raises Unreadable for a file that cannot be what it should be."""
    rows = dict.fromkeys((each.id for each in published.lists), 0)
    skipped = 0
    newest: date | None = None
    for path in files:
        found = dict.fromkeys(rows, 0)
        reader = FileReader(published, path)
        for list_ in reader.lists():
            found[list_] += 1
        _refuse_empty(path, sum(found.values()), reader.skipped)
        rows = {name: rows[name] + count for name, count in found.items()}
        skipped += reader.skipped
        newest = max(filter(None, (newest, reader.source_date)), default=None)
    return Survey(rows, skipped, newest)


def read(published: Published, files: Sequence[Path]) -> Iterator[Row]:
    """Every row of the files, in their order. Raises Unreadable."""
    for path in files:
        yield from FileReader(published, path)


def _refuse_empty(path: Path, rows: int, skipped: int) -> None:
    if rows == 0:
        raise Unreadable(f"{path.name}: holds no row with an RFC")
    if rows < skipped:
        raise Unreadable(f"{path.name}: {skipped} of {rows + skipped} rows have no RFC")


class FileReader:
    """The rows of one file. ``skipped`` and ``source_date`` are known when it is read to its end."""

    def __init__(self, published: Published, path: Path) -> None:
        self._published = published
        self._path = path
        self.skipped = 0
        self.source_date: date | None = None

    def __iter__(self) -> Iterator[Row]:
        return self._each(Columns.row)

    def lists(self) -> Iterator[str]:
        """The list of every row; what else the rows say is not looked at."""
        for list_, _ in self._each(Columns.place):
            yield list_

    def _each(self, look: Look[T]) -> Iterator[T]:
        try:
            yield from self._rows(look)
        except csv.Error as error:
            raise Unreadable(f"{self._path.name}: is not CSV ({error})") from error
        except OSError as error:
            raise Unreadable(f"{self._path.name}: cannot be read ({error.strerror})") from error

    def _rows(self, look: Look[T]) -> Iterator[T]:
        size = self._path.stat().st_size
        if size == 0:
            raise Unreadable(f"{self._path.name}: is empty")
        if size > FILE_LIMIT_BYTES:
            raise Unreadable(f"{self._path.name}: is larger than {FILE_LIMIT_BYTES // 1024**2} MiB")
        with self._path.open(encoding=_encoding(self._path), errors="ignore", newline="") as text:
            records = self._records(text)
            columns = self._columns(records)
            yield from self._read(columns, records, look)

    def _records(self, text: TextIO) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of every record that is not blank."""
        reader = csv.reader(text)
        line = 0
        for number, cells in enumerate(reader):
            if number > ROWS_MAX:
                raise Unreadable(f"{self._path.name}: has more than {ROWS_MAX} rows")
            before, line = line, reader.line_num
            if line - before > LINES_OF_A_ROW:
                raise Unreadable(f"{self._path.name}: a quote opened in line {before + 1} is not closed")
            if any(cell and not cell.isspace() for cell in cells):
                yield line, cells

    def _columns(self, records: Iterator[tuple[int, list[str]]]) -> Columns:
        for _ in range(TITLE_ROWS):
            _, cells = next(records, (0, None))
            if cells is None:
                break
            columns = titles_of(self._published.layout, cells)
            if columns is not None:
                return columns
            self.source_date = self.source_date or _as_of(" ".join(cells))
        raise Unreadable(f"{self._path.name}: no line with the titles of {self._published.layout} was found")

    def _read(self, columns: Columns, records: Iterator[tuple[int, list[str]]], look: Look[T]) -> Iterator[T]:
        last = (0, columns.width)
        for line, cells in records:
            last = (line, len(cells))
            found = look(columns, self._published, cells)
            if not isinstance(found, Skipped):
                yield found
            elif found is Skipped.NO_RFC:
                self.skipped += 1
        if last[1] < columns.width:
            raise Unreadable(f"{self._path.name}: is cut in line {last[0]}")


def _encoding(path: Path) -> str:
    """UTF-8 when all of it is; SAT writes Windows-1252, with a few bytes that are none of its letters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as data:
        try:
            while chunk := data.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _as_of(text: str) -> date | None:
    """The day of "Información actualizada al 31 de mayo de 2026"."""
    found = _AS_OF.search(fold(text))
    if found is None or found[2] not in _MONTHS:
        return None
    try:
        return date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
    except ValueError:
        return None
