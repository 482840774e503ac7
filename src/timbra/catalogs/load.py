"""Load SAT's data for the life of a process: look-ups, schemas, and the texts that stay in the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from lxml import etree

from timbra.catalogs.compile import DATABASE, WRAPPER, compiled
from timbra.catalogs.file import CompiledFile
from timbra.catalogs.home import Home
from timbra.catalogs.shelf import Shelf
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
    "c_Moneda": "select name from small where catalog = 'currencies' and code = ?",
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
        self._file = CompiledFile(path)

    def become(self, other: "Texts") -> None:
        """From now on this answers as ``other`` does."""
        self._file = other._file  # noqa: SLF001 (of the same class)

    def text(self, catalog: str, code: str) -> str | None:
        """SAT's Spanish words for a code; ``catalog`` is SAT's name of the list ("c_ClaveProdServ").

        None for a code without words: unknown, or a product key that only SAT's schema lists.
        """
        small = TEXTS.get(catalog)
        if small is not None:
            return small.get(code)
        row = self._file.one(_NAME_OF[catalog], (code,))
        return None if row is None else row[0]

    def version(self) -> str:
        """Date of the data, YYYY-MM-DD."""
        return str(self._file.one("select value from meta where name = 'version'")[0])


@dataclass(frozen=True, slots=True)
class SatData:
    """SAT's data of one process. ``become`` brings newer catalogues; the schemas are those of the release."""

    catalogs: Catalogs
    schemas: Schemas
    stylesheets: Stylesheets
    texts: Texts
    shelf: Shelf

    @property
    def version(self) -> str:
        """Date of the data, YYYY-MM-DD."""
        return self.texts.version()

    def become(self, folder: Path) -> None:
        """From now on everything answers by the data compiled in ``folder``; nothing is changed when it cannot be read."""
        database = folder / DATABASE
        catalogs, texts, shelf = _catalogs(database), Texts(database), Shelf(database)
        self.catalogs.become(catalogs)
        self.texts.become(texts)
        self.shelf.become(shelf)


def load(data_dir: Path, catalog_path: Path | None = None) -> SatData:
    """SAT's data, compiled first when absent or older than its sources; see ``Home`` for the two folders.

    Raises DataDamagedError when the packages are damaged, BadCatalogs when the catalogue database is.
    """
    wheels = locate()
    folder = compiled(Home.of(data_dir, catalog_path), wheels)
    return SatData(
        catalogs=_catalogs(folder / DATABASE),
        schemas=Schemas(etree.XMLSchema(file=str(folder / WRAPPER))),
        stylesheets=Stylesheets(wheels),
        texts=Texts(folder / DATABASE),
        shelf=Shelf(folder / DATABASE),
    )


def _catalogs(path: Path) -> Catalogs:
    file = CompiledFile(path)
    units = file.rows("select code, name from units order by code")
    return Catalogs(
        products=(number for (number,) in file.each("select id from products")),
        product_validity={int(code): validity for code, validity in _limited(file, "products")},
        units={code: name or code for code, name in units},
        zips=_zips(file),
        unit_validity=dict(_limited(file, "units")),
        zip_validity={int(code): validity for code, validity in _limited(file, "zip_codes")},
    )


def _limited(file: CompiledFile, table: str) -> Iterator[tuple[str, Validity]]:
    # Before CFDI 4.0 (2022) no document of ours exists: a code in force since then needs no first day.
    rows = file.rows(
        f"select code, valid_from, valid_to from {table} join periods on periods.id = period"  # noqa: S608 (constant)
        " where valid_to is not null or valid_from > '2022-01-01'"
    )
    for code, first, last in rows:
        yield code, Validity(first and date.fromisoformat(first), last and date.fromisoformat(last))


def _zips(file: CompiledFile) -> dict[int, ZipInfo]:
    # About 3,000 places serve 96,000 postal codes: rows of one place share one object.
    places: dict[tuple[str | None, ...], ZipInfo] = {}
    zips: dict[int, ZipInfo] = {}
    for number, *row in file.each("select id, state, municipality, locality, border_stimulus, zone from zip_codes"):
        place = tuple(row)
        info = places.get(place)
        if info is None:
            info = places[place] = ZipInfo(*row)
        zips[number] = info
    return zips
