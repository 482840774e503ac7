"""SAT's rules of the document's own attributes, its issuer, global node and relations."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from factories.cfdi_invoice import COMPANY, FOREIGN_TRADE, FOREIGNER, ISSUED_AT, PERSON, PUBLIC, invoice, line, micro
from factories.rule_fixes import apply_fix
from timbra.catalogs.load import SatData
from timbra.cfdi.model import GlobalInfo, Invoice, Relation
from timbra.cfdi.rules import Finding, Level, check
from timbra.cfdi.totals import compute

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 12, 30, 0)
MARCH = {"periodicity": "04", "months": "03", "year": 2026}
BIMESTRAL = replace(PERSON, regime="621")
EXPORTER = replace(FOREIGNER, residence="USA", foreign_id="123456789")


def found(document: Invoice, sat_data: SatData, **more: Any) -> list[Finding]:
    totals = compute(document.lines, decimals=2)
    return check(document, totals, catalogs=sat_data.catalogs, today=TODAY, now=NOW, **more)


def shop(**node: Any) -> dict[str, Any]:
    """A sale to the general public with this global node."""
    return {"receiver": PUBLIC, "global_info": GlobalInfo(**{**MARCH, **node})}


CASES = [
    ({"payment_form": "3"}, "CFDI40104", "payment_form", "03"),
    ({"payment_form": "77"}, "CFDI40104", "payment_form", "03"),
    ({"payment_method": "PPD"}, "CFDI40105", "payment_form", "99"),
    ({"currency": "usd", "exchange_rate": micro("17.5")}, "CFDI40113", "currency", "USD"),
    ({"currency": "XXX", "exchange_rate": micro("17.5")}, "CFDI40113", "currency", None),
    ({"exchange_rate": micro("17.5")}, "CFDI40114", "exchange_rate", 1),
    ({"currency": "USD", "exchange_rate": micro("0")}, "CFDI40117", "exchange_rate", None),
    ({"exports": "02"}, "CFDI40122", "exports", "01"),
    ({"exports": "1"}, "CFDI40123", "exports", "01"),
    ({"exports": "09"}, "CFDI40123", "exports", "01"),
    ({"receiver": EXPORTER, "complements": (FOREIGN_TRADE,)}, "CFDI40222", "exports", "02"),
    ({"payment_method": "pue"}, "CFDI40124", "payment_method", "PUE"),
    ({"payment_method": "ALL"}, "CFDI40124", "payment_method", "PUE"),
    ({"issuer": replace(COMPANY, zip="00001")}, "CFDI40126", "team.address.zip", None),
    ({"issuer": replace(COMPANY, regime="999")}, "CFDI40140", "team.tax_system", None),
    ({"issuer": replace(COMPANY, regime="628")}, "CFDI40140", "team.tax_system", None),
    ({"issuer": replace(COMPANY, regime="612")}, "CFDI40141", "team.tax_system", None),
    ({"issuer": replace(PERSON, regime="601")}, "CFDI40141", "team.tax_system", None),
    ({"issued_at": datetime(2026, 3, 10, 12, 30, 1)}, "401", "date", "2026-03-10T12:30:00"),
    ({"issued_at": datetime(2026, 3, 7, 12, 29, 59)}, "401", "date", "2026-03-10T12:30:00"),
    ({"receiver": PUBLIC}, "CFDI40130", "global", MARCH),
    (shop(periodicity="4"), "CFDI40131", "global.periodicity", "04"),
    (shop(periodicity="09"), "CFDI40131", "global.periodicity", "04"),
    (shop(periodicity="05", months="14"), "CFDI40132", "global", MARCH),
    (shop(months="3"), "CFDI40133", "global.months", "03"),
    (shop(months="19"), "CFDI40133", "global.months", "03"),
    (shop(months="14"), "CFDI40134", "global.months", "03"),
    (
        {"issuer": BIMESTRAL, **shop(periodicity="05", months="04"), "receiver": replace(PUBLIC, zip="36257")},
        "CFDI40135",
        "global.months",
        "14",
    ),
    (shop(year=2020), "CFDI40136", "global.year", 2026),
    (shop(year=2027), "CFDI40136", "global.year", 2026),
    ({"relations": (Relation("1", ("a",)),)}, "CFDI40137", "related_documents[0].relationship", "01"),
    ({"relations": (Relation("08", ("a",)),)}, "CFDI40137", "related_documents[0].relationship", None),
    ({"series": "A|B"}, "format", "series", "A/B"),
    ({"conditions": "30 días\x00"}, "format", "payment_conditions", "30 días"),
]


@pytest.mark.parametrize(("changes", "code", "path", "fix"), CASES)
def test_a_broken_rule_is_refused_and_its_fix_accepted(
    sat_data: SatData, changes: dict[str, Any], code: str, path: str, fix: object
) -> None:
    document = invoice(**changes)

    findings = found(document, sat_data)

    assert [(row.code, row.path, row.fix, row.level) for row in findings] == [(code, path, fix, Level.REFUSE)]
    if fix is not None:
        assert found(apply_fix(document, findings[0]), sat_data) == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "E", "payment_form": "15", "relations": (Relation("01", ("a",)), Relation("07", ("b",)))},
        {"payment_method": "PPD", "payment_form": "99"},
        {"currency": "USD", "exchange_rate": micro("17.123456")},
        {"receiver": EXPORTER, "complements": (FOREIGN_TRADE,), "exports": "02"},
        {"receiver": EXPORTER, "exports": "04", "complements": (FOREIGN_TRADE,)},
        {"issued_at": NOW},
        {"issued_at": datetime(2026, 3, 7, 12, 30, 0)},
        shop(),
        shop(periodicity="01", year=2021),
        {"issuer": BIMESTRAL, "receiver": replace(PUBLIC, zip="36257"), "global_info": GlobalInfo("05", "13", 2026)},
        {"kind": "E", "receiver": PUBLIC},
        {"receiver": replace(PUBLIC, name="ANA RUIZ")},
    ],
)
def test_an_accepted_document_has_no_finding(sat_data: SatData, changes: dict[str, Any]) -> None:
    assert found(invoice(**changes), sat_data) == []


def test_without_a_clock_the_date_is_checked_to_the_day(sat_data: SatData) -> None:
    def codes(day: int) -> list[str]:
        document = invoice(issued_at=datetime(2026, 3, day, 23, 59, 59))
        return [row.code for row in check(document, None, catalogs=sat_data.catalogs, today=TODAY)]

    assert [codes(day) for day in (6, 7, 10, 11)] == [["401"], [], [], ["401"]]


def test_a_date_before_2011_has_both_date_codes(sat_data: SatData) -> None:
    findings = found(invoice(issued_at=datetime(2010, 12, 31)), sat_data)
    assert [row.code for row in findings] == ["401", "403"]


def test_a_date_outside_the_certificate_is_refused(sat_data: SatData) -> None:
    valid = (datetime(2022, 1, 1), ISSUED_AT)
    late = invoice(issued_at=datetime(2026, 3, 10, 12, 0, 1))

    assert found(invoice(), sat_data, certificate_valid=valid) == []
    assert [(row.code, row.path) for row in found(late, sat_data, certificate_valid=valid)] == [("305", "date")]


def test_a_rate_far_from_the_reference_is_a_warning(sat_data: SatData) -> None:
    reference = micro("20")

    def codes(rate: str, confirmation: str | None = None) -> list[tuple[str, Level, object]]:
        document = invoice(currency="USD", exchange_rate=micro(rate), confirmation=confirmation)
        return [(row.code, row.level, row.fix) for row in found(document, sat_data, reference_rate=reference)]

    assert codes("21") == []
    assert codes("19") == []
    assert codes("21.000001") == [("CFDI40118", Level.WARN, Decimal(20))]
    assert codes("18.999999") == [("CFDI40118", Level.WARN, Decimal(20))]
    assert codes("30", "AB123") == []
    assert codes("20", "AB123") == [("CFDI40127", Level.WARN, None)]


def test_all_findings_come_at_once_refusals_first_at_most_fifty(sat_data: SatData) -> None:
    lines = tuple(line(product_key="00000000") for _ in range(60))
    document = invoice(issuer=replace(PERSON, regime="626"), payment_form="77", lines=lines)

    findings = found(document, sat_data)

    assert len(findings) == 50
    assert [findings[0].code, findings[1].code, findings[1].path] == ["CFDI40104", "CFDI40162", "items[0].product_key"]
    assert all(row.level is Level.REFUSE for row in findings)
