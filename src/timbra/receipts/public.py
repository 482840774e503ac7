"""The receivers of sales whose buyer is not named: no clients of the team, known by SAT's generic RFCs."""

from typing import Final

from timbra.catalogs.address import Address
from timbra.cfdi.codes import GENERIC_REGIME, NO_EFFECTS_USE
from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC, PUBLIC_NAME
from timbra.clients.model import Client
from timbra.platform.scope import TeamScope

FOREIGN_NAME: Final = "CLIENTE EXTRANJERO"


def general_public(scope: TeamScope, zip_: str | None, *, foreign: bool = False) -> Client:
    """The general public of Mexico, or of other countries. zip_: the issuer's, which generic receivers share."""
    return Client(
        id="",
        team_id=scope.team_id,
        livemode=scope.livemode,
        owner="",
        origin="",
        created_ms=0,
        updated_ms=0,
        legal_name=FOREIGN_NAME if foreign else PUBLIC_NAME,
        tax_id=FOREIGN_RFC if foreign else GENERIC_RFC,
        tax_system=GENERIC_REGIME,
        use=NO_EFFECTS_USE,
        address=Address(zip=zip_, country="MEX"),
        status="valid",
    )
