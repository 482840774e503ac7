"""What SAT's published lists say of a client, as this room asks for it (contract sat-lists.md).

The lists are loaded elsewhere; ``wiring`` hands in who can look into them. The answer is kept with the client, so that
a reply costs no look-up, and is asked for again whenever the RFC may have changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from timbra.catalogs.address import MEXICO
from timbra.cfdi.text import rfc_kind
from timbra.clients.model import Client
from timbra.platform.db import Tx

LISTED_KINDS: Final = ("company", "person")


class Screening(Protocol):
    """Looks an RFC up in the lists that are loaded."""

    def status(self, tx: Tx, rfc: str, at_ms: int) -> Mapping[str, Any] | None:
        """``sat_status`` of the RFC: is_risky, efos, hits, checked_at (s). None while no list is loaded."""
        ...


class NotLoaded:
    """No list was ever loaded on this server: nobody can tell."""

    def status(self, tx: Tx, rfc: str, at_ms: int) -> Mapping[str, Any] | None:
        """None for every RFC."""
        return None


NOT_LOADED: Final[Screening] = NotLoaded()


def may_be_listed(tax_id: str | None, country: str | None) -> bool:
    """False for nobody in particular (generic RFCs) and for tax ids of other countries: they are not asked for."""
    return tax_id is not None and country in (None, MEXICO) and rfc_kind(tax_id) in LISTED_KINDS


def screened(tx: Tx, client: Client, screening: Screening, at_ms: int) -> Client:
    """The client with what the lists say of its RFC now."""
    asked = may_be_listed(client.tax_id, client.address.country)
    return replace(client, sat_status=screening.status(tx, client.tax_id or "", at_ms) if asked else None)
