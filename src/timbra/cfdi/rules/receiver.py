"""Rules of the receiver. One function per SAT code; None when it holds."""

from typing import Final

from timbra.cfdi.codes import GENERIC_REGIME, NO_EFFECTS_USE, REGIMES, USES, use_allowed
from timbra.cfdi.codes_countries import COUNTRIES, country, tax_id_matches
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding, Level
from timbra.cfdi.rules.header import Rule, regimes_of
from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC, PUBLIC_NAME, clean_rfc, rfc_check_digit_ok, rfc_kind

_GENERIC: Final = (GENERIC_RFC, FOREIGN_RFC)
_NATIONAL: Final = "MEX"
_PERSON: Final = "person"
_COUNTRY: Final = "client.address.country"
_REGIME: Final = "client.tax_system"


def cfdi40143(facts: Facts) -> Finding | None:
    """The receiver's RFC has an RFC's form; a wrong check digit is only a warning, SAT has issued such RFCs."""
    rfc = facts.invoice.receiver.rfc
    if facts.receiver_kind is None:
        fix = clean_rfc(rfc)
        return Finding("CFDI40143", "client.tax_id", "does not have an RFC's form", fix if rfc_kind(fix) else None)
    if rfc_check_digit_ok(rfc):
        return None
    return Finding("CFDI40143", "client.tax_id", "has a wrong check digit", None, Level.WARN)


def cfdi40146(facts: Facts) -> Finding | None:
    """PUBLICO EN GENERAL goes with XAXX010101000."""
    receiver = facts.invoice.receiver
    if receiver.name != PUBLIC_NAME or receiver.rfc == GENERIC_RFC:
        return None
    return Finding("CFDI40146", "client.tax_id", f"must be {GENERIC_RFC} with the name {PUBLIC_NAME}", GENERIC_RFC)


def cfdi40147(facts: Facts) -> Finding | None:
    """The receiver's postal code exists; whether it is the registered one only a PAC knows."""
    receiver = facts.invoice.receiver
    if receiver.rfc in _GENERIC or facts.catalogs.zip_in_force(receiver.zip, facts.day):
        return None
    return Finding("CFDI40147", "client.address.zip", "is not a postal code of SAT's catalogue")


def cfdi40149(facts: Facts) -> Finding | None:
    """Generic receivers carry the place of issue."""
    place = facts.invoice.issuer.zip
    receiver = facts.invoice.receiver
    if receiver.rfc not in _GENERIC or receiver.zip == place:
        return None
    return Finding("CFDI40149", "client.address.zip", "of a generic receiver must be the issuer's postal code", place)


def cfdi40150(facts: Facts) -> Finding | None:
    """ResidenciaFiscal is in c_Pais."""
    residence = facts.invoice.receiver.residence
    if residence is None or residence in COUNTRIES:
        return None
    return Finding("CFDI40150", _COUNTRY, "is not a country of c_Pais", country(residence))


def cfdi40151(facts: Facts) -> Finding | None:
    """Only XEXX010101000 has a foreign residence."""
    receiver = facts.invoice.receiver
    if receiver.residence is None or receiver.rfc == FOREIGN_RFC:
        return None
    return Finding("CFDI40151", _COUNTRY, "must be MEX for a Mexican RFC", _NATIONAL)


def cfdi40152(facts: Facts) -> Finding | None:
    """ResidenciaFiscal is not Mexico."""
    if facts.invoice.receiver.residence != _NATIONAL:
        return None
    return Finding("CFDI40152", _COUNTRY, "of a foreign receiver cannot be MEX")


def cfdi40153(facts: Facts) -> Finding | None:
    """A foreign tax id, or Comercio Exterior, needs the country."""
    receiver = facts.invoice.receiver
    if receiver.rfc != FOREIGN_RFC or receiver.residence is not None:
        return None
    if receiver.foreign_id is None and not facts.foreign_trade:
        return None
    return Finding("CFDI40153", _COUNTRY, "is required with a foreign tax id or the complement Comercio Exterior")


