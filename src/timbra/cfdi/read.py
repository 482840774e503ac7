"""Reading documents of others: the safe parser, and what a CFDI 4.0 says."""

from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from timbra.cfdi.cadena import CFDI, COMPROBANTE, TIMBRE
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.read_payments import PAYMENTS, payment_totals, payments
from timbra.cfdi.read_rows import NOTHING, Row, customs, rows, taxes
from timbra.cfdi.read_values import (
    ReadCfdi,
    ReadGlobal,
    ReadHydrocarbons,
    ReadIssuer,
    ReadLine,
    ReadLocalTax,
    ReadPart,
    ReadReceiver,
    ReadRelation,
    ReadTaxes,
    ReadThirdParty,
    ReadTimbre,
)

__all__ = ["ReadCfdi", "XmlRefused", "parse", "read_cfdi"]

_LOCAL: Final = "http://www.sat.gob.mx/implocal"
_LOCAL_TAXES: Final = f"{{{_LOCAL}}}ImpuestosLocales"
_HYDROCARBONS: Final = "{http://www.sat.gob.mx/hidrocarburospetroliferos}HidroYPetro"

_ROOT: Final = Row(
    """Version Serie? Folio? Fecha Sello FormaPago? NoCertificado Certificado CondicionesDePago? SubTotal Descuento?
    Moneda TipoCambio? Total TipoDeComprobante Exportacion MetodoPago? LugarExpedicion Confirmacion?"""
)
_ISSUER: Final = Row("Rfc Nombre RegimenFiscal FacAtrAdquirente?")
_RECEIVER: Final = Row(
    "Rfc Nombre DomicilioFiscalReceptor ResidenciaFiscal? NumRegIdTrib? RegimenFiscalReceptor UsoCFDI"
)
_GLOBAL: Final = Row("Periodicidad Meses Año")
_LINE: Final = Row(
    """ClaveProdServ NoIdentificacion? Cantidad ClaveUnidad Unidad? Descripcion ValorUnitario Importe Descuento?
    ObjetoImp"""
)
_TAX: Final = Row("Base? Impuesto TipoFactor? TasaOCuota? Importe?")
_THIRD_PARTY: Final = Row(
    "RfcACuentaTerceros NombreACuentaTerceros RegimenFiscalACuentaTerceros DomicilioFiscalACuentaTerceros"
)
_PART: Final = Row("ClaveProdServ NoIdentificacion? Cantidad Unidad? Descripcion ValorUnitario? Importe?")
_PETROL: Final = Row("Version TipoPermiso NumeroPermiso ClaveHYP SubProductoHYP")
_TOTALS: Final = Row("TotalImpuestosRetenidos? TotalImpuestosTrasladados?")
_TIMBRE: Final = Row("Version UUID FechaTimbrado RfcProvCertif Leyenda? SelloCFD NoCertificadoSAT SelloSAT")
_LOCAL_WITHHELD: Final = Row("ImpLocRetenido TasadeRetencion Importe")
_LOCAL_TRANSFERRED: Final = Row("ImpLocTrasladado TasadeTraslado Importe")


def _tag(name: str) -> str:
    return f"{{{CFDI}}}{name}"


_TRANSFERRED_ROWS: Final = _tag("Traslados")
_WITHHELD_ROWS: Final = _tag("Retenciones")
_TAXES: Final = _tag("Impuestos")
_ON_BEHALF: Final = _tag("ACuentaTerceros")
_CUSTOMS: Final = _tag("InformacionAduanera")
_PROPERTY_TAX: Final = _tag("CuentaPredial")
_LINE_COMPLEMENT: Final = _tag("ComplementoConcepto")
_PARTS: Final = _tag("Parte")


def read_cfdi(root: etree._Element) -> ReadCfdi:
    """Everything a CFDI 4.0 of type I, E, T or P says. Only its form is read: nothing is checked.

    Raises XmlRefused for any other kind of document.
    """
    if root.tag != COMPROBANTE:
        raise XmlRefused("the document is not a CFDI 4.0")
    parts = _Parts()
    for child in root:
        reader = _READERS.get(child.tag)
        if reader is not None:
            reader(parts, child)
    return ReadCfdi._make(
        (
            *_ROOT(root),
            parts.global_info,
            tuple(parts.relations),
            parts.issuer,
            parts.receiver,
            parts.lines,
            parts.taxes,
            tuple(parts.local_taxes),
            tuple(parts.payments),
            parts.payment_totals,
            tuple(parts.timbres),
            tuple(parts.complements),
            parts.has_addenda,
        )
    )


