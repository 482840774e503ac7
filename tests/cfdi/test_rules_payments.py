"""Every rule CRP20xxx that a written complement can break: one that breaks it, and the same document whole."""

import re

import pytest

from factories.cfdi_xml import payment
from timbra.catalogs.load import SatData
from timbra.cfdi.parse import parse
from timbra.cfdi.rules.document import check_document
from timbra.cfdi.rules.payment_bank import PAYEE_PATTERNS, PAYER_PATTERNS, BankData, check_bank

WHOLE = re.sub(r"\s+", " ", payment().decode()).replace("> <", "><")
BANKED = WHOLE.replace(
    'NumOperacion="77"', 'NumOperacion="77" RfcEmisorCtaOrd="BNM840515VB1" CtaOrdenante="0123456789"'
)
DR = 'TipoFactorDR="Tasa" TasaOCuotaDR="0.160000" ImporteDR="8"'
RET = 'TipoFactorDR="Tasa" TasaOCuotaDR="0.100000" ImporteDR="5"'
P = 'TipoFactorP="Tasa" TasaOCuotaP="0.160000" ImporteP="16"'


def codes(xml: str, sat_data: SatData) -> set[str]:
    return {row.code for row in check_document(parse(xml.encode(), limit=100_000), catalogs=sat_data.catalogs)}


