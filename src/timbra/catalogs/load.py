"""Load SAT's data for the life of a process: look-ups, schemas, and the texts that stay in the file."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from lxml import etree

from timbra.catalogs.compile import DATABASE, WRAPPER, compiled
from timbra.catalogs.wheels import Wheels, locate
from timbra.cfdi.cadena import COMPROBANTE, RETENCIONES
from timbra.cfdi.catalogs import Catalogs, Validity, ZipInfo
from timbra.cfdi.codes_texts import TEXTS
from timbra.cfdi.schema import Schemas

_NO_FILES: Final = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # the stubs do not know it
_STYLESHEETS: Final = {
    COMPROBANTE: "sitio_internet/cfd/4/cadenaoriginal_4_0/cadenaoriginal_4_0.xslt",
    RETENCIONES: "esquemas/retencionpago/2/retenciones.xslt",
    "{http://www.sat.gob.mx/cfd/3}Comprobante": "sitio_internet/cfd/3/cadenaoriginal_3_3/cadenaoriginal_3_3.xslt",
}
_NAME_OF: Final = {
    "c_ClaveProdServ": "select name from products where code = ?",
    "c_ClaveUnidad": "select name from units where code = ?",
    "c_Moneda": "select name from currencies where code = ?",
}


class Stylesheets:
    """SAT's stylesheets of the cadena original, compiled when first asked for. They can read and write no file."""

    def __init__(self, wheels: Wheels) -> None:
        self._xml = wheels.xml
        self._compiled: dict[str, etree.XSLT] = {}

    def __call__(self, tag: str) -> etree.XSLT | None:
        """The stylesheet for a root element's tag in Clark notation, None for a kind of document SAT has none for."""
        place = _STYLESHEETS.get(tag)
        if place is not None and tag not in self._compiled:
            source = etree.parse(str(self._xml / place))
            self._compiled[tag] = etree.XSLT(source, access_control=_NO_FILES)
        return self._compiled.get(tag)


class Texts:
    """SAT's words for codes, of the large catalogues from the compiled file. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """path: the compiled file; it is opened read-only and stays open."""
        self._db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._lock = threading.Lock()

    def text(self, catalog: str, code: str) -> str | None:
        """SAT's Spanish words for a code; ``catalog`` is SAT's name of the list ("c_ClaveProdServ").

        None for a code without words: unknown, or a product key that only SAT's schema lists.
        """
        small = TEXTS.get(catalog)
        if small is not None:
            return small.get(code)
        with self._lock:
            row = self._db.execute(_NAME_OF[catalog], (code,)).fetchone()
        return None if row is None else row[0]

    def version(self) -> str:
        """Date of the data, YYYY-MM-DD."""
        with self._lock:
            return str(self._db.execute("select value from meta where name = 'version'").fetchone()[0])


@dataclass(frozen=True, slots=True)
class SatData:
    """SAT's data of one process."""

    catalogs: Catalogs
    schemas: Schemas
    stylesheets: Stylesheets
    texts: Texts
    version: str


def load(data_dir: Path) -> SatData:
    """SAT's data from ``data_dir``, compiled first when absent or older than the installed packages.

    Raises DataDamagedError when the packages are damaged.
    """
    wheels = locate()
    folder = compiled(data_dir, wheels)
    texts = Texts(folder / DATABASE)
    return SatData(
        catalogs=_catalogs(folder / DATABASE),
        schemas=Schemas(etree.XMLSchema(file=str(folder / WRAPPER))),
        stylesheets=Stylesheets(wheels),
        texts=texts,
        version=texts.version(),
    )


def _catalogs(path: Path) -> Catalogs:
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return Catalogs(
            products=[number for (number,) in db.execute("select cast(code as integer) from products")],
            product_validity=_limited(db),
            units={code: name or code for code, name in db.execute("select code, name from units order by code")},
            zips=_zips(db),
        )
    finally:
        db.close()


def _limited(db: sqlite3.Connection) -> dict[int, Validity]:
    # Before CFDI 4.0 (2022) no document of ours exists: a key in force since then needs no first day.
    rows = db.execute(
        "select code, valid_from, valid_to from products where valid_to is not null or valid_from >= '2022-01-01'"
    )
    return {
        int(code): Validity(first and date.fromisoformat(first), last and date.fromisoformat(last))
        for code, first, last in rows
    }


def _zips(db: sqlite3.Connection) -> dict[int, ZipInfo]:
    # About 3,000 places serve 96,000 postal codes: rows of one place share one object.
    places: dict[tuple[str | None, ...], ZipInfo] = {}
    zips: dict[int, ZipInfo] = {}
    for number, *row in db.execute(
        "select cast(code as integer), state, municipality, locality, border_stimulus, zone from zip_codes"
    ):
        place = tuple(row)
        info = places.get(place)
        if info is None:
            info = places[place] = ZipInfo(*row)
        zips[number] = info
    return zips
