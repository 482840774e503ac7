"""From a computed payment to the node Pagos and its part of the cadena original, both in one walk."""

from typing import Final

from timbra.cfdi.attributes import put
from timbra.cfdi.build import Node
from timbra.cfdi.complements import SAT
from timbra.cfdi.model import Factor, Namespace
from timbra.cfdi.money import text
from timbra.cfdi.payments.amounts import ComputedDocument, ComputedPayment, PaymentTax
from timbra.cfdi.payments.equivalence import ONE, equivalence_text
from timbra.cfdi.payments.model import Share

PAYMENTS: Final = Namespace("pago20", f"{SAT}/Pagos20", f"{SAT}/sitio_internet/cfd/Pagos/Pagos20.xsd")


def payment_node(computed: ComputedPayment) -> Node:
    """The complement. Source: Pagos 2.0; order of attributes and rows as SAT's stylesheet reads them."""
    xml, cadena = ['<pago20:Pagos Version="2.0"><pago20:Totales'], ["2.0"]
    put(xml, cadena, [(name, text(value, 2)) for name, value in computed.totals.items()])
    xml.append("/><pago20:Pago")
    _add_payment(computed, xml, cadena)
    xml.append(">")
    for document in computed.documents:
        _add_document(document, mixed=computed.mixes_currencies, xml=xml, cadena=cadena)
    _add_payment_taxes(computed, xml, cadena)
    xml.append("</pago20:Pago></pago20:Pagos>")
    return Node(PAYMENTS, "".join(xml), cadena)


def _add_payment(computed: ComputedPayment, xml: list[str], cadena: list[str]) -> None:
    payment = computed.payment
    put(
        xml,
        cadena,
        (
            ("FechaPago", payment.paid_at.isoformat(timespec="seconds")),
            ("FormaDePagoP", payment.form),
            ("MonedaP", payment.currency),
            ("TipoCambioP", text(payment.exchange_rate)),
            ("Monto", text(computed.amount, payment.decimals)),
            ("NumOperacion", payment.operation),
            ("RfcEmisorCtaOrd", payment.payer_bank_rfc),
            ("NomBancoOrdExt", payment.payer_bank_name),
            ("CtaOrdenante", payment.payer_account),
            ("RfcEmisorCtaBen", payment.payee_bank_rfc),
            ("CtaBeneficiario", payment.payee_account),
        ),
    )


def _add_document(one: ComputedDocument, *, mixed: bool, xml: list[str], cadena: list[str]) -> None:
    document = one.document
    plain = one.equivalence == ONE and not mixed
    xml.append("<pago20:DoctoRelacionado")
    put(
        xml,
        cadena,
        (
            ("IdDocumento", document.uuid),
            ("Serie", document.series),
            ("Folio", document.folio),
            ("MonedaDR", document.currency),
            ("EquivalenciaDR", "1" if plain else equivalence_text(one.equivalence)),
            ("NumParcialidad", str(document.installment)),
            ("ImpSaldoAnt", text(document.balance, document.decimals)),
            ("ImpPagado", text(document.paid, document.decimals)),
            ("ImpSaldoInsoluto", text(document.remaining, document.decimals)),
            ("ObjetoImpDR", one.taxability),
        ),
    )
    if not one.taxes:
        xml.append("/>")
        return
    xml.append("><pago20:ImpuestosDR>")
    for list_name, row_name, withheld in (("Retenciones", "Retencion", True), ("Traslados", "Traslado", False)):
        rows = [share for share in one.taxes if share.withheld == withheld]
        if rows:
            xml.append(f"<pago20:{list_name}DR>")
            for row in rows:
                _add_share(row, f"{row_name}DR", document.decimals, xml, cadena)
            xml.append(f"</pago20:{list_name}DR>")
    xml.append("</pago20:ImpuestosDR></pago20:DoctoRelacionado>")


def _add_share(row: Share, name: str, decimals: int, xml: list[str], cadena: list[str]) -> None:
    is_exempt = row.factor is Factor.EXENTO
    xml.append(f"<pago20:{name}")
    put(
        xml,
        cadena,
        (
            ("BaseDR", text(row.base, decimals)),
            ("ImpuestoDR", row.tax.value),
            ("TipoFactorDR", row.factor.value),
            ("TasaOCuotaDR", None if is_exempt else text(row.rate, 6)),
            ("ImporteDR", None if is_exempt else text(row.amount, decimals)),
        ),
    )
    xml.append("/>")


def _add_payment_taxes(computed: ComputedPayment, xml: list[str], cadena: list[str]) -> None:
    decimals = computed.payment.decimals
    if not computed.withheld and not computed.transferred:
        return
    xml.append("<pago20:ImpuestosP>")
    if computed.withheld:
        xml.append("<pago20:RetencionesP>")
        for row in computed.withheld:
            xml.append("<pago20:RetencionP")
            put(xml, cadena, (("ImpuestoP", row.tax.value), ("ImporteP", text(row.amount, decimals))))
            xml.append("/>")
        xml.append("</pago20:RetencionesP>")
    if computed.transferred:
        xml.append("<pago20:TrasladosP>")
        for row in computed.transferred:
            _add_transferred(row, decimals, xml, cadena)
        xml.append("</pago20:TrasladosP>")
    xml.append("</pago20:ImpuestosP>")


def _add_transferred(row: PaymentTax, decimals: int, xml: list[str], cadena: list[str]) -> None:
    assert row.factor is not None
    xml.append("<pago20:TrasladoP")
    put(
        xml,
        cadena,
        (
            ("BaseP", text(row.base, decimals)),
            ("ImpuestoP", row.tax.value),
            ("TipoFactorP", row.factor.value),
            ("TasaOCuotaP", None if row.rate is None else text(row.rate, 6)),
            ("ImporteP", None if row.rate is None else text(row.amount, decimals)),
        ),
    )
    xml.append("/>")
