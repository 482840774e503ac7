"""Load newer catalogues: checked, compiled beside the data in use, and put in force by one rename."""

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from timbra.catalogs import changes, published
from timbra.catalogs.changes import Change
from timbra.catalogs.compile import DATABASE, PREFIX, DataDamagedError, compiled, compiled_with
from timbra.catalogs.file import CompiledFile
from timbra.catalogs.home import Home, Update
from timbra.catalogs.published import BadCatalogs
from timbra.catalogs.wheels import Wheels, locate

LEAST_PERCENT: Final = 90  # of the rows that are held: a file with fewer is cut, or of something else


@dataclass(frozen=True, slots=True)
class Report:
    """What an update did. versions: dates of the data before and after."""

    before: str
    after: str
    changes: list[Change]


def apply(home: Home, source: Path, version: str) -> Report:
    """The catalogues of ``source`` are in force; running servers take them within seconds.

    source: an unpacked SQLite database, left as it is; version: date of its data. Raises BadCatalogs, DataDamagedError
    and OSError; nothing is changed then.
    """
    if home.given is not None:
        raise BadCatalogs(f"TIMBRA_CATALOG_PATH names the database {home.given}: put the newer one in its place")
    wheels = locate()
    before = compiled(home, wheels)
    with _kept(home.root, source, version, wheels) as update:
        after = _compiled(home, wheels, update, before)
        report = Report(_version(before), version, changes.between(before / DATABASE, after / DATABASE))
        update.path.replace(home.watched)
    _forget(home, {before, after})
    return report


@contextmanager
def _kept(root: Path, source: Path, version: str, wheels: Wheels) -> Iterator[Update]:
    """A copy of the tables that are used; it is gone at the end unless it was put in its place."""
    folder = Path(tempfile.mkdtemp(prefix="catalogs-update-", dir=root))
    try:
        path = folder / "update.sqlite"
        with published.opened(source) as db:
            published.refuse_other_tables(db)
            digest = _copy(source, path, version, wheels)
        yield Update(path, version, digest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path, version: str, wheels: Wheels) -> str:
    with closing(sqlite3.connect(f"{target.resolve().as_uri()}", uri=True)) as out:
        out.execute("attach database ? as source", (f"{source.resolve().as_uri()}?mode=ro&immutable=1",))
        for table in published.TABLES:
            out.execute(f"create table {table} as select * from source.{table}")  # noqa: S608 (constant names)
        out.commit()  # tidy-skip: commit (a file of its own)
        out.execute("detach database source")
    digest = _digest(target)
    with closing(sqlite3.connect(target)) as out:
        out.execute(f"create table {published.META} (version text, digest text, wheels text)")
        out.execute(f"insert into {published.META} values (?, ?, ?)", (version, digest, wheels.key))  # noqa: S608
        out.commit()  # tidy-skip: commit (a file of its own)
    return digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compiled(home: Home, wheels: Wheels, update: Update, before: Path) -> Path:
    """The folder of the new data, made now. Raises BadCatalogs when it holds far less than the data in force."""
    try:
        after = compiled_with(home, wheels, update)
    except DataDamagedError as error:
        raise BadCatalogs(f"it holds too little: {error}") from error
    held, offered = _counts(before), _counts(after)
    for table, rows in held.items():
        if offered.get(table, 0) * 100 < rows * LEAST_PERCENT:
            shutil.rmtree(after, ignore_errors=True)
            raise BadCatalogs(f"it holds {offered.get(table, 0)} rows of {table}, {rows} are in use")
    return after


def _counts(folder: Path) -> dict[str, int]:
    return dict(CompiledFile(folder / DATABASE).rows("select name, rows from row_counts"))


def _version(folder: Path) -> str:
    return str(CompiledFile(folder / DATABASE).one("select value from meta where name = 'version'")[0])


def _forget(home: Home, used: set[Path]) -> None:
    """Folders of earlier data are gone. Those before this update stay for servers that still read them."""
    for folder in home.root.glob(f"{PREFIX}*"):
        if folder.is_dir() and folder not in used:
            shutil.rmtree(folder, ignore_errors=True)
