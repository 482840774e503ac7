"""Reading the complement Pagos 2.0."""

from typing import Final

from lxml import etree

from timbra.cfdi.read_rows import NOTHING, Row, rows, taxes
from timbra.cfdi.read_values import ReadPaidDocument, ReadPayment

_URI: Final = "http://www.sat.gob.mx/Pagos20"
PAYMENTS: Final = f"{{{_URI}}}Pagos"

_PAYMENT: Final = Row(
    """FechaPago FormaDePagoP MonedaP TipoCambioP? Monto NumOperacion? RfcEmisorCtaOrd? NomBancoOrdExt? CtaOrdenante?
    RfcEmisorCtaBen? CtaBeneficiario? TipoCadPago? CertPago? CadPago? SelloPago?"""
)
_DOCUMENT: Final = Row(
    """IdDocumento Serie? Folio? MonedaDR EquivalenciaDR? NumParcialidad ImpSaldoAnt ImpPagado ImpSaldoInsoluto
    ObjetoImpDR"""
)
_TAX_OF_DOCUMENT: Final = Row("BaseDR? ImpuestoDR TipoFactorDR? TasaOCuotaDR? ImporteDR?")
_TAX_OF_PAYMENT: Final = Row("BaseP? ImpuestoP TipoFactorP? TasaOCuotaP? ImporteP?")


def _tag(name: str) -> str:
    return f"{{{_URI}}}{name}"


def payments(element: etree._Element) -> list[ReadPayment]:
    """Every Pago of the complement."""
    return [_payment(child) for child in element.iterchildren(_tag("Pago"))]


def payment_totals(element: etree._Element) -> dict[str, str]:
    """Totales of the complement, by SAT's names."""
    return {str(key): str(value) for child in element.iterchildren(_tag("Totales")) for key, value in child.items()}


def _payment(element: etree._Element) -> ReadPayment:
    children = rows(element)
    withheld, transferred = NOTHING
    for child in children.get(_tag("ImpuestosP"), ()):
        withheld, transferred = taxes(child, _tag("RetencionesP"), _tag("TrasladosP"), _TAX_OF_PAYMENT)
    documents = tuple([_document(child) for child in children.get(_tag("DoctoRelacionado"), ())])
    return ReadPayment._make((*_PAYMENT(element), documents, transferred, withheld))


def _document(element: etree._Element) -> ReadPaidDocument:
    withheld, transferred = NOTHING
    has_tax_node = False
    for child in element.iterchildren(_tag("ImpuestosDR")):
        has_tax_node = True
        withheld, transferred = taxes(child, _tag("RetencionesDR"), _tag("TrasladosDR"), _TAX_OF_DOCUMENT)
    return ReadPaidDocument._make((*_DOCUMENT(element), transferred, withheld, has_tax_node))