class _Parts:
    """The children of the document, collected in one pass."""

    def __init__(self) -> None:
        self.global_info: ReadGlobal | None = None
        self.relations: list[ReadRelation] = []
        self.issuer = ReadIssuer("", "", "", None)
        self.receiver = ReadReceiver("", "", "", None, None, "", "")
        self.lines: tuple[ReadLine, ...] = ()
        self.taxes: ReadTaxes | None = None
        self.local_taxes: list[ReadLocalTax] = []
        self.payments: list[Any] = []
        self.payment_totals: dict[str, str] = {}
        self.timbres: list[ReadTimbre] = []
        self.complements: list[str] = []
        self.has_addenda = False

    def read_global(self, element: etree._Element) -> None:
        self.global_info = ReadGlobal._make(_GLOBAL(element))

    def read_relation(self, element: etree._Element) -> None:
        uuids = tuple(child.get("UUID", "") for child in element)
        self.relations.append(ReadRelation(element.get("TipoRelacion", ""), uuids))

    def read_issuer(self, element: etree._Element) -> None:
        self.issuer = ReadIssuer._make(_ISSUER(element))

    def read_receiver(self, element: etree._Element) -> None:
        self.receiver = ReadReceiver._make(_RECEIVER(element))

    def read_lines(self, element: etree._Element) -> None:
        self.lines = tuple([_line(child) for child in element])

    def read_taxes(self, element: etree._Element) -> None:
        withheld, transferred = taxes(element, _WITHHELD_ROWS, _TRANSFERRED_ROWS, _TAX)
        self.taxes = ReadTaxes._make((*_TOTALS(element), withheld, transferred))

    def read_complements(self, element: etree._Element) -> None:
        for child in element:
            tag = child.tag
            self.complements.append(tag)
            if tag == TIMBRE:
                self.timbres.append(ReadTimbre._make(_TIMBRE(child)))
            elif tag == PAYMENTS:
                self.payments += payments(child)
                self.payment_totals.update(payment_totals(child))
            elif tag == _LOCAL_TAXES:
                self.local_taxes += _local_taxes(child)

    def read_addenda(self, element: etree._Element) -> None:
        self.has_addenda = True


_READERS: Final[dict[str, Callable[[_Parts, etree._Element], None]]] = {
    _tag("InformacionGlobal"): _Parts.read_global,
    _tag("CfdiRelacionados"): _Parts.read_relation,
    _tag("Emisor"): _Parts.read_issuer,
    _tag("Receptor"): _Parts.read_receiver,
    _tag("Conceptos"): _Parts.read_lines,
    _TAXES: _Parts.read_taxes,
    _tag("Complemento"): _Parts.read_complements,
    _tag("Addenda"): _Parts.read_addenda,
}


def _line(element: etree._Element) -> ReadLine:
    children = rows(element)
    if not children:
        return ReadLine._make((*_LINE(element), (), (), None, (), (), (), None, ()))
    withheld, transferred = NOTHING
    for child in children.get(_TAXES, ()):
        withheld, transferred = taxes(child, _WITHHELD_ROWS, _TRANSFERRED_ROWS, _TAX)
    third = [ReadThirdParty._make(_THIRD_PARTY(child)) for child in children.get(_ON_BEHALF, ())]
    extra = [child for holder in children.get(_LINE_COMPLEMENT, ()) for child in holder]
    petrol = [ReadHydrocarbons._make(_PETROL(child)) for child in extra if child.tag == _HYDROCARBONS]
    return ReadLine._make(
        (
            *_LINE(element),
            transferred,
            withheld,
            third[0] if third else None,
            customs(children.get(_CUSTOMS, ())),
            tuple([child.get("Numero", "") for child in children.get(_PROPERTY_TAX, ())]),
            tuple([_part(child) for child in children.get(_PARTS, ())]),
            petrol[0] if petrol else None,
            tuple([child.tag for child in extra]),
        )
    )


def _part(element: etree._Element) -> ReadPart:
    return ReadPart._make((*_PART(element), customs(element)))


def _local_taxes(element: etree._Element) -> list[ReadLocalTax]:
    return [
        ReadLocalTax._make((*row(child), withheld))
        for name, row, withheld in (
            ("RetencionesLocales", _LOCAL_WITHHELD, True),
            ("TrasladosLocales", _LOCAL_TRANSFERRED, False),
        )
        for child in element.iterchildren(f"{{{_LOCAL}}}{name}")
    ]
