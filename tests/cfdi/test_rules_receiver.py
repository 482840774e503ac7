"""SAT's rules of the receiver."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from factories.cfdi_invoice import CUSTOMER, FOREIGN_TRADE, FOREIGNER, PUBLIC, invoice
from factories.rule_fixes import apply_fix
from timbra.catalogs.load import SatData
from timbra.cfdi.model import Invoice, Receiver
from timbra.cfdi.rules import Finding, Level, check
from timbra.cfdi.totals import compute

MICHELLE = Receiver("CACX7605101P8", "XOCHILT CASAS CHAVEZ", "36257", "612", "G03")
EMPLOYEE = replace(MICHELLE, regime="605", use="D01")
TRADE: dict[str, Any] = {"complements": (FOREIGN_TRADE,), "exports": "02"}


def found(document: Invoice, sat_data: SatData) -> list[Finding]:
    totals = compute(document.lines, decimals=2)
    return check(document, totals, catalogs=sat_data.catalogs, today=date(2026, 3, 10))


CASES = [
    (replace(CUSTOMER, rfc="ure-180429 tm6"), {}, "CFDI40143", "client.tax_id", "URE180429TM6"),
    (replace(CUSTOMER, rfc="URE189929TM6"), {}, "CFDI40143", "client.tax_id", None),
    (replace(MICHELLE, name="PUBLICO EN GENERAL"), {}, "CFDI40146", "client.tax_id", "XAXX010101000"),
    (replace(CUSTOMER, zip="00001"), {}, "CFDI40147", "client.address.zip", None),
    (replace(PUBLIC, name="ANA", zip="86991"), {}, "CFDI40149", "client.address.zip", "42501"),
    (replace(FOREIGNER, zip="86991"), {}, "CFDI40149", "client.address.zip", "42501"),
    (replace(FOREIGNER, residence="Narnia"), {}, "CFDI40150", "client.address.country", None),
    (replace(CUSTOMER, residence="USA"), {}, "CFDI40151", "client.address.country", "MEX"),
    (replace(PUBLIC, name="ANA", residence="USA"), {}, "CFDI40151", "client.address.country", "MEX"),
    (replace(FOREIGNER, residence="MEX"), {}, "CFDI40152", "client.address.country", None),
    (replace(FOREIGNER, foreign_id="123456789"), {}, "CFDI40153", "client.address.country", None),
    (replace(CUSTOMER, foreign_id="123456789"), {}, "CFDI40154", "client.address.country", "MEX"),
    (replace(FOREIGNER, residence="ESP"), TRADE, "CFDI40155", "client.tax_id", None),
    (
        replace(FOREIGNER, residence="USA", foreign_id="12-3456789"),
        {},
        "CFDI40156",
        "client.tax_id",
        "123456789",
    ),
    (replace(FOREIGNER, residence="CAN", foreign_id="12"), {}, "CFDI40156", "client.tax_id", None),
    (replace(CUSTOMER, regime="999"), {}, "CFDI40157", "client.tax_system", None),
    (replace(EMPLOYEE, regime="605", use="G03"), {}, "CFDI40161", "use", "S01"),
    (replace(PUBLIC, name="ANA", regime="612"), {}, "CFDI40159", "client.tax_system", "616"),
    (replace(CUSTOMER, use="P01"), {}, "CFDI40160", "use", "G03"),
    (replace(CUSTOMER, use="g03"), {}, "CFDI40160", "use", "G03"),
    (replace(EMPLOYEE, use="X99"), {}, "CFDI40160", "use", "S01"),
    (replace(CUSTOMER, use="D01"), {}, "CFDI40161", "use", "G03"),
    (replace(PUBLIC, name="ANA", use="G03"), {}, "CFDI40161", "use", "S01"),
]


@pytest.mark.parametrize(("receiver", "changes", "code", "path", "fix"), CASES)
def test_a_broken_rule_is_refused_and_its_fix_accepted(
    sat_data: SatData, receiver: Receiver, changes: dict[str, Any], code: str, path: str, fix: object
) -> None:
    document = invoice(receiver=receiver, **changes)

    findings = found(document, sat_data)

    assert (code, path, fix, Level.REFUSE) in [(row.code, row.path, row.fix, row.level) for row in findings]
    if fix is not None:
        first = next(row for row in findings if row.code == code)
        assert code not in [row.code for row in found(apply_fix(document, first), sat_data)]


@pytest.mark.parametrize(
    ("receiver", "changes"),
    [
        (CUSTOMER, {}),
        (MICHELLE, {}),
        (EMPLOYEE, {}),
        (replace(PUBLIC, name="ANA RUIZ"), {}),
        (FOREIGNER, {}),
        (replace(FOREIGNER, residence="ESP"), {}),
        (replace(FOREIGNER, residence="USA", foreign_id="123456789"), {}),
        (replace(FOREIGNER, residence="ESP", foreign_id="B-1234"), TRADE),
        (replace(CUSTOMER, use="CP01"), {}),
    ],
)
def test_an_accepted_receiver_has_no_finding(sat_data: SatData, receiver: Receiver, changes: dict[str, Any]) -> None:
    assert found(invoice(receiver=receiver, **changes), sat_data) == []


def test_only_the_broken_rule_is_found(sat_data: SatData) -> None:
    assert [row.code for row in found(invoice(receiver=replace(CUSTOMER, use="D01")), sat_data)] == ["CFDI40161"]
    assert [row.code for row in found(invoice(receiver=replace(CUSTOMER, regime="999")), sat_data)] == ["CFDI40157"]
    assert [row.code for row in found(invoice(receiver=replace(CUSTOMER, zip="1")), sat_data)] == ["CFDI40147"]


def test_the_regimes_of_the_type_of_person_are_named(sat_data: SatData) -> None:
    (finding, *_) = found(invoice(receiver=replace(CUSTOMER, regime="612")), sat_data)

    assert (finding.code, finding.path) == ("CFDI40158", "client.tax_system")
    assert finding.message == "for a company must be one of 601, 603, 610, 620, 622, 623, 624, 626"


def test_a_wrong_check_digit_is_a_warning(sat_data: SatData) -> None:
    findings = found(invoice(receiver=replace(CUSTOMER, rfc="URE180429TM5")), sat_data)

    assert [(row.code, row.level) for row in findings] == [("CFDI40143", Level.WARN)]
