"""SAT's rules of the lines, their taxes, third parties and customs requests."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from factories.cfdi_invoice import COMPANY, CUSTOMER, FOREIGN_TRADE, FOREIGNER, IVA16, PERSON, invoice, line, micro, tax
from factories.rule_fixes import apply_fix
from timbra.catalogs.load import SatData
from timbra.cfdi.model import Factor, Hydrocarbons, Invoice, Tax, ThirdParty
from timbra.cfdi.rules import Finding, Level, check
from timbra.cfdi.rules.third_party import FOREIGN_THIRD_PARTY_NAME
from timbra.cfdi.totals import compute

ISR = tax(Tax.ISR, "0.10", withheld=True)
IEPS8 = tax(Tax.IEPS, "0.08")
OTHER = ThirdParty("JES900109Q90", "JIMENEZ ESTRADA SALAS", "601", "37161")
ABROAD = ThirdParty("EXT990101NI1", FOREIGN_THIRD_PARTY_NAME, "616", "42501")
BORDER = replace(COMPANY, zip="22000")
EXPORTER = replace(FOREIGNER, residence="ESP", foreign_id="B-1234")
TRADE: dict[str, Any] = {"complements": (FOREIGN_TRADE,), "exports": "02", "receiver": EXPORTER}


def found(document: Invoice, sat_data: SatData) -> list[Finding]:
    return check(document, None, catalogs=sat_data.catalogs, today=date(2026, 3, 10))


CASES = [
    (line(product_key="80141599"), "CFDI40162", "product_key", "80141500"),
    (line(product_key="consulting"), "CFDI40162", "product_key", None),
    (line(unit_key="e48"), "CFDI40165", "unit_key", "E48"),
    (line(unit_key="Pieza"), "CFDI40165", "unit_key", "H87"),
    (line(unit_key="???"), "CFDI40165", "unit_key", None),
    (line(taxability="09"), "CFDI40170", "taxability", "02"),
    (line(taxability="9", taxes=()), "CFDI40170", "taxability", "01"),
    (line(taxability="02", taxes=()), "CFDI40171", "taxability", "01"),
    (line(taxability="01"), "CFDI40172", "taxability", "02"),
    (line(taxability="03"), "CFDI40172", "taxability", "02"),
    (line(taxability="05", taxes=(ISR,)), "CFDI40172", "taxability", "02"),
    (line(taxability="06"), "CFDI140226", "taxability", "02"),
    (line(taxability="08", taxes=(ISR, IEPS8)), "CFDI140226", "taxability", "02"),
    (line(taxability="07"), "CFDI140227", "taxability", "02"),
    (line(taxability="07", taxes=(IEPS8, IVA16)), "CFDI140227", "taxability", "02"),
    (line(taxability="07", taxes=()), "CFDI140227", "taxability", "01"),
    (line(unit_price=micro("0")), "CFDI40166", "unit_price", None),
    (line(discount=micro("3000.000001")), "CFDI40169", "discount", Decimal(3000)),
    (line(quantity=micro("0.3"), unit_price=micro("0.000005"), discount=micro("1")), "CFDI40169", "discount",
     Decimal("0.000002")),
    (line(taxes=(tax(rate="16"),)), "CFDI40179", "taxes[0].rate", Decimal("0.16")),
    (line(taxes=(tax(rate="0.161"),)), "CFDI40179", "taxes[0].rate", Decimal("0.16")),
    (line(taxes=(tax(rate="0.12"),)), "CFDI40179", "taxes[0].rate", None),
    (line(taxes=(IVA16, tax(Tax.IEPS, "0.085"))), "CFDI40179", "taxes[1].rate", Decimal("0.08")),
    (line(taxes=(tax(rate="0.08"),)), "CFDI40179", "taxes[0].rate", Decimal("0.16")),
    (line(taxes=(tax(factor=Factor.CUOTA),)), "CFDI40179", "taxes[0].factor", "Tasa"),
    (line(taxes=(tax(Tax.IEPS, "80", Factor.CUOTA),)), "CFDI40179", "taxes[0].rate", None),
    (line(taxes=(IVA16, replace(ISR, withheld=False))), "CFDI40179", "taxes[1].withholding", True),
    (line(taxes=(tax(factor=Factor.EXENTO),)), "CFDI40177", "taxes[0].rate", 0),
    (line(taxes=(IVA16, tax(rate="0", factor=Factor.EXENTO, withheld=True))), "CFDI40184", "taxes[1].factor", "Tasa"),
    (line(taxes=(IVA16, tax(rate="10.6667", withheld=True))), "CFDI40185", "taxes[1].rate", Decimal("0.106667")),
    (line(taxes=(IVA16, tax(Tax.ISR, "0.355", withheld=True))), "CFDI40185", "taxes[1].rate", Decimal("0.35")),
    (line(taxes=(IVA16, tax(Tax.IEPS, "0.03", withheld=True))), "CFDI40185", "taxes[1].rate", None),
    (line(third_party=replace(OTHER, rfc="jes-900109-q90")), "CFDI40187", "third_party.tax_id", "JES900109Q90"),
    (line(third_party=replace(OTHER, rfc="XAXX010101000")), "CFDI40187", "third_party.tax_id", None),
    (line(third_party=replace(OTHER, rfc=COMPANY.rfc)), "CFDI40188", "third_party.tax_id", None),
    (line(third_party=replace(OTHER, rfc=CUSTOMER.rfc)), "CFDI40188", "third_party.tax_id", None),
    (line(third_party=replace(ABROAD, name="X")), "CFDI40189", "third_party.legal_name", FOREIGN_THIRD_PARTY_NAME),
    (line(third_party=replace(OTHER, regime="999")), "CFDI40191", "third_party.tax_system", None),
    (line(third_party=replace(OTHER, zip="00001")), "CFDI40192", "third_party.zip", None),
    (line(third_party=replace(ABROAD, zip="37161")), "CFDI40193", "third_party.zip", "42501"),
    (line(third_party=replace(ABROAD, regime="601")), "CFDI140223", "third_party.tax_system", "616"),
    (line(customs_request="15 48 3009 0001234"), "CFDI40194", "customs_request", "15  48  3009  0001234"),
    (line(customs_request="154830090001234"), "CFDI40194", "customs_request", "15  48  3009  0001234"),
    (line(customs_request="15  48"), "CFDI40194", "customs_request", None),
    (line(description="mesa | silla"), "format", "description", "mesa / silla"),
    (line(unit_name="Pie\x01za"), "format", "unit_name", "Pieza"),
    (line(property_tax_account="1|2"), "format", "property_tax_account", "1/2"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "code", "key", "fix"), CASES)
def test_a_broken_rule_is_refused_and_its_fix_accepted(
    sat_data: SatData, broken: Any, code: str, key: str, fix: object
) -> None:
    document = invoice(lines=(line(), broken))

    findings = found(document, sat_data)

    assert [(row.code, row.path, row.fix, row.level) for row in findings] == [
        (code, f"items[1].{key}", fix, Level.REFUSE)
    ]
    if fix is not None:
        assert found(apply_fix(document, findings[0]), sat_data) == []


@pytest.mark.parametrize(
    "accepted",
    [
        line(taxability="02"),
        line(taxes=()),
        line(taxes=(), taxability="01"),
        line(taxes=(), taxability="04"),
        line(taxes=(), taxability="06"),
        line(taxes=(ISR,), taxability="08"),
        line(taxes=(IEPS8, ISR), taxability="07"),
        line(discount=micro("3000")),
        line(taxes=(tax(rate="0", factor=Factor.EXENTO),)),
        line(taxes=(tax(rate="0"),)),
        line(taxes=(IVA16, ISR, tax(rate="0.106667", withheld=True))),
        line(taxes=(tax(Tax.IEPS, "72.1605", Factor.CUOTA), IVA16)),
        line(third_party=OTHER),
        line(third_party=ABROAD),
        line(customs_request="15  48  3009  0001234"),
        line(product_key="01010101", unit_key="ACT"),
    ],
)
def test_an_accepted_line_has_no_finding(sat_data: SatData, accepted: Any) -> None:
    assert found(invoice(lines=(accepted,)), sat_data) == []


def test_the_border_rate_needs_a_place_with_border_stimulus(sat_data: SatData) -> None:
    border_line = line(taxes=(tax(rate="0.08"),))

    assert found(invoice(lines=(border_line,), issuer=BORDER), sat_data) == []
    assert [row.code for row in found(invoice(lines=(border_line,)), sat_data)] == ["CFDI40179"]


def test_a_customs_request_does_not_go_with_foreign_trade(sat_data: SatData) -> None:
    (finding,) = found(invoice(lines=(line(customs_request="15  48  3009  0001234"),), **TRADE), sat_data)

    assert (finding.code, finding.path) == ("CFDI40195", "items[0].customs_request")


def test_every_line_with_the_same_fault_is_named(sat_data: SatData) -> None:
    broken = line(taxability="01")
    document = invoice(lines=(broken, line(), broken))

    assert [row.path for row in found(document, sat_data)] == ["items[0].taxability", "items[2].taxability"]


def test_a_product_key_out_of_force_on_the_day_is_refused(sat_data: SatData) -> None:
    class Expired:
        def __getattr__(self, name: str) -> Any:
            return getattr(sat_data.catalogs, name)

        def product_in_force(self, key: str, day: date) -> bool:
            return day < date(2026, 3, 10)

    findings = check(invoice(), None, catalogs=Expired(), today=date(2026, 3, 10))  # type: ignore[arg-type]

    assert [row.code for row in findings] == ["CFDI40162"]


def test_texts_of_complements_are_searched_too(sat_data: SatData) -> None:
    fuel = line(hydrocarbons=Hydrocarbons("PER01", "PL/1|2", "15101514", "SP16"))

    (finding,) = found(invoice(lines=(fuel,)), sat_data)

    assert (finding.path, finding.fix) == ("items[0].item_complement.hydrocarbons.permit_number", "PL/1/2")


def test_withheld_isr_of_regime_626_is_a_warning_for_companies_only(sat_data: SatData) -> None:
    resico = replace(PERSON, regime="626")
    plain = invoice(issuer=resico, lines=(line(), line()))

    (finding,) = found(plain, sat_data)

    assert (finding.code, finding.path, finding.level) == ("CFDI140225", "items[0].taxes", Level.WARN)
    assert finding.fix == [
        {"type": "IVA", "rate": Decimal("0.16"), "factor": "Tasa", "withholding": False, "inclusive": False},
        {"type": "ISR", "rate": Decimal("0.0125"), "factor": "Tasa", "withholding": True, "inclusive": False},
    ]
    assert [row.path for row in found(apply_fix(plain, finding), sat_data)] == ["items[1].taxes"]
    person = replace(CUSTOMER, rfc="CACX7605101P8", regime="612", zip="36257")
    assert found(replace(plain, receiver=person), sat_data) == []
    assert found(replace(plain, issuer=replace(COMPANY, regime="626")), sat_data) == []


def test_a_line_without_base_needs_no_taxability(sat_data: SatData) -> None:
    free = invoice(lines=(line(discount=micro("3000")), line()))

    assert check(free, compute(free.lines, decimals=2), catalogs=sat_data.catalogs, today=date(2026, 3, 10)) == []