@pytest.mark.parametrize("xml", [WHOLE, BANKED])
def test_whole_documents_break_nothing(sat_data: SatData, xml: str) -> None:
    assert codes(xml, sat_data) == set()


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("CRP20201", 'TotalRetencionesISR="10.00"', 'TotalRetencionesISR="10.00" TotalRetencionesIVA="1.00"'),
        ("CRP20202", 'TotalRetencionesISR="10.00"', 'TotalRetencionesISR="9.99"'),
        ("CRP20203", 'TotalRetencionesISR="10.00"', 'TotalRetencionesISR="10.00" TotalRetencionesIEPS="1.00"'),
        ("CRP20204", 'BaseIVA16="100.00"', 'BaseIVA16="100.01"'),
        ("CRP20205", 'ImpuestoIVA16="16.00"', 'ImpuestoIVA16="16.01"'),
        ("CRP20206", 'BaseIVA16="100.00"', 'BaseIVA16="100.00" TotalTrasladosBaseIVA8="1.00"'),
        ("CRP20207", 'BaseIVA16="100.00"', 'BaseIVA16="100.00" TotalTrasladosImpuestoIVA8="1.00"'),
        ("CRP20208", 'BaseIVA16="100.00"', 'BaseIVA16="100.00" TotalTrasladosBaseIVA0="1.00"'),
        ("CRP20209", 'BaseIVA16="100.00"', 'BaseIVA16="100.00" TotalTrasladosImpuestoIVA0="1.00"'),
        ("CRP20210", 'BaseIVA16="100.00"', 'BaseIVA16="100.00" TotalTrasladosBaseIVAExento="1.00"'),
        ("CRP20211", 'MontoTotalPagos="116.00"', 'MontoTotalPagos="116.01"'),
        ("CRP20212", 'FormaDePagoP="03"', 'FormaDePagoP="99"'),
        ("CRP20217", 'Monto="116.00"', 'Monto="115.99"'),
        ("CRP20229", 'FormaDePagoP="03"', 'FormaDePagoP="01" TipoCadPago="01"'),
        ("CRP20230", 'NumOperacion="77"', 'TipoCadPago="01" CadPago="x" SelloPago="x"'),
        ("CRP20231", 'NumOperacion="77"', 'CertPago="x"'),
        ("CRP20232", 'NumOperacion="77"', 'TipoCadPago="01" CertPago="x" SelloPago="x"'),
        ("CRP20233", 'NumOperacion="77"', 'CadPago="x"'),
        ("CRP20234", 'NumOperacion="77"', 'TipoCadPago="01" CertPago="x" CadPago="x"'),
        ("CRP20235", 'NumOperacion="77"', 'SelloPago="x"'),
        ("CRP20236", 'MonedaDR="MXN"', 'MonedaDR="XXX"'),
        ("CRP20237", 'MonedaDR="MXN" EquivalenciaDR="1"', 'MonedaDR="USD"'),
        ("CRP20238", 'EquivalenciaDR="1"', 'EquivalenciaDR="1.0000000001"'),
        ("CRP20239", 'ImpSaldoAnt="116.00"', 'ImpSaldoAnt="0.00"'),
        ("CRP20240", 'ImpSaldoAnt="116.00"', 'ImpSaldoAnt="116.000"'),
        ("CRP20241", 'ImpPagado="58.00"', 'ImpPagado="0.00"'),
        ("CRP20242", 'ImpPagado="58.00"', 'ImpPagado="58.000"'),
        ("CRP20243", 'ImpSaldoInsoluto="58.00"', 'ImpSaldoInsoluto="58.000"'),
        ("CRP20244", 'ImpSaldoInsoluto="58.00"', 'ImpSaldoInsoluto="57.99"'),
        ("CRP20245", 'ObjetoImpDR="02"', 'ObjetoImpDR="99"'),
        ("CRP20247", 'ObjetoImpDR="02"', 'ObjetoImpDR="01"'),
        ("CRP20249", f'BaseDR="50" ImpuestoDR="001" {RET}', f'BaseDR="0" ImpuestoDR="001" {RET}'),
        ("CRP20250", f'ImpuestoDR="001" {RET}', f'ImpuestoDR="009" {RET}'),
        ("CRP20251", RET, RET.replace('Tasa"', 'Otro"', 1)),
        ("CRP20252", RET, RET.replace('Tasa"', 'Exento"', 1)),
        ("CRP20253", RET, RET.replace("0.100000", "0.900000")),
        ("CRP20254", RET, RET.replace('"5"', '"5.06"')),
        ("CRP20255", f'BaseDR="50" ImpuestoDR="002" {DR}', f'BaseDR="0" ImpuestoDR="002" {DR}'),
        ("CRP20256", f'ImpuestoDR="002" {DR}', f'ImpuestoDR="009" {DR}'),
        ("CRP20257", DR, DR.replace('Tasa"', 'Otro"', 1)),
        ("CRP20258", DR, DR.replace('Tasa"', 'Exento"', 1)),
        ("CRP20259", DR, 'TipoFactorDR="Tasa"'),
        ("CRP20260", DR, DR.replace("0.160000", "0.150000")),
        ("CRP20261", DR, DR.replace('"8"', '"8.09"')),
        ("CRP20262", 'RetencionP ImpuestoP="001"', 'RetencionP ImpuestoP="009"'),
        ("CRP20264", 'TotalRetencionesISR="10.00" ', ""),
        ("CRP20265", 'ImpuestoP="001" ImporteP="10"', 'ImpuestoP="001" ImporteP="10.01"'),
        ("CRP20265", '<pago20:RetencionesP><pago20:RetencionP ImpuestoP="001" ImporteP="10"/></pago20:RetencionesP>', ""),
        ("CRP20266", P, P.replace('Tasa"', 'Exento"', 1)),
        ("CRP20267", 'TotalTrasladosBaseIVA16="100.00" ', ""),
        ("CRP20268", 'BaseP="100"', 'BaseP="100.01"'),
        ("CRP20270", 'BaseP="100" ImpuestoP="002"', 'BaseP="100" ImpuestoP="009"'),
        ("CRP20272", P, P.replace("0.160000", "0.150000")),
        ("CRP20273", 'TotalTrasladosImpuestoIVA16="16.00" ', ""),
        ("CRP20274", P, P.replace('"16"', '"16.01"')),
        ("CRP20278", 'ObjetoImpDR="02"', 'ObjetoImpDR="06"'),
        ("CRP20279", 'ObjetoImpDR="02"', 'ObjetoImpDR="07"'),
    ],
)  # fmt: skip
def test_broken_rule(sat_data: SatData, code: str, old: str, new: str) -> None:
    assert old in WHOLE

    assert code in codes(WHOLE.replace(old, new), sat_data)


def test_rows_twice(sat_data: SatData) -> None:
    withheld = '<pago20:RetencionP ImpuestoP="001" ImporteP="10"/>'
    transferred = f'<pago20:TrasladoP BaseP="100" ImpuestoP="002" {P}/>'

    assert "CRP20263" in codes(WHOLE.replace(withheld, withheld * 2), sat_data)
    assert "CRP20271" in codes(WHOLE.replace(transferred, transferred * 2), sat_data)


def test_nodes_of_taxes_that_are_empty_or_missing(sat_data: SatData) -> None:
    node = re.compile(r"<pago20:ImpuestosDR>.*?</pago20:ImpuestosDR>")

    assert "CRP20246" in codes(node.sub("", WHOLE), sat_data)
    assert "CRP20248" in codes(node.sub("<pago20:ImpuestosDR/>", WHOLE), sat_data)


