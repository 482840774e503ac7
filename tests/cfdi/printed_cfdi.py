"""Documents to print: well-formed CFDI 4.0 with plausible, not sealed, contents."""

import base64
import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from lxml import etree

from timbra.cfdi.pdf import ASSETS, Brand, Language, Renderer, SatTexts, from_document

CFDI = "http://www.sat.gob.mx/cfd/4"
TFD = "http://www.sat.gob.mx/TimbreFiscalDigital"
LOCAL = "http://www.sat.gob.mx/implocal"
HYDROCARBONS = "http://www.sat.gob.mx/hidrocarburospetroliferos"
UUID = "5fb2822e-396d-4725-8521-cdc4bdd20ccf"
GOODS = (
    ("81112101", "WEB-01", "E48", "Unidad de servicio", "Alojamiento web, plan anual con soporte en horario hábil"),
    ("43211503", "LAP-14", "H87", "Pieza", "Computadora portátil de 14 pulgadas, 16 GB de memoria, 512 GB SSD"),
    ("80101507", "", "HUR", "Hora", "Consultoría en tecnologías de la información"),
    ("44121701", "BOL-AZ", "XBX", "Caja", "Bolígrafos de tinta azul, caja con 12 piezas"),
    ("78102203", "ENV-24", "E48", "Unidad de servicio", "Envío nacional, entrega en 24 horas"),
)

TEXTS = SatTexts({"E48": "Unidad de servicio", "H87": "Pieza", "HUR": "Hora", "XBX": "Caja"}.get)


@dataclass
class Printed:
    """What a made document differs in; the rest is always the same."""

    lines: int = 3
    kind: str = "I"
    issuer_name: str = "ESCUELA KEMPER URGATE"
    receiver_name: str = "UNIVERSIDAD ROBOTICA ESPAÑOLA"
    description: str | None = None
    currency: str = "MXN"
    exchange_rate: str = "1"
    discount: bool = False
    stamped: bool = True
    conditions: str = ""
    extra: bool = False
    head: dict[str, str] = field(default_factory=dict)


def document(made: Printed) -> etree._Element:
    """The Comprobante element of such a document; sums are exact, seals are plausible noise."""
    root = etree.Element(f"{{{CFDI}}}Comprobante", nsmap={"cfdi": CFDI})
    if made.extra:
        _add(root, "InformacionGlobal", {"Periodicidad": "01", "Meses": "11", "Año": "2026"})
        relations = _add(root, "CfdiRelacionados", {"TipoRelacion": "04"})
        for last in "12":
            _add(relations, "CfdiRelacionado", {"UUID": UUID[:-1] + last})
    _add(root, "Emisor", {"Rfc": "EKU9003173C9", "Nombre": made.issuer_name, "RegimenFiscal": "601"})
    receiver = {"Rfc": "URE180429TM6", "Nombre": made.receiver_name, "DomicilioFiscalReceptor": "86991"}
    _add(root, "Receptor", receiver | {"RegimenFiscalReceptor": "601", "UsoCFDI": "G03"})
    concepts = _add(root, "Conceptos", {})
    sums = [_line(concepts, made, number) for number in range(made.lines)]
    subtotal, discount, iva, isr = (sum(column, Decimal(0)) for column in zip(*sums, strict=True))
    _summary(root, subtotal - discount, iva, isr)
    local = Decimal(0)
    if made.extra or made.stamped:
        complement = _add(root, "Complemento", {})
        local = _local(complement) if made.extra else local
        if made.stamped:
            _timbre(complement)
    total = subtotal - discount + iva - isr + local
    for name, value in {
        "Version": "4.0",
        "Serie": "A",
        "Folio": "124",
        "Fecha": "2026-11-22T10:04:31",
        "FormaPago": "03",
        "MetodoPago": "PUE",
        "CondicionesDePago": made.conditions,
        "Moneda": made.currency,
        "TipoCambio": made.exchange_rate,
        "SubTotal": f"{subtotal:.2f}",
        "Descuento": f"{discount:.2f}" if made.discount else "",
        "Total": f"{total:.2f}",
        "TipoDeComprobante": made.kind,
        "Exportacion": "01",
        "LugarExpedicion": "42501",
        "NoCertificado": "30001000000500003416",
        "Sello": noise("sello"),
        **made.head,
    }.items():
        if value:
            root.set(name, value)
    return root


def noise(seed: str) -> str:
    """344 characters of base64 that look like a seal of 2048 bits."""
    blocks = (hashlib.sha256(f"{seed}{i}".encode()).digest() for i in range(8))
    return base64.b64encode(b"".join(blocks)).decode()


def render(
    made: Printed,
    *,
    language: Language = "es",
    brand: Brand | None = None,
    renderer: Renderer | None = None,
    test_mode: bool = False,
    canceled: bool = False,
    notes: str | None = None,
    root: Path = ASSETS,
) -> bytes:
    """The document made and printed."""
    return (renderer or Renderer(root)).render(
        from_document(document(made), texts=TEXTS),
        language=language,
        brand=brand or Brand(),
        test_mode=test_mode,
        canceled=canceled,
        notes=notes,
    )


