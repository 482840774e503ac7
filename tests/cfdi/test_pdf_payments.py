"""The printed payment complement: every number of it, in both languages."""

from dataclasses import replace

import pytest
from lxml import etree
from printed_cfdi import TEXTS

from cfdi.test_payments import IVA_OF_10000, USD, UUID, group, paid, payment, written
from cfdi.test_pdf import pages
from timbra.cfdi.model import Relation, Tax
from timbra.cfdi.money import micro
from timbra.cfdi.payments.amounts import compute
from timbra.cfdi.pdf import ASSETS, Brand, Language, Renderer, from_document
from timbra.cfdi.read import read_cfdi

OTHER = "1b8c2d3e-4f5a-4b6c-9d7e-8f9a0b1c2d3e"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(ASSETS)


def printed(renderer: Renderer, root: etree._Element, language: Language = "es") -> str:
    view = from_document(root, texts=TEXTS)
    (page,) = pages(renderer.render(view, language=language, brand=Brand(), test_mode=True))
    return page


@pytest.fixture(scope="module")
def root() -> etree._Element:
    """Two invoices, one of them in dollars, paid by one transfer in pesos."""
    dollars = paid("232.00", "116.00", group(base="200"), group(Tax.ISR, "0.10", "200", withheld=True),
                   uuid=OTHER, folio="9", installment=3, **USD)  # fmt: skip
    made = payment(
        paid("11600", "5800", IVA_OF_10000), dollars, amount=micro("8200.50"), operation="BNX-55120",
        payer_bank_rfc="BNM840515VB1", payer_account="012345678901234567", payee_bank_rfc="BBA830831LJ2",
        payee_account="0123456789",
    )  # fmt: skip
    document, _ = written(compute(made), relations=(Relation("04", (UUID,)),))
    return document


@pytest.mark.parametrize(
    "text",
    [
        "Complemento de pago", "P-31", "CP01", "DOCUMENTO PAGADO", "SALDO ANTERIOR", "SALDO INSOLUTO",
        "A-7", UUID, "11,600.00 5,800.00 5,800.00", "IVA 16% 800.00 sobre 5,000.00",
        "A-9", OTHER, "Equivalencia 0.05", "232.00 116.00 116.00", "Ret. ISR 10% \u221210.00 sobre 100.00",
        "Monto pagado", "8,200.50 MXN", "OCHO MIL DOSCIENTOS PESOS 50/100 M.N.", "Fecha de pago 2 abr 2026, 11:30:00",
        "03 Transferencia electrónica de fondos", "MXN Peso Mexicano", "BNX-55120", "BNM840515VB1", "BBA830831LJ2",
        "012345678901234567", "0123456789", "84111506 · 1 ACT · Pago · 0", "04 Sustitución de los CFDI previos",
        "IVA 16% sobre 7,000.00", "1,120.00", "\u2212200.00",
    ],
)  # fmt: skip
def test_prints_what_was_paid(renderer: Renderer, root: etree._Element, text: str) -> None:
    assert text in printed(renderer, root)


def test_prints_in_english(renderer: Renderer, root: etree._Element) -> None:
    page = printed(renderer, root, "en")

    for text in ("Payment receipt", "PAID DOCUMENT", "BALANCE LEFT", "VAT 16% 800.00 on 5,000.00", "Amount paid"):
        assert text in page


def test_a_payment_in_dollars_says_its_rate_and_its_pesos(renderer: Renderer) -> None:
    made = payment(paid("2320", "2320", group(base="2000")), currency="USD", exchange_rate=micro("20"))
    document, _ = written(compute(made))

    page = printed(renderer, document)

    for text in ("116.00 USD", "20.0000 MXN", "Total MXN", "2,320.00", "Equivalencia 20"):
        assert text in page


def test_an_invoice_without_number_is_named_by_its_uuid(renderer: Renderer) -> None:
    document, _ = written(compute(payment(paid("100", "50", series=None, folio=None, taxability="03"))))

    page = printed(renderer, document)

    assert page.count(UUID) == 1
    assert "Obj. imp. 03" in page


def test_several_payments_are_summed_in_pesos(renderer: Renderer, root: etree._Element) -> None:
    view = from_document(root, texts=TEXTS)
    twice = read_cfdi(root)._replace(payments=view.cfdi.payments * 2)

    (page,) = pages(renderer.render(replace(view, cfdi=twice), language="es", brand=Brand(), test_mode=True))

    assert page.count("A-7") == 2
    assert "Monto pagado 8,200.50 MXN" in page
