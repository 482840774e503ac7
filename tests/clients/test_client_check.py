"""The offline validation (contract clients.md section 5)."""

from dataclasses import replace

import pytest

from factories.clients import KEMPER
from timbra.catalogs.address import Address
from timbra.catalogs.load import SatData
from timbra.clients.check import offline
from timbra.clients.model import NO_DEFAULTS, Client

GENERIC = replace(KEMPER, tax_id="XAXX010101000", legal_name=None, tax_system=None, use=None, address=Address())


def verdict(sat_data: SatData, client: Client, *, keep_full: bool = False) -> tuple[str, str]:
    found = offline(client, sat_data.catalogs, keep_full_legal_name=keep_full)
    return found.status, found.message


def test_a_test_taxpayer_matches_the_register(sat_data: SatData) -> None:
    assert verdict(sat_data, KEMPER) == ("valid", "Matches the SAT register")


def test_the_second_postal_code_of_a_taxpayer_matches_too(sat_data: SatData) -> None:
    assert verdict(sat_data, replace(KEMPER, address=Address("MEX", "26015")))[0] == "valid"


def test_live_mode_has_no_register(sat_data: SatData) -> None:
    assert verdict(sat_data, replace(KEMPER, livemode=True)) == (
        "unverified",
        "Local checks passed; not compared with the SAT register",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tax_id": "EKU9003173C8"}, "tax_id: the check digit should be 9"),
        ({"legal_name": "OTRA ESCUELA"}, "legal_name: the SAT register has another name for this RFC"),
        ({"address": Address("MEX", "01030")}, "address.zip: the SAT register has another postal code for this RFC"),
        ({"address": Address("MEX", "00001")}, "address.zip: is not in the SAT catalogue of postal codes"),
        ({"tax_system": "603", "use": None}, "tax_system: the SAT register has another regime for this RFC"),
        ({"tax_system": "605"}, "tax_system: 605 is not a regime of a company"),
        ({"tax_system": "609"}, "tax_system: 609 is no longer in force in CFDI 4.0"),
        ({"use": "D01"}, "use: D01 is not allowed for the regime 601"),
    ],
)
def test_the_first_false_check_is_the_message(sat_data: SatData, changes: dict[str, object], message: str) -> None:
    assert verdict(sat_data, replace(KEMPER, **changes)) == ("invalid", message)


def test_what_is_missing_is_named(sat_data: SatData) -> None:
    client = replace(KEMPER, legal_name=None, address=Address())

    assert verdict(sat_data, client) == ("unverified", "Incomplete: legal_name, address.zip")


def test_p01_is_no_preference(sat_data: SatData) -> None:
    assert verdict(sat_data, replace(KEMPER, use="P01"))[0] == "valid"


def test_the_full_name_is_compared_where_it_is_kept(sat_data: SatData) -> None:
    keeps = replace(KEMPER, defaults={**NO_DEFAULTS, "keep_full_legal_name": True})
    drops = replace(KEMPER, defaults={**NO_DEFAULTS, "keep_full_legal_name": False})

    assert verdict(sat_data, keeps)[0] == "invalid"
    assert verdict(sat_data, KEMPER, keep_full=True)[0] == "invalid"
    assert verdict(sat_data, drops, keep_full=True)[0] == "valid"


def test_names_are_compared_without_accents_but_with_their_enye(sat_data: SatData) -> None:
    robotica = replace(
        KEMPER, tax_id="URE180429TM6", legal_name="Universidad Robótica Española", address=Address("MEX", "86991")
    )

    assert verdict(sat_data, robotica)[0] == "valid"
    assert verdict(sat_data, replace(robotica, legal_name="UNIVERSIDAD ROBOTICA ESPANOLA"))[0] == "invalid"


def test_a_generic_rfc_is_valid_without_anything_else(sat_data: SatData) -> None:
    assert verdict(sat_data, GENERIC)[0] == "valid"
    assert verdict(sat_data, replace(GENERIC, tax_system="616", use="S01"))[0] == "valid"


@pytest.mark.parametrize(("field", "value"), [("tax_system", "601"), ("use", "G03")])
def test_a_generic_rfc_has_its_own_regime_and_use(sat_data: SatData, field: str, value: str) -> None:
    assert verdict(sat_data, replace(GENERIC, **{field: value}))[0] == "invalid"


def test_a_client_abroad_is_not_looked_up(sat_data: SatData) -> None:
    abroad = replace(KEMPER, tax_id="123456789", tax_system=None, use=None, address=Address("USA", "90210"))

    assert verdict(sat_data, abroad) == ("unverified", "Local checks passed; not compared with the SAT register")
    assert verdict(sat_data, replace(abroad, legal_name=None)) == ("unverified", "Incomplete: legal_name")


def test_the_rows_follow_the_contract(sat_data: SatData) -> None:
    rows = offline(KEMPER, sat_data.catalogs, keep_full_legal_name=False).checks

    assert [(row.field, row.ok) for row in rows] == [
        ("tax_id", True),
        ("legal_name", True),
        ("address.zip", True),
        ("tax_system", True),
        ("use", True),
        ("register.legal_name", True),
        ("register.address.zip", True),
        ("register.tax_system", True),
    ]
    assert rows[0].message == "Well formed; check digit correct"


def test_the_generic_rfc_of_foreigners_keeps_its_regime_abroad(sat_data: SatData) -> None:
    abroad = replace(GENERIC, tax_id="XEXX010101000", legal_name="Acme Inc", address=Address("USA", "90210"))

    assert verdict(sat_data, replace(abroad, tax_system="616"))[0] == "valid"
    assert verdict(sat_data, replace(abroad, tax_system="601")) == (
        "invalid",
        "tax_system: a generic RFC has the regime 616",
    )
