"""The parts for clients, put together for ``wiring``: who validates them, who looks them up in SAT's lists."""

from timbra.cfdi.catalogs import Catalogs
from timbra.clients.parts import ClientParts
from timbra.clients.validation import Asking, Embedded, Validator
from timbra.pac.facturama.taxpayers import FacturamaTaxpayers
from timbra.platform.clock import Clock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.egress import Egress
from timbra.sat_lists.look_up import LookUp


def client_parts(
    settings: Settings, database: Database, clock: Clock, catalogs: Catalogs, egress: Egress
) -> ClientParts:
    """Clients are validated by the provider that the settings name."""
    return ClientParts(
        database=database,
        clock=clock,
        catalogs=catalogs,
        validator=_validator(settings, catalogs, egress),
        portal_url=settings.portal_url or settings.origin,
        screening=LookUp(),
    )


def _validator(settings: Settings, catalogs: Catalogs, egress: Egress) -> Validator:
    named = settings.fiscal_validator.get_secret_value()
    if named == "embedded":
        return Embedded(catalogs)
    return Asking(catalogs, FacturamaTaxpayers.from_url(named, egress))
