"""Documents as others write them: small CFDI and Retenciones texts, typed by hand, and a way to sign and stamp them."""

import base64
import re
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from timbra.cfdi import cadena, certificate
from timbra.cfdi.parse import parse
from timbra.pac.sandbox.authority import Issued, issue_csd, issue_pac, make_authority

RFC = "EKU9003173C9"
UUID = "5fb2822e-396d-4725-8521-cdc4bdd20ccf"
AT_MS = 1_773_144_000_000  # 2026-03-10 12:00 UTC
LIMIT = 1 << 21

LINE = """<cfdi:Concepto ClaveProdServ="84111506" Cantidad="2" ClaveUnidad="E48" Descripcion="Café  de\tolla &amp; té"
 ValorUnitario="50" Importe="100" ObjetoImp="02"><cfdi:Impuestos><cfdi:Traslados><cfdi:Traslado Base="100"
 Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="16"/></cfdi:Traslados></cfdi:Impuestos></cfdi:Concepto>"""

RICH_LINE = """<cfdi:Concepto ClaveProdServ="01010101" NoIdentificacion="S-1" Cantidad="1" ClaveUnidad="H87" Unidad="Pieza"
 Descripcion="Motor" ValorUnitario="200" Importe="200.00" Descuento="10.00" ObjetoImp="02"><cfdi:Impuestos><cfdi:Traslados>
 <cfdi:Traslado Base="190" Impuesto="002" TipoFactor="Exento"/></cfdi:Traslados><cfdi:Retenciones><cfdi:Retencion
 Base="190" Impuesto="001" TipoFactor="Tasa" TasaOCuota="0.100000" Importe="19"/></cfdi:Retenciones></cfdi:Impuestos>
 <cfdi:ACuentaTerceros RfcACuentaTerceros="CACX7605101P8" NombreACuentaTerceros="XOCHILT CASAS CHAVEZ"
 RegimenFiscalACuentaTerceros="612" DomicilioFiscalACuentaTerceros="36257"/><cfdi:InformacionAduanera
 NumeroPedimento="15  48  3009  0001234"/><cfdi:CuentaPredial Numero="51888"/><cfdi:ComplementoConcepto>{extra}</cfdi:ComplementoConcepto>
 <cfdi:Parte ClaveProdServ="25201513" Cantidad="1" Descripcion="Tuerca"><cfdi:InformacionAduanera
 NumeroPedimento="15  48  3009  0001235"/></cfdi:Parte></cfdi:Concepto>"""

PETROL = """<hyp:HidroYPetro xmlns:hyp="http://www.sat.gob.mx/hidrocarburospetroliferos" Version="1.0" TipoPermiso="PER01"
 NumeroPermiso="PL/1/EXP/ES/2020" ClaveHYP="15101514" SubProductoHYP="SP16"/>"""

LOCAL = """<implocal:ImpuestosLocales xmlns:implocal="http://www.sat.gob.mx/implocal" version="1.0" TotaldeRetenciones="0.50"
 TotaldeTraslados="3.00"><implocal:RetencionesLocales ImpLocRetenido="Cinco al millar" TasadeRetencion="0.50" Importe="0.50"/>
 <implocal:TrasladosLocales ImpLocTrasladado="ISH" TasadeTraslado="3.00" Importe="3.00"/></implocal:ImpuestosLocales>"""

LEGENDS = """<leyendasFisc:LeyendasFiscales xmlns:leyendasFisc="http://www.sat.gob.mx/leyendasFiscales" version="1.0">
 <leyendasFisc:Leyenda disposicionFiscal="RESDERAUTH" norma="Artículo 2" textoLeyenda="Una leyenda"/></leyendasFisc:LeyendasFiscales>"""


def income(
    *, lines: str = LINE, complements: str = "", attributes: str = "", addenda: str = "", relations: str = ""
) -> bytes:
    """A CFDI 4.0 of type I that SAT's schema accepts, with placeholders for certificate and seal."""
    complement = f"<cfdi:Complemento>{complements}</cfdi:Complemento>" if complements else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" Version="4.0" Serie="A" Folio="7" Fecha="2026-03-10T05:59:00"
 Sello="" FormaPago="03" NoCertificado="00001000000500000001" Certificado="" SubTotal="100.00" Moneda="MXN" Total="116.00"
 TipoDeComprobante="I" Exportacion="01" MetodoPago="PUE" LugarExpedicion="42501"{attributes}>{relations}