def _line(concepts: etree._Element, made: Printed, number: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    key, sku, unit_key, unit, description = GOODS[number % len(GOODS)]
    quantity, price = Decimal(number % 7 + 1), Decimal(1250 + 375 * (number % 11)) / 2
    amount = quantity * price
    off = (amount / 10).quantize(Decimal("0.01")) if made.discount and number % 2 == 0 else Decimal(0)
    base = amount - off
    iva = (base * 16 / 100).quantize(Decimal("0.01"))
    isr = (base * 125 / 10000).quantize(Decimal("0.01"))
    attributes = {
        "ClaveProdServ": key,
        "NoIdentificacion": sku,
        "Cantidad": f"{quantity}.000000",
        "ClaveUnidad": unit_key,
        "Unidad": unit,
        "Descripcion": made.description or description,
        "ValorUnitario": f"{price:.6f}",
        "Importe": f"{amount:.2f}",
        "Descuento": f"{off:.2f}" if off else "",
        "ObjetoImp": "02",
    }
    node = _add(concepts, "Concepto", {name: value for name, value in attributes.items() if value})
    taxes = _add(node, "Impuestos", {})
    iva_row = {"Base": f"{base:.2f}", "Impuesto": "002", "TipoFactor": "Tasa", "TasaOCuota": "0.160000"}
    _add(_add(taxes, "Traslados", {}), "Traslado", iva_row | {"Importe": f"{iva:.2f}"})
    isr_row = {"Base": f"{base:.2f}", "Impuesto": "001", "TipoFactor": "Tasa", "TasaOCuota": "0.012500"}
    _add(_add(taxes, "Retenciones", {}), "Retencion", isr_row | {"Importe": f"{isr:.2f}"})
    if made.extra and number == 0:
        _line_extras(node)
    return amount, off, iva, isr


def _line_extras(node: etree._Element) -> None:
    _add(
        node,
        "ACuentaTerceros",
        {
            "RfcACuentaTerceros": "JUFA7608212V6",
            "NombreACuentaTerceros": "ADRIANA JUAREZ FERNANDEZ",
            "RegimenFiscalACuentaTerceros": "612",
            "DomicilioFiscalACuentaTerceros": "01160",
        },
    )
    _add(node, "InformacionAduanera", {"NumeroPedimento": "26  48  3420  7010987"})
    _add(node, "CuentaPredial", {"Numero": "15956011002"})
    fuel = {
        "Version": "1.0",
        "TipoPermiso": "PER01",
        "NumeroPermiso": "PL/1234/EXP/ES/2026",
        "ClaveHYP": "15101514",
        "SubProductoHYP": "SP16",
    }
    etree.SubElement(_add(node, "ComplementoConcepto", {}), f"{{{HYDROCARBONS}}}HidroYPetro", fuel)
    part = _add(node, "Parte", {"ClaveProdServ": "25201513", "Cantidad": "2.0", "Descripcion": "Cargador USB-C"})
    _add(part, "InformacionAduanera", {"NumeroPedimento": "26  48  3420  7010988"})


def _summary(root: etree._Element, base: Decimal, iva: Decimal, isr: Decimal) -> None:
    node = _add(root, "Impuestos", {"TotalImpuestosRetenidos": f"{isr:.2f}", "TotalImpuestosTrasladados": f"{iva:.2f}"})
    _add(_add(node, "Retenciones", {}), "Retencion", {"Impuesto": "001", "Importe": f"{isr:.2f}"})
    group = {"Base": f"{base:.2f}", "Impuesto": "002", "TipoFactor": "Tasa", "TasaOCuota": "0.160000"}
    _add(_add(node, "Traslados", {}), "Traslado", group | {"Importe": f"{iva:.2f}"})


def _local(complement: etree._Element) -> Decimal:
    node = etree.SubElement(complement, f"{{{LOCAL}}}ImpuestosLocales", {"version": "1.0"})
    local = {"ImpLocTrasladado": "Impuesto sobre hospedaje", "TasadeTraslado": "3.00", "Importe": "51.00"}
    etree.SubElement(node, f"{{{LOCAL}}}TrasladosLocales", local)
    withheld = {"ImpLocRetenido": "5 al millar", "TasadeRetencion": "0.50", "Importe": "8.50"}
    etree.SubElement(node, f"{{{LOCAL}}}RetencionesLocales", withheld)
    return Decimal("42.50")


def _timbre(complement: etree._Element) -> None:
    etree.SubElement(
        complement,
        f"{{{TFD}}}TimbreFiscalDigital",
        {
            "Version": "1.1",
            "UUID": UUID,
            "FechaTimbrado": "2026-11-22T10:04:35",
            "RfcProvCertif": "SPR190613I52",
            "SelloCFD": noise("sello"),
            "NoCertificadoSAT": "30001000000500003456",
            "SelloSAT": noise("sat"),
        },
        nsmap={"tfd": TFD},
    )


def _add(parent: etree._Element, name: str, attributes: dict[str, str]) -> etree._Element:
    return etree.SubElement(parent, f"{{{CFDI}}}{name}", attributes)
