"""Payment complements: the contract's vectors, the limits of SAT, refusals, and the XML."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from lxml import etree

from factories.cfdi_invoice import COMPANY, CUSTOMER, micro
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena
from timbra.cfdi.amounts import AmountError
from timbra.cfdi.build import CertificateText, build
from timbra.cfdi.model import Factor, Rate, Relation, Tax
from timbra.cfdi.money import text
from timbra.cfdi.parse import parse
from timbra.cfdi.payments.amounts import ComputedPayment, compute
from timbra.cfdi.payments.equivalence import ONE, equivalence, equivalence_text, paid_limits
from timbra.cfdi.payments.groups import common_taxability, tax_groups
from timbra.cfdi.payments.model import Covered, History, PaidDocument, Payment, TaxGroup
from timbra.cfdi.payments.node import payment_node
from timbra.cfdi.payments.scaffold import document_of, frame
from timbra.cfdi.read import read_cfdi
from timbra.cfdi.rules.document import check_document

UUID = "0a7b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d"
PAID_AT = datetime(2026, 4, 2, 11, 30)


def group(tax: Tax = Tax.IVA, rate: str = "0.16", base: str = "100", factor: Factor = Factor.TASA, *,
          withheld: bool = False) -> TaxGroup:  # fmt: skip
    return TaxGroup(tax, factor, Rate(micro(rate)), withheld, micro(base))


def paid(total: str, amount: str, *groups: TaxGroup, **changes: Any) -> PaidDocument:
    """The first instalment of an invoice in pesos."""
    plain = PaidDocument(
        UUID, "MXN", 2, micro("1"), micro(total), micro(total), micro(amount), 1, groups, "02", "A", "7"
    )
    return replace(plain, **changes)


def payment(*documents: PaidDocument, **changes: Any) -> Payment:
    """A transfer in pesos."""
    return replace(Payment(PAID_AT, "03", "MXN", 2, documents), **changes)


def figures(computed: ComputedPayment) -> list[tuple[str, str, str]]:
    """(tax, base, amount) of every row of ImpuestosDR."""
    return [
        (f"{'-' if share.withheld else ''}{share.tax.name}", text(share.base), text(share.amount))
        for one in computed.documents
        for share in one.taxes
    ]


USD = {"currency": "USD", "rate": micro("20")}
IN_USD = {"currency": "USD", "exchange_rate": micro("20")}
IVA_OF_10000 = group(base="10000")


@pytest.mark.parametrize(
    ("made", "e", "rows", "row_p", "amount", "total"),
    [
        (
            payment(paid("11600", "5800", IVA_OF_10000)),
            "1.0000000000", [("IVA", "5000", "800")], ("5000", "800"), "5800", "5800",
        ),
        (
            payment(paid("116", "116", group(), **USD)),
            "0.0500000000", [("IVA", "100", "16")], ("2000", "320"), "2320", "2320",
        ),
        (
            payment(paid("2320", "2320", group(base="2000")), **IN_USD),
            "20.0000000000", [("IVA", "2000", "320")], ("100", "16"), "116", "2320",
        ),
        (
            payment(
                paid(
                    "9533.33", "5000", IVA_OF_10000, group(Tax.ISR, "0.10", "10000", withheld=True),
                    group(Tax.IVA, "0.106667", "10000", withheld=True),
                )
            ),
            "1.0000000000",
            [("-ISR", "5244.757079", "524.475708"), ("-IVA", "5244.757079", "559.442503"),
             ("IVA", "5244.757079", "839.161133")],
            ("5244.757079", "839.161133"), "5000", "5000",
        ),
    ],
)  # fmt: skip
def test_vectors_of_the_contract(
    made: Payment, e: str, rows: list[tuple[str, str, str]], row_p: tuple[str, str], amount: str, total: str
) -> None:
    computed = compute(made)

    assert equivalence_text(computed.documents[0].equivalence) == e
    assert figures(computed) == rows
    (transferred,) = computed.transferred
    assert (text(transferred.base), text(transferred.amount)) == row_p
    assert (text(computed.amount), text(computed.totals["MontoTotalPagos"])) == (amount, total)
    assert computed.unapplied == 0


@pytest.mark.parametrize(
    ("value", "e", "low", "high"),
    [("116.00", ONE // 20, "2319.89", "2320.10"), ("2320.00", 20 * ONE, "115.99", "116.00")],
)
def test_limits_of_sat(value: str, e: int, low: str, high: str) -> None:
    assert paid_limits(micro(value), 2, e, 10, 2) == (micro(low), micro(high))


def test_an_equivalence_of_a_single_last_place_has_limits() -> None:
    low, high = paid_limits(micro("1.00"), 2, 1, 10, 2)

    assert 0 < low < high
    assert equivalence(micro("0.000001"), micro("999999999")) == 0


class TestAmount:
    def test_more_than_is_applied_is_left_over(self) -> None:
        computed = compute(payment(paid("116", "58", group()), amount=micro("60")))

        assert (text(computed.amount), text(computed.applied), text(computed.unapplied)) == ("60", "58", "2")
        assert text(computed.totals["MontoTotalPagos"]) == "60"

    @pytest.mark.parametrize("amount", ["57.99", "0.01"])
    def test_less_than_is_applied_is_refused_in_one_currency(self, amount: str) -> None:
        with pytest.raises(AmountError) as refused:
            compute(payment(paid("116", "58", group()), amount=micro(amount)))

        assert (refused.value.code, refused.value.path, str(refused.value.fix)) == ("CRP20217", "amount", "58.000000")

    @pytest.mark.parametrize(("amount", "holds"), [("2319.89", True), ("2319.88", False), ("2320.50", True)])
    def test_several_currencies_have_a_margin(self, amount: str, *, holds: bool) -> None:
        made = payment(paid("116", "116", group(), **USD), amount=micro(amount))
        if holds:
            computed = compute(made)
            assert text(computed.unapplied) == ("0.5" if amount == "2320.50" else "0")
        else:
            with pytest.raises(AmountError, match="2320"):
                compute(made)

    @pytest.mark.parametrize(
        ("made", "code", "path"),
        [
            (payment(paid("116", "0", group())), "CRP20241", "invoices[0].amount"),
            (payment(paid("116", "1", group(), balance=micro("0"))), "CRP20239", "invoices[0].amount"),
            (payment(paid("116", "116.01", group())), "CRP20244", "invoices[0].amount"),
            (payment(paid("116", "1.001", group())), "CRP20242", "invoices[0].amount"),
            (payment(paid("116", "1", group()), amount=micro("1.001")), "CRP20219", "amount"),
            (payment(paid("116", "1", group(), installment=1000)), "max", "invoices[0]"),
            (payment(paid("1", "0.01", currency="USD", rate=micro("0.000001"))), "CRP20218", "amount"),
            (
                payment(paid("1", "1", currency="USD", rate=micro("999999999")), currency="EUR",
                        exchange_rate=micro("0.000001")),
                "max", "invoices[0].exchange_rate",
            ),
        ],
    )  # fmt: skip
    def test_refused(self, made: Payment, code: str, path: str) -> None:
        with pytest.raises(AmountError) as refused:
            compute(made)

        assert (refused.value.code, refused.value.path) == (code, path)

    def test_an_amount_beyond_all_digits(self) -> None:
        owed = paid("999999999999", "999999999999", currency="USD", rate=micro("1"))

        with pytest.raises(AmountError) as refused:
            compute(payment(owed, currency="EUR", exchange_rate=micro("0.000001")))

        assert (refused.value.code, refused.value.path) == ("max", "amount")


class TestTaxes:
    def test_three_thirds_make_the_whole(self) -> None:
        groups = (group(base="86.21"), group(Tax.ISR, "0.0125", "86.21", withheld=True))
        covered: dict[Any, Covered] = {}
        done, stated = 0, []
        for number, amount in enumerate(("33.00", "33.00", "32.92"), start=1):
            history = History(micro(str(done)), dict(covered))
            balance = micro("98.92") - micro(str(done))
            computed = compute(
                payment(paid("98.92", amount, *groups, installment=number, balance=balance, history=history))
            )
            done += int(float(amount))
            for share in computed.documents[0].taxes:
                before = covered.get(share.key, Covered(micro("0"), micro("0")))
                covered[share.key] = Covered(before.base + share.base, before.amount + share.amount)  # type: ignore[arg-type]
            stated.append(figures(computed))

        assert {key[0].name: (text(b), text(a)) for key, (b, a) in covered.items()} == {
            "IVA": ("86.21", "13.7936"),
            "ISR": ("86.21", "1.077625"),
        }
        assert stated[0] == [("-ISR", "28.759907", "0.359499"), ("IVA", "28.759907", "4.601585")]

    def test_a_base_that_vanishes_has_no_row(self) -> None:
        computed = compute(payment(paid("100000000", "0.01", group(base="0.01"))))

        assert (figures(computed), computed.documents[0].taxability) == ([], "01")
        assert computed.transferred == ()

    @pytest.mark.parametrize(("own", "printed"), [("01", "01"), ("03", "03"), ("06", "06"), ("02", "01"), ("07", "01")])
    def test_taxability_without_taxes(self, own: str, printed: str) -> None:
        assert compute(payment(paid("100", "50", taxability=own))).documents[0].taxability == printed

    def test_exempt_and_cuota(self) -> None:
        computed = compute(
            payment(
                paid(
                    "232.90", "116.45", group(factor=Factor.EXENTO, rate="0"),
                    group(Tax.IEPS, "1.6451", "20", Factor.CUOTA),
                )
            )
        )  # fmt: skip

        assert figures(computed) == [("IVA", "50", "0"), ("IEPS", "10", "16.451")]
        assert {name: text(value) for name, value in computed.totals.items()} == {
            "TotalTrasladosBaseIVAExento": "50",
            "MontoTotalPagos": "116.45",
        }

    def test_a_withheld_tax_of_two_rates_is_one_row_of_the_payment(self) -> None:
        computed = compute(
            payment(
                paid("189.20", "189.20", group(Tax.ISR, "0.10", "100", withheld=True),
                     group(Tax.ISR, "0.0125", "64", withheld=True))
            )
        )  # fmt: skip

        assert figures(computed) == [("-ISR", "100", "10"), ("-ISR", "64", "0.8")]
        (row,) = computed.withheld
        assert (row.tax, text(row.amount), text(computed.totals["TotalRetencionesISR"])) == (Tax.ISR, "10.8", "10.8")


def written(computed: ComputedPayment, **changes: Any) -> tuple[etree._Element, str]:
    document = document_of(COMPANY, replace(CUSTOMER, use="CP01"), PAID_AT, series="P", folio=31, **changes)
    draft = build(document, frame(), CertificateText("30001000000500003416", "AAAA"), complement=payment_node(computed))
    return parse(f"{draft.head}AAAA{draft.tail}".encode(), limit=100_000), draft.cadena


def attributes(root: etree._Element, name: str) -> list[dict[str, str]]:
    return [dict(node.attrib) for node in root.iter(f"{{http://www.sat.gob.mx/Pagos20}}{name}")]


def test_the_written_document_is_what_sat_prescribes(sat_data: SatData) -> None:
    second = paid("2320", "2320", group(base="2000"), uuid="1b8c2d3e-4f5a-4b6c-9d7e-8f9a0b1c2d3e", folio="8")
    made = payment(
        paid("11600", "5800", IVA_OF_10000), second, operation='BNX "&" 1', payer_bank_rfc="BNM840515VB1",
        payer_account="012345678901234567", payee_account="0123456789",
    )  # fmt: skip

    root, text_ = written(compute(made), relations=(Relation("04", (UUID,)),))

    assert sat_data.schemas.validate(root) == []
    assert check_document(root, catalogs=sat_data.catalogs) == []
    assert cadena.of(root) == text_
    assert {name: root.get(name) for name in ("SubTotal", "Total", "Moneda", "TipoCambio", "FormaPago")} == {
        "SubTotal": "0", "Total": "0", "Moneda": "XXX", "TipoCambio": None, "FormaPago": None,
    }  # fmt: skip
    assert attributes(root, "Totales") == [
        {"TotalTrasladosBaseIVA16": "7000.00", "TotalTrasladosImpuestoIVA16": "1120.00", "MontoTotalPagos": "8120.00"}
    ]
    (sent,) = attributes(root, "Pago")
    assert (sent["FechaPago"], sent["TipoCambioP"], sent["NumOperacion"]) == ("2026-04-02T11:30:00", "1", 'BNX "&" 1')
    assert attributes(root, "DoctoRelacionado")[0] == {
        "IdDocumento": UUID, "Serie": "A", "Folio": "7", "MonedaDR": "MXN", "EquivalenciaDR": "1",
        "NumParcialidad": "1", "ImpSaldoAnt": "11600.00", "ImpPagado": "5800.00", "ImpSaldoInsoluto": "5800.00",
        "ObjetoImpDR": "02",
    }  # fmt: skip
    assert attributes(root, "TrasladoP") == [
        {
            "BaseP": "7000.00",
            "ImpuestoP": "002",
            "TipoFactorP": "Tasa",
            "TasaOCuotaP": "0.160000",
            "ImporteP": "1120.00",
        }
    ]


def test_an_equivalence_of_one_has_its_decimals_beside_another_currency(sat_data: SatData) -> None:
    other = paid("116", "116", group(), uuid="1b8c2d3e-4f5a-4b6c-9d7e-8f9a0b1c2d3e", **USD)

    root, _ = written(compute(payment(paid("116", "58", group()), other)))

    assert [row["EquivalenciaDR"] for row in attributes(root, "DoctoRelacionado")] == ["1.0000000000", "0.0500000000"]
    assert check_document(root, catalogs=sat_data.catalogs) == []


def test_a_payment_without_any_tax_has_no_node_of_taxes(sat_data: SatData) -> None:
    root, _ = written(compute(payment(paid("100", "50", taxability="03"))))

    assert sat_data.schemas.validate(root) == []
    assert check_document(root, catalogs=sat_data.catalogs) == []
    assert attributes(root, "ImpuestosP") == attributes(root, "ImpuestosDR") == []


def test_taxes_are_read_from_the_invoice_that_is_paid() -> None:
    xml = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" Moneda="MXN"><cfdi:Conceptos>
 <cfdi:Concepto ObjetoImp="02"><cfdi:Impuestos><cfdi:Retenciones><cfdi:Retencion Base="100.005" Impuesto="001"
  TipoFactor="Tasa" TasaOCuota="0.100000" Importe="10"/></cfdi:Retenciones></cfdi:Impuestos></cfdi:Concepto>
 <cfdi:Concepto ObjetoImp="01"><cfdi:Impuestos><cfdi:Retenciones><cfdi:Retencion Base="50" Impuesto="001"
  TipoFactor="Tasa" TasaOCuota="0.100000" Importe="5"/></cfdi:Retenciones></cfdi:Impuestos></cfdi:Concepto></cfdi:Conceptos>
 <cfdi:Impuestos><cfdi:Traslados><cfdi:Traslado Base="100.01" Impuesto="002" TipoFactor="Exento"/>
 <cfdi:Traslado Base="50.00" Impuesto="003" TipoFactor="Cuota" TasaOCuota="1.645100" Importe="82.26"/></cfdi:Traslados>
 </cfdi:Impuestos></cfdi:Comprobante>"""

    document = read_cfdi(parse(xml.encode(), limit=10_000))

    assert tax_groups(document) == (
        group(rate="0", base="100.01", factor=Factor.EXENTO),
        group(Tax.IEPS, "1.6451", "50", Factor.CUOTA),
        group(Tax.ISR, "0.10", "150.01", withheld=True),
    )
    assert common_taxability(document) == "01"
