"""What the routes of this room work with; ``wiring`` puts it together once."""

from dataclasses import dataclass

from timbra.cfdi.catalogs import Catalogs
from timbra.clients.screening import NOT_LOADED, Screening
from timbra.clients.validation import Validator
from timbra.platform.clock import Clock
from timbra.platform.db import Database


@dataclass(frozen=True, slots=True)
class ClientParts:
    """Everything the room needs from outside."""

    database: Database
    clock: Clock
    catalogs: Catalogs
    validator: Validator
    portal_url: str  # origin of the hosted pages
    screening: Screening = NOT_LOADED