def test_an_exempt_base_is_a_sum_too(sat_data: SatData) -> None:
    exempt = WHOLE.replace(f" {DR}", ' TipoFactorDR="Exento"').replace(f" {P}", ' TipoFactorP="Exento"')
    exempt = exempt.replace('TotalTrasladosBaseIVA16="100.00" TotalTrasladosImpuestoIVA16="16.00"',
                            'TotalTrasladosBaseIVAExento="100.00"')  # fmt: skip
    assert codes(exempt, sat_data) == set()

    assert "CRP20269" in codes(exempt.replace('BaseP="100"', 'BaseP="101"'), sat_data)


class TestSeveralCurrencies:
    """A document in dollars paid in pesos, at 20 pesos the dollar."""

    PAID = WHOLE.replace('MonedaDR="MXN" EquivalenciaDR="1"', 'MonedaDR="USD" EquivalenciaDR="0.0500000000"')
    SUMS = (
        ('TotalRetencionesISR="10.00"', 'TotalRetencionesISR="200.00"'), ('BaseIVA16="100.00"', 'BaseIVA16="2000.00"'),
        ('ImpuestoIVA16="16.00"', 'ImpuestoIVA16="320.00"'), ('MontoTotalPagos="116.00"', 'MontoTotalPagos="2320.00"'),
        ('Monto="116.00"', 'Monto="2320.00"'), ('BaseP="100"', 'BaseP="2000"'), ('ImporteP="16"', 'ImporteP="320"'),
        ('ImpuestoP="001" ImporteP="10"', 'ImpuestoP="001" ImporteP="200"'),
    )  # fmt: skip

    def whole(self) -> str:
        xml = self.PAID
        for old, new in self.SUMS:
            xml = xml.replace(old, new)
        return xml

    def test_sums_are_divided_by_the_equivalence(self, sat_data: SatData) -> None:
        assert codes(self.whole(), sat_data) == set()

    @pytest.mark.parametrize(("amount", "holds"), [("2319.79", True), ("2319.70", False)])
    def test_monto_has_a_margin(self, sat_data: SatData, amount: str, *, holds: bool) -> None:
        xml = self.whole().replace('Monto="2320.00"', f'Monto="{amount}"')
        xml = xml.replace('MontoTotalPagos="2320.00"', f'MontoTotalPagos="{amount}"')

        assert codes(xml, sat_data) == (set() if holds else {"CRP20276"})

    def test_an_equivalence_of_one_beside_another_needs_its_decimals(self, sat_data: SatData) -> None:
        xml = WHOLE.replace('MonedaDR="MXN" EquivalenciaDR="1"', 'MonedaDR="USD" EquivalenciaDR="0.05"', 1)

        assert "CRP20277" in codes(xml, sat_data)
        assert "CRP20277" not in codes(xml.replace('EquivalenciaDR="1"', 'EquivalenciaDR="1.0000000000"'), sat_data)


class TestBank:
    def test_every_form_with_accounts(self) -> None:
        assert set(PAYER_PATTERNS) == {"02", "03", "04", "05", "06", "28", "29"}
        assert set(PAYEE_PATTERNS) == set(PAYER_PATTERNS) - {"06"}

    @pytest.mark.parametrize(
        ("bank", "found"),
        [
            (BankData("03", "BNM840515VB1", None, "0123456789", "BBA830831LJ2", "012345678901234567"), []),
            (BankData("04", None, None, "0123456789012345", None, "CLABE_DEL_PROVEEDOR"), []),
            (BankData("06", "BNM840515VB1", None, "5512345678"), []),
            (BankData("01", "BNM840515VB1"), ["CRP20221"]),
            (BankData("03", "XEXX010101000"), ["CRP20223"]),
            (BankData("03", "XEXX010101000", "Bank of Tokyo"), []),
            (BankData("17", None, None, "0123456789"), ["CRP20224"]),
            (BankData("28", None, None, "123"), ["CRP20225"]),
            (BankData("03", None, None, None, None, "123"), ["CRP20226"]),
            (BankData("06", None, None, None, "BBA830831LJ2", "0123456789"), ["CRP20227", "CRP20228"]),
        ],
    )
    def test_bank_data(self, bank: BankData, found: list[str]) -> None:
        assert [row.code for row in check_bank(bank)] == found

    def test_blanks_in_an_account_are_proposed_away(self) -> None:
        (row,) = check_bank(BankData("03", None, None, "0123 4567 89"))

        assert (row.path, row.fix) == ("payer_account", "0123456789")

    def test_a_written_document_is_judged_too(self, sat_data: SatData) -> None:
        assert "CRP20225" in codes(BANKED.replace('CtaOrdenante="0123456789"', 'CtaOrdenante="X123456789"'), sat_data)
        assert "CRP20221" in codes(BANKED.replace('FormaDePagoP="03"', 'FormaDePagoP="01"'), sat_data)
