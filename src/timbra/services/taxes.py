"""The taxes a line gets when it names none (contract services.md section 5)."""

from typing import Final

from timbra.catalogs.taxes import LineTaxes, from_stored
from timbra.teams.settings import TeamSettings

COMPANY_RFC_LENGTH: Final = 12


def country_taxes(settings: TeamSettings, *, receiver_is_foreign: bool) -> LineTaxes:
    """Step 1 of the default taxes: those for foreigners where the team has such, else its usual ones."""
    foreign = settings["taxes_usd"] if receiver_is_foreign else ()
    return from_stored(foreign or settings["taxes"])


def withholdings_for(settings: TeamSettings, receiver_rfc: str) -> LineTaxes:
    """Step 2: what receivers with an RFC of 12 characters withhold."""
    if len(receiver_rfc) != COMPANY_RFC_LENGTH:
        return ()
    return from_stored({**row, "withholding": True} for row in settings["withholding_taxes"])
