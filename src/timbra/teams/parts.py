"""What the verbs of this room work with; ``wiring`` puts it together once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class TeamParts:
    """The functions answer for rooms above this one."""

    database: Database
    clock: Clock
    catalogs: Catalogs
    portal_url: str  # origin of the hosted pages
    sat_of: Callable[[Tx, TeamScope, int], Mapping[str, Any]]  # (…, now_ms): the ``sat`` object of a slot
    csd_rfcs: Callable[[Tx, str], Collection[str]]  # RFCs of the certificates in use, of both slots
    has_documents: Callable[[Tx, str], bool]  # any invoice, payment or receipt, in either mode
    highest_folio: Callable[[Tx, TeamScope, str], int]  # used or reserved in the series; 0 without any
    connected: Callable[[Tx, str], Collection[str]]  # names of the integrations in use, SAT apart