<cfdi:Emisor Rfc="{RFC}" Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"/>
<cfdi:Receptor Rfc="URE180429TM6" Nombre="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalReceptor="86991"
 RegimenFiscalReceptor="601" UsoCFDI="G03"/><cfdi:Conceptos>{lines}</cfdi:Conceptos>
<cfdi:Impuestos TotalImpuestosTrasladados="16.00"><cfdi:Traslados><cfdi:Traslado Base="100.00" Impuesto="002" TipoFactor="Tasa"
 TasaOCuota="0.160000" Importe="16.00"/></cfdi:Traslados></cfdi:Impuestos>{complement}{addenda}</cfdi:Comprobante>""".encode()


def rich() -> bytes:
    """An income document with nearly every optional node of CFDI 4.0."""
    return income(
        lines=LINE + RICH_LINE.format(extra=PETROL),
        complements=LOCAL,
        attributes=' TipoCambio="1" Descuento="10.00" CondicionesDePago="Contado" Confirmacion="A1234"',
        relations="""<cfdi:InformacionGlobal Periodicidad="04" Meses="03" Año="2026"/><cfdi:CfdiRelacionados TipoRelacion="04">
 <cfdi:CfdiRelacionado UUID="11111111-1111-4111-8111-111111111111"/><cfdi:CfdiRelacionado
 UUID="22222222-2222-4222-8222-222222222222"/></cfdi:CfdiRelacionados>""",
    )


def payment() -> bytes:
    """A payment complement (type P) of two paid documents."""
    paid = """<pago20:DoctoRelacionado IdDocumento="{uuid}" Serie="A" Folio="1" MonedaDR="MXN" EquivalenciaDR="1"
 NumParcialidad="1" ImpSaldoAnt="116.00" ImpPagado="58.00" ImpSaldoInsoluto="58.00" ObjetoImpDR="02"><pago20:ImpuestosDR>
 <pago20:RetencionesDR><pago20:RetencionDR BaseDR="50" ImpuestoDR="001" TipoFactorDR="Tasa" TasaOCuotaDR="0.100000"
 ImporteDR="5"/></pago20:RetencionesDR><pago20:TrasladosDR><pago20:TrasladoDR BaseDR="50" ImpuestoDR="002"
 TipoFactorDR="Tasa" TasaOCuotaDR="0.160000" ImporteDR="8"/></pago20:TrasladosDR></pago20:ImpuestosDR>
 </pago20:DoctoRelacionado>"""
    both = "".join(
        paid.format(uuid=f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}") for digit in "12"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" xmlns:pago20="http://www.sat.gob.mx/Pagos20" Version="4.0"
 Fecha="2026-03-10T05:59:00" Sello="" NoCertificado="00001000000500000001" Certificado="" SubTotal="0" Moneda="XXX" Total="0"
 TipoDeComprobante="P" Exportacion="01" LugarExpedicion="42501">
<cfdi:Emisor Rfc="{RFC}" Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"/>
<cfdi:Receptor Rfc="URE180429TM6" Nombre="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalReceptor="86991"
 RegimenFiscalReceptor="601" UsoCFDI="CP01"/><cfdi:Conceptos><cfdi:Concepto ClaveProdServ="84111506" Cantidad="1"
 ClaveUnidad="ACT" Descripcion="Pago" ValorUnitario="0" Importe="0" ObjetoImp="01"/></cfdi:Conceptos><cfdi:Complemento>
<pago20:Pagos Version="2.0"><pago20:Totales TotalRetencionesISR="10.00" TotalTrasladosBaseIVA16="100.00"
 TotalTrasladosImpuestoIVA16="16.00" MontoTotalPagos="116.00"/><pago20:Pago FechaPago="2026-03-09T12:00:00" FormaDePagoP="03"
 MonedaP="MXN" TipoCambioP="1" Monto="116.00" NumOperacion="77">{both}<pago20:ImpuestosP><pago20:RetencionesP>
 <pago20:RetencionP ImpuestoP="001" ImporteP="10"/></pago20:RetencionesP><pago20:TrasladosP><pago20:TrasladoP BaseP="100"
 ImpuestoP="002" TipoFactorP="Tasa" TasaOCuotaP="0.160000" ImporteP="16"/></pago20:TrasladosP></pago20:ImpuestosP>
</pago20:Pago></pago20:Pagos></cfdi:Complemento></cfdi:Comprobante>""".encode()


