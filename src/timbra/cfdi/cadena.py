"""The cadena original of documents we did not build: by a table for what is common, by SAT's XSLT for the rest.

The table says what SAT's stylesheets say (CFDI 4.0, Pagos 2.0, implocal, hidrocarburos, Retenciones 2.0, TFD 1.1): the
attributes of each element in order, ``?`` after those left out when absent. Source: Anexo 20, cadena original.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

CFDI: Final = "http://www.sat.gob.mx/cfd/4"
RETENTIONS: Final = "http://www.sat.gob.mx/esquemas/retencionpago/2"
TFD: Final = "http://www.sat.gob.mx/TimbreFiscalDigital"
TIMBRE: Final = f"{{{TFD}}}TimbreFiscalDigital"
COMPROBANTE: Final = f"{{{CFDI}}}Comprobante"
RETENCIONES: Final = f"{{{RETENTIONS}}}Retenciones"

# The compiled stylesheet for a root element's tag, None when there is none.
Stylesheets = Callable[[str], etree.XSLT | None]


class CadenaUnknown(Exception):
    """Neither the table nor a stylesheet says how the cadena of this document is made; the text names the element."""


class _NotInTableError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Each:
    """Every child with this tag, its steps in order."""

    tag: str
    steps: tuple["_Step", ...]


@dataclass(frozen=True, slots=True)
class _Complements:
    """Every child, in document order, by its own entry in the table of complements."""


_Attributes = tuple[tuple[str, bool], ...]  # name, is required
_Step = _Attributes | _Each | _Complements


def _attributes(names: str) -> _Attributes:
    return tuple((name.rstrip("?"), not name.endswith("?")) for name in names.split())


class _Namespace:
    """Writes table entries of one namespace: a text is a run of attributes."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __call__(self, name: str, *steps: "str | _Each | _Complements") -> _Each:
        read = tuple(_attributes(step) if isinstance(step, str) else step for step in steps)
        return _Each(f"{{{self._uri}}}{name}", read)


_c = _Namespace(CFDI)
_TRANSFERRED: Final = "Base Impuesto TipoFactor TasaOCuota? Importe?"
_WITHHELD: Final = "Base Impuesto TipoFactor TasaOCuota Importe"
_CUSTOMS: Final = _c("InformacionAduanera", "NumeroPedimento")

_CFDI: Final = _c(
    "Comprobante",
    """Version Serie? Folio? Fecha FormaPago? NoCertificado CondicionesDePago? SubTotal Descuento? Moneda TipoCambio?
    Total TipoDeComprobante Exportacion MetodoPago? LugarExpedicion Confirmacion?""",
    _c("InformacionGlobal", "Periodicidad Meses Año"),
    _c("CfdiRelacionados", "TipoRelacion", _c("CfdiRelacionado", "UUID")),
    _c("Emisor", "Rfc Nombre RegimenFiscal FacAtrAdquirente?"),
    _c(
        "Receptor",
        "Rfc Nombre DomicilioFiscalReceptor ResidenciaFiscal? NumRegIdTrib? RegimenFiscalReceptor UsoCFDI",
    ),
    _c(
        "Conceptos",
        _c(
            "Concepto",
            """ClaveProdServ NoIdentificacion? Cantidad ClaveUnidad Unidad? Descripcion ValorUnitario Importe Descuento?
            ObjetoImp""",
            _c("Impuestos", _c("Traslados", _c("Traslado", _TRANSFERRED))),
            _c("Impuestos", _c("Retenciones", _c("Retencion", _WITHHELD))),
            _c(
                "ACuentaTerceros",
                """RfcACuentaTerceros NombreACuentaTerceros RegimenFiscalACuentaTerceros
                DomicilioFiscalACuentaTerceros""",
            ),
            _CUSTOMS,
            _c("CuentaPredial", "Numero"),
            _c("ComplementoConcepto", _Complements()),
            _c(
                "Parte",
                "ClaveProdServ NoIdentificacion? Cantidad Unidad? Descripcion ValorUnitario? Importe?",
                _CUSTOMS,
            ),
        ),
    ),
    _c(
        "Impuestos",
        _c("Retenciones", _c("Retencion", "Impuesto Importe")),
        "TotalImpuestosRetenidos?",
        _c("Traslados", _c("Traslado", _TRANSFERRED)),
        "TotalImpuestosTrasladados?",
    ),
    _c("Complemento", _Complements()),
)

_r = _Namespace(RETENTIONS)
_RETENTIONS: Final = _r(
    "Retenciones",
    "Version NoCertificado FolioInt? FechaExp LugarExpRetenc CveRetenc DescRetenc?",
    _r("CfdiRetenRelacionados", "TipoRelacion UUID"),
    _r("Emisor", "RfcE NomDenRazSocE RegimenFiscalE"),
    _r(
        "Receptor",
        "NacionalidadR",
        _r("Nacional", "RfcR NomDenRazSocR CurpR? DomicilioFiscalR"),
        _r("Extranjero", "NumRegIdTribR? NomDenRazSocR"),
    ),
    _r("Periodo", "MesIni MesFin Ejercicio"),
    _r(
        "Totales",
        "MontoTotOperacion MontoTotGrav MontoTotExent MontoTotRet UtilidadBimestral? ISRCorrespondiente?",
        _r("ImpRetenidos", "BaseRet? ImpuestoRet? MontoRet TipoPagoRet"),
    ),
    _r("Complemento", _Complements()),
)