def cfdi40154(facts: Facts) -> Finding | None:
    """Only XEXX010101000 has a foreign tax id."""
    receiver = facts.invoice.receiver
    if receiver.foreign_id is None or receiver.rfc == FOREIGN_RFC:
        return None
    return Finding("CFDI40154", _COUNTRY, "must be MEX for a Mexican RFC: it has no foreign tax id", _NATIONAL)


def cfdi40155(facts: Facts) -> Finding | None:
    """Comercio Exterior needs the foreign tax id."""
    receiver = facts.invoice.receiver
    if receiver.rfc != FOREIGN_RFC or not facts.foreign_trade or receiver.foreign_id is not None:
        return None
    return Finding("CFDI40155", "client.tax_id", "must be the foreign tax id with the complement Comercio Exterior")


def cfdi40156(facts: Facts) -> Finding | None:
    """The foreign tax id has the form of its country."""
    land, foreign_id = facts.invoice.receiver.residence, facts.invoice.receiver.foreign_id
    if foreign_id is None or land is None or land not in COUNTRIES or tax_id_matches(land, foreign_id):
        return None
    digits = "".join(filter(str.isdigit, foreign_id))
    fix = digits if tax_id_matches(land, digits) else None
    return Finding("CFDI40156", "client.tax_id", f"must have the form {COUNTRIES[land].tax_id_pattern} in {land}", fix)


def cfdi40157(facts: Facts) -> Finding | None:
    """The receiver's regime is in c_RegimenFiscal."""
    if facts.receiver_kind in ("generic", "foreign"):
        return None  # CFDI40159 says more
    row = REGIMES.get(facts.invoice.receiver.regime)
    if row is not None and row.cfdi40:
        return None
    return Finding("CFDI40157", _REGIME, f"must be one of {regimes_of(facts.receiver_kind)}")


def cfdi40158(facts: Facts) -> Finding | None:
    """The receiver's regime fits its type of person."""
    kind = facts.receiver_kind
    row = REGIMES.get(facts.invoice.receiver.regime)
    if row is None or kind is None or row.fits(kind):
        return None
    return Finding("CFDI40158", _REGIME, f"for a {kind} must be one of {regimes_of(kind)}")


def cfdi40159(facts: Facts) -> Finding | None:
    """Generic receivers carry regime 616."""
    receiver = facts.invoice.receiver
    if receiver.rfc not in _GENERIC or receiver.regime == GENERIC_REGIME:
        return None
    return Finding("CFDI40159", _REGIME, "of a generic receiver must be 616", GENERIC_REGIME)


def _usual_use(facts: Facts) -> str:
    regime = facts.invoice.receiver.regime
    return "G03" if use_allowed("G03", regime, facts.receiver_kind or "") else NO_EFFECTS_USE


def cfdi40160(facts: Facts) -> Finding | None:
    """UsoCFDI is in c_UsoCFDI."""
    row = USES.get(facts.invoice.receiver.use)
    if row is not None and row.cfdi40:
        return None
    return Finding("CFDI40160", "use", "is not a code of c_UsoCFDI", _usual_use(facts))


def cfdi40161(facts: Facts) -> Finding | None:
    """UsoCFDI goes with the receiver's regime and type of person; generic receivers count as persons."""
    receiver = facts.invoice.receiver
    row = USES.get(receiver.use)
    if row is None or not row.cfdi40 or receiver.regime not in REGIMES:
        return None
    kind = "company" if facts.receiver_kind == "company" else _PERSON
    if use_allowed(receiver.use, receiver.regime, kind):
        return None
    message = f"{receiver.use} is not allowed for a {kind} of regime {receiver.regime}"
    return Finding("CFDI40161", "use", message, _usual_use(facts))


RULES: Final[tuple[Rule, ...]] = (
    cfdi40143, cfdi40146, cfdi40147, cfdi40149, cfdi40150, cfdi40151, cfdi40152, cfdi40153, cfdi40154, cfdi40155,
    cfdi40156, cfdi40157, cfdi40158, cfdi40159, cfdi40160, cfdi40161,
)  # fmt: skip
