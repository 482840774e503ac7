"""Every catalogue of the API by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from timbra.catalogs.file import CompiledFile
from timbra.catalogs.small import known_of, small_catalogs
from timbra.catalogs.stored import PRODUCTS, UNITS, ZIP_CODES, Stored
from timbra.catalogs.wanted import Catalog, Entry

TITLES: Final[Mapping[str, str]] = {
    "tax_regimes": "Régimen fiscal",
    "payment_forms": "Forma de pago",
    "cfdi_uses": "Uso CFDI",
    "payment_methods": "Método de pago",
    "months": "Meses y bimestres",
    "periodicities": "Periodicidad",
    "relationships": "Tipo de relación",
    "product_keys": "Clave de producto o servicio",
    "unit_keys": "Clave de unidad",
    "zip_codes": "Código postal",
    "countries": "País",
    "currencies": "Moneda",
    "taxes": "Impuesto",
    "tax_objects": "Objeto de impuesto",
    "exports": "Exportación",
    "cancellation_motives": "Motivo de cancelación",
}
ALIASES: Final = {"taxability": "tax_objects"}
# Digits of codes that may be written without their leading zeros.
PADDED: Final = {"product_keys": 8, "zip_codes": 5, "tax_regimes": 3}
TWO_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Content:
    """What one compiled file holds. updated_s: when it was compiled, unix seconds."""

    catalogs: Mapping[str, Catalog]
    states: frozenset[str]
    version: str
    updated_s: int


class Shelf:
    """The catalogues of one process. Safe to share between threads; ``become`` changes all of them at once."""

    def __init__(self, path: Path) -> None:
        """path: the compiled file."""
        self.path = path
        self.content = _content(path)

    def become(self, other: "Shelf") -> None:
        """From now on this answers as ``other`` does."""
        self.path, self.content = other.path, other.content

    def catalog(self, name: str) -> tuple[str, Catalog] | None:
        """Name and catalogue, however its words are parted; None when there is none of that name."""
        own = name.replace("-", "_")
        own = ALIASES.get(own, own)
        found = self.content.catalogs.get(own)
        return None if found is None else (own, found)

    def entry(self, name: str, code: str, day: str) -> Entry | None:
        """An entry by its code in any case, with or without leading zeros."""
        found = self.catalog(name)
        if found is None:
            return None
        own, catalog = found
        written = code.upper()
        padded = written.zfill(PADDED.get(own, TWO_DIGITS))
        return catalog.get(written, day) or (catalog.get(padded, day) if padded.isdigit() else None)


def _content(path: Path) -> Content:
    file = CompiledFile(path)
    large = {
        "product_keys": Stored(file, PRODUCTS),
        "unit_keys": Stored(file, UNITS),
        "zip_codes": Stored(file, ZIP_CODES),
    }
    every: dict[str, Catalog] = {**small_catalogs(known_of(file)), **large}
    return Content(
        catalogs={name: every[name] for name in TITLES},
        states=frozenset(row[0] for row in file.rows("select code from states")),
        version=str(file.one("select value from meta where name = 'version'")[0]),
        updated_s=int(path.stat().st_mtime),
    )
