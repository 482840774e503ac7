"""Rules of a line sold for a third party (ACuentaTerceros), and of its customs request. One function per SAT code."""

import re
from typing import Final

from timbra.cfdi.codes import GENERIC_REGIME, REGIMES
from timbra.cfdi.model import Line
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.text import clean_rfc, rfc_kind

FOREIGN_THIRD_PARTY: Final = "EXT990101NI1"
# SAT's fixed name of the foreign third party (Anexo 20 guide, CFDI40189).
FOREIGN_THIRD_PARTY_NAME: Final = (
    "EXPEDICIÓN DE CFDI POR RESIDENTES EN MÉXICO QUE PRESTAN SERVICIOS DE INTERMEDIACIÓN ENTRE TERCEROS A OFERENTES DE "
    "BIENES Y SERVICIOS RESIDENTES EN EL EXTRANJERO"
)
_CUSTOMS_REQUEST: Final = re.compile("[0-9]{2}  [0-9]{2}  [0-9]{4}  [0-9]{7}")
_CUSTOMS_DIGITS: Final = re.compile("([0-9]{2})([0-9]{2})([0-9]{4})([0-9]{7})")


def cfdi40187(_facts: Facts, line: Line, at: str) -> Finding | None:
    """The third party's RFC has an RFC's form; whether SAT lists it only a PAC knows."""
    if line.third_party is None or rfc_kind(line.third_party.rfc) in ("person", "company"):
        return None
    fix = clean_rfc(line.third_party.rfc)
    kind = rfc_kind(fix)
    message = "does not have the form of a taxpayer's RFC"
    return Finding("CFDI40187", f"{at}.third_party.tax_id", message, fix if kind in ("person", "company") else None)


def cfdi40188(facts: Facts, line: Line, at: str) -> Finding | None:
    """The third party is neither issuer nor receiver."""
    if line.third_party is None:
        return None
    if line.third_party.rfc not in (facts.invoice.issuer.rfc, facts.invoice.receiver.rfc):
        return None
    return Finding("CFDI40188", f"{at}.third_party.tax_id", "must not be the RFC of the issuer or of the receiver")


def cfdi40189(_facts: Facts, line: Line, at: str) -> Finding | None:
    """The foreign third party has SAT's fixed name."""
    party = line.third_party
    if party is None or party.rfc != FOREIGN_THIRD_PARTY or party.name == FOREIGN_THIRD_PARTY_NAME:
        return None
    message = f"of {FOREIGN_THIRD_PARTY} must be SAT's fixed text"
    return Finding("CFDI40189", f"{at}.third_party.legal_name", message, FOREIGN_THIRD_PARTY_NAME)


def cfdi40191(_facts: Facts, line: Line, at: str) -> Finding | None:
    """The third party's regime is in c_RegimenFiscal."""
    party = line.third_party
    if party is None or party.rfc == FOREIGN_THIRD_PARTY:
        return None
    row = REGIMES.get(party.regime)
    if row is not None and row.cfdi40:
        return None
    return Finding("CFDI40191", f"{at}.third_party.tax_system", "is not a code of c_RegimenFiscal in force")


def cfdi40192(facts: Facts, line: Line, at: str) -> Finding | None:
    """The third party's postal code exists; whether it is the registered one only a PAC knows."""
    party = line.third_party
    if party is None or party.rfc == FOREIGN_THIRD_PARTY or facts.catalogs.zip_in_force(party.zip, facts.day):
        return None
    return Finding("CFDI40192", f"{at}.third_party.zip", "is not a postal code of SAT's catalogue")


def cfdi40193(facts: Facts, line: Line, at: str) -> Finding | None:
    """The foreign third party carries the place of issue."""
    party, place = line.third_party, facts.invoice.issuer.zip
    if party is None or party.rfc != FOREIGN_THIRD_PARTY or party.zip == place:
        return None
    message = f"of {FOREIGN_THIRD_PARTY} must be the issuer's postal code"
    return Finding("CFDI40193", f"{at}.third_party.zip", message, place)


def cfdi140223(_facts: Facts, line: Line, at: str) -> Finding | None:
    """The foreign third party carries regime 616."""
    party = line.third_party
    if party is None or party.rfc != FOREIGN_THIRD_PARTY or party.regime == GENERIC_REGIME:
        return None
    message = f"of {FOREIGN_THIRD_PARTY} must be {GENERIC_REGIME}"
    return Finding("CFDI140223", f"{at}.third_party.tax_system", message, GENERIC_REGIME)


def cfdi40194(_facts: Facts, line: Line, at: str) -> Finding | None:
    """NumeroPedimento is year, customs office, patent and number with two blanks between."""
    request = line.customs_request
    if request is None or _CUSTOMS_REQUEST.fullmatch(request):
        return None
    found = _CUSTOMS_DIGITS.fullmatch(re.sub(r"[\s\-]+", "", request))
    fix = "  ".join(found.groups()) if found else None
    message = "must be 15 digits with two blanks between the groups: 15  48  3009  0001234"
    return Finding("CFDI40194", f"{at}.customs_request", message, fix)


def cfdi40195(facts: Facts, line: Line, at: str) -> Finding | None:
    """NumeroPedimento does not go with Comercio Exterior."""
    if line.customs_request is None or not facts.foreign_trade:
        return None
    return Finding("CFDI40195", f"{at}.customs_request", "must be absent with the complement Comercio Exterior")


RULES: Final = (cfdi40187, cfdi40188, cfdi40189, cfdi40191, cfdi40192, cfdi40193, cfdi140223)
