"""From an invoice and its totals to the XML and the cadena original, both in one walk and without a tree.

The seal is left out: ``timbra.cfdi.seal`` puts it between ``head`` and ``tail``. The bytes depend on the values only.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from lxml import etree

from timbra.cfdi import cadena as cadenas
from timbra.cfdi.amounts import Totals
from timbra.cfdi.attributes import put
from timbra.cfdi.build_custom import with_custom
from timbra.cfdi.build_lines import add_lines, tax_text
from timbra.cfdi.complements import HYDROCARBONS, LOCAL_TAXES, check_namespaces, declarations, local_taxes
from timbra.cfdi.model import Factor, Invoice, Issuer, Namespace
from timbra.cfdi.money import text

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
WITHOUT_RATE: Final = frozenset({"MXN", "XXX"})  # Moneda that needs no TipoCambio (Anexo 20 guide, TipoCambio)

CadenaOf = Callable[[etree._Element], str]  # noqa: SLF001 lxml names its type so


class CertificateText(NamedTuple):
    """What a document says of its certificate: the 20 digits of its number, and its DER in base64."""

    number: str
    base64: str


class Draft(NamedTuple):
    """A document without its seal, which goes between head and tail."""

    head: str
    tail: str
    cadena: str
    certificate: CertificateText


class Node(NamedTuple):
    """A complement ready to be placed, with its values in the order of the cadena."""

    namespace: Namespace
    xml: str
    cadena: list[str]


def build(
    invoice: Invoice,
    totals: Totals,
    certificate: CertificateText,
    *,
    complement: Node | None = None,
    cadena_of: CadenaOf = cadenas.of,
) -> Draft:
    """The document of type I or E, or of type P with its payment complement, ready for its seal.

    cadena_of: asked when the document has custom complements, whose cadena only SAT's stylesheets know. Raises what it
    raises, and ComplementRefused for a custom complement or a namespace that cannot be placed. Source: Anexo 20.
    """
    assert invoice.kind == "P" if complement else invoice.kind in {"I", "E"}
    assert invoice.folio > 0
    assert invoice.issued_at.tzinfo is None
    check_namespaces(invoice.namespaces)
    issuer = _issuer(invoice.issuer, certificate)
    head: list[str] = []
    xml: list[str] = []
    cadena: list[str] = []
    namespaces = _namespaces(invoice, totals) if complement is None else (complement.namespace, *invoice.namespaces)
    _add_root(invoice, totals, issuer, namespaces, head, xml, cadena)
    _add_references(invoice, xml, cadena)
    xml.append(issuer.xml)
    cadena.append(issuer.cadena)
    _add_receiver(invoice, xml, cadena)
    add_lines(totals.lines, totals.decimals, xml, cadena)
    _add_taxes(totals, xml, cadena)
    if totals.local:
        node, values = local_taxes(totals)
        xml.append(f"<cfdi:Complemento>{node}</cfdi:Complemento>")
        cadena += values
    if complement is not None:
        xml.append(f"<cfdi:Complemento>{complement.xml}</cfdi:Complemento>")
        cadena += complement.cadena
    xml.append("</cfdi:Comprobante>")
    if invoice.complements or any(line.complement for line in invoice.lines):
        return Draft(*with_custom(invoice, "".join(head), "".join(xml), cadena_of), certificate)
    return Draft("".join(head), "".join(xml), f"||{'|'.join(cadena)}||", certificate)


class _IssuerTexts(NamedTuple):
    """What every document of one certificate has in common."""

    xml: str
    cadena: str
    certificate: str
    number: str


@lru_cache(maxsize=256)
def _issuer(issuer: Issuer, certificate: CertificateText) -> _IssuerTexts:
    xml, cadena = ["<cfdi:Emisor"], list[str]()
    put(xml, cadena, (("Rfc", issuer.rfc), ("Nombre", issuer.name), ("RegimenFiscal", issuer.regime)))
    xml.append("/>")
    stated = f' NoCertificado="{certificate.number}" Certificado="{certificate.base64}"'
    return _IssuerTexts("".join(xml), "|".join(cadena), stated, certificate.number)


@lru_cache(maxsize=64)
def _opening(namespaces: tuple[Namespace, ...]) -> str:
    return f"{DECLARATION}<cfdi:Comprobante{declarations(namespaces)}"


def _namespaces(invoice: Invoice, totals: Totals) -> tuple[Namespace, ...]:
    ours = (LOCAL_TAXES,) if totals.local else ()
    if any(line.hydrocarbons is not None for line in invoice.lines):
        ours = (*ours, HYDROCARBONS)
    return (*ours, *invoice.namespaces)


def _add_root(
    invoice: Invoice,
    totals: Totals,
    issuer: _IssuerTexts,
    namespaces: tuple[Namespace, ...],
    head: list[str],
    xml: list[str],
    cadena: list[str],
) -> None:
    """Source: Anexo 20, Comprobante."""
    decimals, currency = totals.decimals, invoice.currency
    head.append(_opening(namespaces))
    put(
        head,
        cadena,
        (
            ("Version", "4.0"),
            ("Serie", invoice.series),
            ("Folio", str(invoice.folio)),
            ("Fecha", invoice.issued_at.isoformat(timespec="seconds")),
        ),
    )
    head.append(' Sello="')
    xml.append('"')
    put(xml, cadena, (("FormaPago", invoice.payment_form),))
    xml.append(issuer.certificate)
    cadena.append(issuer.number)
    put(
        xml,
        cadena,
        (
            ("CondicionesDePago", invoice.conditions),
            ("SubTotal", text(totals.subtotal, decimals)),
            ("Descuento", text(totals.discount, decimals) if totals.has_discount else None),
            ("Moneda", currency),
            ("TipoCambio", None if currency in WITHOUT_RATE else text(invoice.exchange_rate)),
            ("Total", text(totals.total, decimals)),
            ("TipoDeComprobante", invoice.kind),
            ("Exportacion", invoice.exports),
            ("MetodoPago", invoice.payment_method),
            ("LugarExpedicion", invoice.issuer.zip),
            ("Confirmacion", invoice.confirmation),
        ),
    )
    xml.append(">")


def _add_references(invoice: Invoice, xml: list[str], cadena: list[str]) -> None:
    """InformacionGlobal and CfdiRelacionados."""
    period = invoice.global_info
    if period is not None:
        xml.append("<cfdi:InformacionGlobal")
        put(
            xml,
            cadena,
            (("Periodicidad", period.periodicity), ("Meses", period.months), ("Año", str(period.year))),
        )
        xml.append("/>")
    for relation in invoice.relations:
        xml.append("<cfdi:CfdiRelacionados")
        put(xml, cadena, (("TipoRelacion", relation.relationship),))
        xml.append(">")
        for uuid in relation.uuids:
            xml.append("<cfdi:CfdiRelacionado")
            put(xml, cadena, (("UUID", uuid),))
            xml.append("/>")
        xml.append("</cfdi:CfdiRelacionados>")


def _add_receiver(invoice: Invoice, xml: list[str], cadena: list[str]) -> None:
    receiver = invoice.receiver
    xml.append("<cfdi:Receptor")
    put(
        xml,
        cadena,
        (
            ("Rfc", receiver.rfc),
            ("Nombre", receiver.name),
            ("DomicilioFiscalReceptor", receiver.zip),
            ("ResidenciaFiscal", receiver.residence),
            ("NumRegIdTrib", receiver.foreign_id),
            ("RegimenFiscalReceptor", receiver.regime),
            ("UsoCFDI", receiver.use),
        ),
    )
    xml.append("/>")


def _add_taxes(totals: Totals, xml: list[str], cadena: list[str]) -> None:
    """Impuestos of the document. Source: CFDI40208 to CFDI40221."""
    withheld, transferred, decimals = totals.withheld, totals.transferred, totals.decimals
    if not withheld and not transferred:
        return
    xml.append("<cfdi:Impuestos")
    rows: list[str] = []
    if withheld:
        total = text(totals.withheld_total, decimals)
        xml.append(f' TotalImpuestosRetenidos="{total}"')
        rows.append("<cfdi:Retenciones>")
        for group in withheld:
            amount = text(group.amount, decimals)
            rows.append(f'<cfdi:Retencion Impuesto="{group.tax}" Importe="{amount}"/>')
            cadena.append(f"{group.tax}|{amount}")
        rows.append("</cfdi:Retenciones>")
        cadena.append(total)
    if transferred:
        rows.append("<cfdi:Traslados>")
        for group in transferred:
            assert group.factor is not None
            kind, plain = tax_text(group.tax, group.factor, group.rate)
            base, amount = text(group.base, decimals), text(group.amount, decimals)
            exempt = group.factor is Factor.EXENTO
            rows.append(f'<cfdi:Traslado Base="{base}" {kind}' + ("/>" if exempt else f' Importe="{amount}"/>'))
            cadena.append(f"{base}|{plain}" if exempt else f"{base}|{plain}|{amount}")
        rows.append("</cfdi:Traslados>")
    # With nothing but exempt rows there is no total (CFDI40213).
    if any(group.factor is not Factor.EXENTO for group in transferred):
        total = text(totals.transferred_total, decimals)
        xml.append(f' TotalImpuestosTrasladados="{total}"')
        cadena.append(total)
    xml.append(">")
    xml += rows
    xml.append("</cfdi:Impuestos>")
