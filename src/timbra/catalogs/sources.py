"""The rows of the installed data packages."""

import pickle
import sqlite3
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from timbra.catalogs.rows import BORDER, Product, Rows, Unit, Zip, iso, place, tidy
from timbra.catalogs.wheels import Wheels
from timbra.cfdi.schema import Thinned

MEXICO: Final = "MEX"


class _Plain(pickle.Unpickler):
    """Unpickles texts, numbers, lists and tuples; refuses everything that would run code."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} in a catalogue")


def rows(wheels: Wheels, lists: Thinned) -> Rows:
    """Every row. lists: the code lists of SAT's schema, the authority on which codes exist."""
    sat = SatPackage(wheels.sat_db)
    return Rows(
        version=wheels.data_date,
        products=list(_products(wheels.products_db, lists.codes["c_ClaveProdServ"])),
        units=list(_units(sat, lists.codes["c_ClaveUnidad"])),
        zips=list(_zips(sat, frozenset(lists.codes["c_CodigoPostal"]))),
        states=[(code, name) for code, (land, name) in sat.rows("C756_c_Estado") if land == MEXICO],
        municipalities=[(state, code, name) for (code, state), name in sat.rows("C756_c_Municipio")],
        localities=[(state, code, name) for (code, state), name in sat.rows("C756_c_Localidad")],
        small=[("currencies", code, name, None, None) for code, (name, _) in sat.rows("C756_c_Moneda")],
    )


class SatPackage:
    """Reads the pickled tables of the satcfdi package."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)

    def rows(self, table: str) -> Iterator[tuple[Any, Any]]:
        """Keys and values of a table, whose name is a constant of ours."""
        for key, value in self._db.execute(f"select key, value from {table}"):  # noqa: S608 (a constant name)
            yield _Plain(BytesIO(key)).load(), _Plain(BytesIO(value)).load()


def _products(path: Path, listed: tuple[str, ...]) -> Iterator[Product]:
    """Every key of SAT's schema; the old ones that no data package describes have no name and no dates."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    described = {
        row[0]: row
        for row in db.execute(
            "select clave, descripcion, palabras_similares, estimulo_franja_fronteriza = '01',"
            " fecha_inicio_vigencia, fecha_fin_vigencia from clave_prod_serv"
        )
    }
    db.close()
    for code in sorted(described.keys() | set(listed)):
        _, name, synonyms, border, first, last = described.get(code, (code, None, "", False, "", ""))
        yield code, tidy(name) if name else None, tidy(synonyms or ""), bool(border), iso(first), iso(last)


def _units(sat: SatPackage, listed: tuple[str, ...]) -> Iterator[Unit]:
    names = dict(sat.rows("C756_c_ClaveUnidad"))
    for code in sorted(set(listed)):
        name = names.get(code)
        yield code, tidy(name) if name else None, None, None, None, None


def _zips(sat: SatPackage, listed: frozenset[str]) -> Iterator[Zip]:
    for code, (state, municipality, locality, border, zone) in sat.rows("C756_c_CodigoPostal"):
        if code in listed:
            yield code, state, place(municipality), place(locality), BORDER[border], zone, None, None
