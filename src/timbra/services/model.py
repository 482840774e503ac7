"""A service: a line of the catalogue that documents can refer to (contract services.md section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from timbra.catalogs.taxes import LineTaxes, to_wire
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.model import MICRO, Micro
from timbra.cfdi.money import to_decimal
from timbra.teams.settings import TeamSettings

TAXED: Final = "02"
UNTAXED: Final = "01"
ONE: Final = Micro(MICRO)
UNIT_NAME_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a team in one mode. ``taxability`` None follows the taxes."""

    id: str
    team_id: str
    livemode: bool
    owner: str
    origin: str
    created_ms: int
    updated_ms: int
    description: str
    unit_price: Micro
    product_key: str
    unit_key: str
    unit_name: str | None = None
    sku: str | None = None
    quantity: Micro = ONE
    taxability: str | None = None
    taxes: LineTaxes = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """The object of the API."""
        return {
            "id": self.id,
            "description": self.description,
            "sku": self.sku,
            "product_key": self.product_key,
            "unit_key": self.unit_key,
            "unit_name": self.unit_name,
            "unit_price": to_decimal(self.unit_price),
            "quantity": to_decimal(self.quantity),
            "taxability": self.taxability or taxability_of(self.taxes),
            "taxes": [to_wire(tax) for tax in self.taxes],
            "metadata": dict(self.metadata),
            "livemode": self.livemode,
            "team": self.team_id,
            "owner": self.owner,
            "from": self.origin,
            "created_at": self.created_ms // 1000,
            "updated_at": self.updated_ms // 1000,
        }


def taxability_of(taxes: LineTaxes) -> str:
    """ObjetoImp where none is given."""
    return TAXED if taxes else UNTAXED


def unit_name_of(unit_key: str, settings: TeamSettings, catalogs: Catalogs) -> str | None:
    """The team's name for its own unit, else the catalogue's, of which two are longer than a unit's name may be."""
    own = settings["unit_name"] if unit_key == settings["unit_key"] else None
    name = own or catalogs.unit_name(unit_key)
    return name[:UNIT_NAME_MAX] if name else None