_p = _Namespace("http://www.sat.gob.mx/Pagos20")
_PAYMENTS: Final = _p(
    "Pagos",
    "Version",
    _p(
        "Totales",
        """TotalRetencionesIVA? TotalRetencionesISR? TotalRetencionesIEPS? TotalTrasladosBaseIVA16?
        TotalTrasladosImpuestoIVA16? TotalTrasladosBaseIVA8? TotalTrasladosImpuestoIVA8? TotalTrasladosBaseIVA0?
        TotalTrasladosImpuestoIVA0? TotalTrasladosBaseIVAExento? MontoTotalPagos""",
    ),
    _p(
        "Pago",
        """FechaPago FormaDePagoP MonedaP TipoCambioP? Monto NumOperacion? RfcEmisorCtaOrd? NomBancoOrdExt?
        CtaOrdenante? RfcEmisorCtaBen? CtaBeneficiario? TipoCadPago? CertPago? CadPago? SelloPago?""",
        _p(
            "DoctoRelacionado",
            """IdDocumento Serie? Folio? MonedaDR EquivalenciaDR? NumParcialidad ImpSaldoAnt ImpPagado ImpSaldoInsoluto
            ObjetoImpDR""",
            _p(
                "ImpuestosDR",
                _p("RetencionesDR", _p("RetencionDR", "BaseDR ImpuestoDR TipoFactorDR TasaOCuotaDR ImporteDR")),
                _p("TrasladosDR", _p("TrasladoDR", "BaseDR ImpuestoDR TipoFactorDR TasaOCuotaDR? ImporteDR?")),
            ),
        ),
        _p(
            "ImpuestosP",
            _p("RetencionesP", _p("RetencionP", "ImpuestoP ImporteP")),
            _p("TrasladosP", _p("TrasladoP", "BaseP ImpuestoP TipoFactorP TasaOCuotaP? ImporteP?")),
        ),
    ),
)

_l = _Namespace("http://www.sat.gob.mx/implocal")
_LOCAL_TAXES: Final = _l(
    "ImpuestosLocales",
    "version TotaldeRetenciones TotaldeTraslados",
    _l("RetencionesLocales", "ImpLocRetenido TasadeRetencion Importe"),
    _l("TrasladosLocales", "ImpLocTrasladado TasadeTraslado Importe"),
)

_HYDROCARBONS: Final = _Namespace("http://www.sat.gob.mx/hidrocarburospetroliferos")(
    "HidroYPetro", "Version TipoPermiso NumeroPermiso ClaveHYP SubProductoHYP"
)

_TIMBRE_ATTRIBUTES: Final = _attributes(
    "Version UUID FechaTimbrado RfcProvCertif Leyenda? SelloCFD NoCertificadoSAT",
)

_DOCUMENTS: Final[Mapping[str, _Each]] = {entry.tag: entry for entry in (_CFDI, _RETENTIONS)}
_KNOWN_COMPLEMENTS: Final[Mapping[str, tuple[_Step, ...]]] = {
    **{entry.tag: entry.steps for entry in (_PAYMENTS, _LOCAL_TAXES, _HYDROCARBONS)},
    TIMBRE: (),  # the timbre is made over the sealed document: it is no part of its cadena
}

# NUL cannot occur in XML, so it marks the borders of values while white space is collapsed.
_UNUSUAL_SPACE: Final = re.compile("[\t\r\n]|  | \x00|\x00 |^ | $")
_SPACE: Final = re.compile("[ \t\r\n]+")


def of(root: etree._Element, stylesheets: Stylesheets | None = None) -> str:
    """The cadena original of a parsed document.

    stylesheets: used when the document has something that is not in the table. Raises CadenaUnknown when there is none.
    """
    entry = _DOCUMENTS.get(root.tag)
    if entry is not None:
        values: list[str] = []
        try:
            _walk(root, entry.steps, values)
        except _NotInTableError:
            pass
        else:
            return _joined(values)
    stylesheet = stylesheets and stylesheets(root.tag)
    if stylesheet is None:
        raise CadenaUnknown(f"no cadena original is known for {root.tag}")
    return str(stylesheet(root))


def of_timbre(timbre: etree._Element) -> str:
    """The cadena original of a TimbreFiscalDigital 1.1, over which the PAC's seal is made."""
    values: list[str] = []
    _read(timbre, _TIMBRE_ATTRIBUTES, values)
    return _joined(values)


def _walk(element: etree._Element, steps: tuple[_Step, ...], values: list[str]) -> None:
    children: dict[str, list[etree._Element]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(child)
    for step in steps:
        if isinstance(step, tuple):
            _read(element, step, values)
        elif isinstance(step, _Each):
            for child in children.get(step.tag, ()):
                _walk(child, step.steps, values)
        else:
            for child in element:
                _walk_complement(child, values)


def _walk_complement(element: etree._Element, values: list[str]) -> None:
    steps = _KNOWN_COMPLEMENTS.get(element.tag)
    if steps is None:
        raise _NotInTableError
    _walk(element, steps, values)


def _read(element: etree._Element, attributes: _Attributes, values: list[str]) -> None:
    get = element.get
    for name, required in attributes:
        value = get(name)
        if value is not None:
            values.append(value)
        elif required:
            values.append("")


def _joined(values: list[str]) -> str:
    text = "\x00".join(values)
    if _UNUSUAL_SPACE.search(text):
        text = "\x00".join(_SPACE.sub(" ", value).strip(" ") for value in values)
    return "||" + text.replace("\x00", "|") + "||"