def retention(*, complements: str = "", foreign: bool = False) -> bytes:
    """A document of Retenciones 2.0."""
    receiver = (
        '<r:Extranjero NumRegIdTribR="998877" NomDenRazSocR="WORLD WIDE COMPANY INC"/>'
        if foreign
        else '<r:Nacional RfcR="URE180429TM6" NomDenRazSocR="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalR="86991"/>'
    )
    complement = f"<r:Complemento>{complements}</r:Complemento>" if complements else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<r:Retenciones xmlns:r="http://www.sat.gob.mx/esquemas/retencionpago/2" Version="2.0" Sello="" NoCertificado="00001000000500000001"
 Certificado="" FolioInt="12" FechaExp="2026-03-10T05:59:00" LugarExpRetenc="42501" CveRetenc="01">
<r:Emisor RfcE="{RFC}" NomDenRazSocE="ESCUELA KEMPER URGATE" RegimenFiscalE="601"/>
<r:Receptor NacionalidadR="{"Extranjero" if foreign else "Nacional"}">{receiver}</r:Receptor>
<r:Periodo MesIni="01" MesFin="02" Ejercicio="2026"/><r:Totales MontoTotOperacion="2000.00" MontoTotGrav="2000.00"
 MontoTotExent="0" MontoTotRet="200.00"><r:ImpRetenidos BaseRet="2000.00" ImpuestoRet="001" MontoRet="200.00" TipoPagoRet="01"/>
</r:Totales>{complement}</r:Retenciones>""".encode()


@cache
def csd() -> Issued:
    """A CSD for the issuer of these documents."""
    return issue_csd(_authority(), rfc=RFC, name="ESCUELA KEMPER URGATE", serial="30001000000500003416", at_ms=AT_MS)


@cache
def pac() -> Issued:
    """The certificate that stamps them."""
    return issue_pac(_authority(), serial="30001000000500003456", at_ms=AT_MS)


def sealed(xml: bytes) -> bytes:
    """The document with the issuer's certificate and seal."""
    facts = certificate.read(csd().certificate)
    xml = re.sub(rb'Certificado=""', b'Certificado="' + base64.b64encode(facts.der) + b'"', xml, count=1)
    xml = re.sub(rb'NoCertificado="\d*"', f'NoCertificado="{facts.number}"'.encode(), xml, count=1)
    sello = sign(csd(), cadena.of(parse(xml, limit=LIMIT)))
    return xml.replace(b'Sello=""', f'Sello="{sello}"'.encode(), 1)


def stamped(xml: bytes) -> bytes:
    """A sealed document without Complemento, with a timbre over its seal."""
    facts = certificate.read(pac().certificate)
    sello = parse(xml, limit=LIMIT).get("Sello", "")
    attributes = f"""Version="1.1" UUID="{UUID}" FechaTimbrado="2026-03-10T06:00:00" RfcProvCertif="SPR190613I52"
 SelloCFD="{sello}" NoCertificadoSAT="{facts.number}\""""
    timbre = f'<tfd:TimbreFiscalDigital xmlns:tfd="{cadena.TFD}" {attributes} SelloSAT="{{sello}}"/>'
    sello_sat = sign(pac(), cadena.of_timbre(parse(timbre.encode(), limit=LIMIT)))
    end = b"</cfdi:Comprobante>"
    return xml.replace(end, f"<cfdi:Complemento>{timbre.format(sello=sello_sat)}</cfdi:Complemento>".encode() + end)


def sign(signer: Issued, text: str) -> str:
    """RSA PKCS#1 v1.5 with SHA-256 over the text, base64."""
    key = load_der_private_key(signer.key, None)
    assert isinstance(key, RSAPrivateKey)
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


@cache
def _authority() -> Issued:
    return make_authority(serial="00000000000000000001", at_ms=AT_MS)
