"""SAT's catalogues as phpcfdi/resources-sat-catalogs publishes them: one SQLite file, read with suspicion.

Only tables are read, by our own statements; a row that is not what SAT's catalogue can hold refuses the whole file.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from timbra.catalogs.rows import BORDER, MEXICO_STATES, Place, Product, Rows, Small, Unit, Zip, iso, place
from timbra.cfdi.catalogs import ZipInfo
from timbra.cfdi.zones import zone_of

TEXT_MAX: Final = 10_000
ROWS_MAX: Final = 1_000_000
META: Final = "timbra_meta"
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,8}")
_BIG: Final = ("productos_servicios", "claves_unidades", "codigos_postales", "estados", "municipios", "localidades")
# Ours -> (SAT's table, column of our code). SAT's rules about these codes are part of this program.
SMALL: Final[Mapping[str, tuple[str, str]]] = {
    "tax_regimes": ("regimenes_fiscales", "id"),
    "payment_forms": ("formas_pago", "id"),
    "cfdi_uses": ("usos_cfdi", "id"),
    "payment_methods": ("metodos_pago", "id"),
    "months": ("meses", "id"),
    "periodicities": ("periodicidades", "id"),
    "relationships": ("tipos_relaciones", "id"),
    "countries": ("paises", "id"),
    "currencies": ("monedas", "id"),
    "taxes": ("impuestos", "texto"),
    "tax_objects": ("objetos_impuestos", "id"),
    "exports": ("exportaciones", "id"),
}
PREFIX: Final = "cfdi_40_"
TABLES: Final = tuple(PREFIX + name for name in (*_BIG, *(table for table, _ in SMALL.values())))


class BadCatalogs(Exception):
    """The file is not SAT's catalogues; the message says why. Nothing was changed."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading. Raises BadCatalogs when it is no SQLite database, or a damaged one."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.execute("pragma trusted_schema = off")
            db.execute("pragma cell_size_check = on")
            problem = db.execute("pragma quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise BadCatalogs(f"the database is damaged: {problem}")
            yield db
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise BadCatalogs(f"the file cannot be read as an SQLite database: {error}") from error


def read(path: Path, version: str) -> Rows:
    """Every row that is used. version: date of the data. Raises BadCatalogs."""
    with opened(path) as db:
        refuse_other_tables(db)
        try:
            return _rows(db, version)
        except ValueError as error:
            raise BadCatalogs(str(error)) from None


def refuse_other_tables(db: sqlite3.Connection) -> None:
    """Every table that is used is there, and is a table. Raises BadCatalogs."""
    tables = dict(db.execute("select name, sql from sqlite_master where type = 'table'"))
    absent = [name for name in TABLES if not str(tables.get(name, "")).upper().startswith("CREATE TABLE")]
    if absent:
        raise BadCatalogs(f"the database has no table {', '.join(absent[:5])}")


def _rows(db: sqlite3.Connection, version: str) -> Rows:
    rows = Rows(
        version=version,
        products=list(_products(db)),
        units=list(_units(db)),
        zips=list(_zips(db)),
        states=[(row["estado"], row["texto"]) for row in _table(db, "estados", MEXICO_STATES)],
        municipalities=list(_places(db, "municipios", "municipio")),
        localities=list(_places(db, "localidades", "localidad")),
        small=list(_small(db)),
    )
    _refuse_repeated("productos_servicios", (row[0] for row in rows.products))
    _refuse_repeated("claves_unidades", (row[0].upper() for row in rows.units))
    _refuse_repeated("codigos_postales", (row[0] for row in rows.zips))
    _refuse_repeated("estados", (row[0] for row in rows.states))
    _refuse_repeated("municipios", (row[:2] for row in rows.municipalities))
    _refuse_repeated("localidades", (row[:2] for row in rows.localities))
    _refuse_repeated("small catalogues", (row[:2] for row in rows.small))
    return rows


def _refuse_repeated(table: str, keys: Iterable[object]) -> None:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{PREFIX}{table}: {key} is there twice")
        seen.add(key)


def _table(db: sqlite3.Connection, name: str, where: str = "") -> Iterator[dict[str, str]]:
    """The rows as texts by column. Raises ValueError for what no catalogue holds."""
    cursor = db.execute(f"select * from {PREFIX}{name} {where} limit {ROWS_MAX}")  # noqa: S608 (constant names)
    columns = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(columns, map(_text, values), strict=True))
        if any(len(text) > TEXT_MAX for text in row.values()):
            raise ValueError(f"{PREFIX}{name}: a text has more than {TEXT_MAX} characters")
        yield _Row(row, name)


class _Row(dict[str, str]):
    """A row that names itself when it lacks a column."""

    def __init__(self, values: Mapping[str, str], table: str) -> None:
        super().__init__(values)
        self.table = table

    def __missing__(self, column: str) -> str:
        raise ValueError(f"{PREFIX}{self.table} has no column {column}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        raise ValueError("a value is binary")  # noqa: TRY004 (of the file, not of a caller)
    return " ".join(str(value).split())


def _code(row: Mapping[str, str], column: str, digits: int = 0) -> str:
    code = row[column]
    fits = len(code) == digits and code.isascii() and code.isdigit() if digits else _CODE.fullmatch(code)
    if not fits:
        raise ValueError(f"{code[:20]!r} is no code of {PREFIX}{getattr(row, 'table', '')}")
    return code


def _name(row: Mapping[str, str], column: str = "texto") -> str:
    name = row[column]
    if not name or not name.isprintable():
        raise ValueError(f"a name in {PREFIX}{getattr(row, 'table', '')} is empty or has control characters")
    return name


def _dates(row: Mapping[str, str]) -> tuple[str | None, str | None]:
    try:
        return iso(row.get("vigencia_desde", "")[:10]), iso(row.get("vigencia_hasta", "")[:10])
    except (ValueError, TypeError):
        raise ValueError(f"a date in {PREFIX}{getattr(row, 'table', '')} is none") from None


def _products(db: sqlite3.Connection) -> Iterator[Product]:
    for row in _table(db, "productos_servicios"):
        border = row.get("estimulo_frontera", "") in ("1", "01")
        yield _code(row, "id", 8), _name(row), row.get("similares", ""), border, *_dates(row)


def _units(db: sqlite3.Connection) -> Iterator[Unit]:
    for row in _table(db, "claves_unidades"):
        yield _code(row, "id"), _name(row), row.get("descripcion") or None, row.get("simbolo") or None, *_dates(row)


def _zips(db: sqlite3.Connection) -> Iterator[Zip]:
    for row in _table(db, "codigos_postales"):
        border = BORDER.get(row.get("estimulo_frontera") or "0")
        if border is None:
            raise ValueError(f"the border stimulus of {row['id'][:20]!r} is none")
        state = _code(row, "estado")
        zone = row.get("huso_descripcion") or row.get("huso") or ""
        known = zone if _is_known(zone, state) else ""
        municipality, locality = place(row.get("municipio", "")), place(row.get("localidad", ""))
        yield _code(row, "id", 5), state, municipality, locality, border, known, *_dates(row)


def _is_known(zone: str, state: str) -> bool:
    try:
        return bool(zone_of(ZipInfo(state, None, None, "none", zone)))
    except KeyError:
        return False


def _places(db: sqlite3.Connection, table: str, column: str) -> Iterator[Place]:
    for row in _table(db, table):
        yield _code(row, "estado"), _code(row, column), _name(row)


def _small(db: sqlite3.Connection) -> Iterator[Small]:
    for catalog, (table, column) in SMALL.items():
        for row in _table(db, table):
            yield catalog, _code(row, column), _name(row), *_dates(row)
