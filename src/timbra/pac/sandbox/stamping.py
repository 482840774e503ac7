"""What a PAC does before it stamps, and the stamp itself. Pure: documents in, refusal or timbre out."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from timbra.cfdi import cadena, certificate, matrix, seal
from timbra.cfdi.certificate import CertificateFacts, CredentialRefused, HasPublicKey, issued_by
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.rules.document import check_document
from timbra.cfdi.rules.finding import Level
from timbra.cfdi.seal import Signer
from timbra.cfdi.test_taxpayers import REGISTER
from timbra.cfdi.text import escape
from timbra.cfdi.verify import SatData
from timbra.cfdi.zones import CENTRAL, instant_of
from timbra.pac.port import Rejected

LIMIT_BYTES = 16 * 1024 * 1024
WINDOW = timedelta(hours=72)
LEEWAY = timedelta(minutes=5)
ZONES = timedelta(hours=3)  # the place of issue is at most so far from the central zone
ZONES_MS = 3 * 3_600_000
LEGEND = "DOCUMENTO DE PRUEBA SIN VALIDEZ FISCAL"
TFD = "http://www.sat.gob.mx/TimbreFiscalDigital"
TFD_XSD = "http://www.sat.gob.mx/sitio_internet/cfd/TimbreFiscalDigital/TimbreFiscalDigitalv11.xsd"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A document that passed every check."""

    sello: str
    issuer_rfc: str
    receiver_rfc: str
    total: str  # as printed


def refusal(code: str, text: str | None = None) -> Rejected:
    """A refusal in SAT's words."""
    row = matrix.lookup(code)
    return Rejected(code, text or (row.description if row else code))


def validate(
    xml: bytes, *, data: SatData, authorities: Sequence[HasPublicKey], now_local: datetime
) -> Accepted | Rejected:
    """The verdict of a PAC: form, schema, seal, certificate, date, SAT's matrix and its register of test taxpayers."""
    try:
        root = parse(xml, limit=LIMIT_BYTES)
    except XmlRefused as error:
        return refusal("301", f"XML mal formado: {error}")
    schema_faults = data.schemas.validate(root)
    if schema_faults:
        return refusal("301", f"XML mal formado: {schema_faults[0]}")
    if seal.verify(root, lambda node: cadena.of(node, data.stylesheets)) is not seal.Verdict.VALID:
        return refusal("302")
    fault = _certificate_fault(root, authorities) or _date_fault(root, now_local)
    if fault is not None:
        return fault
    findings = check_document(root, catalogs=data.catalogs, register=REGISTER)
    refusals = [finding for finding in findings if finding.level is not Level.WARN]
    if refusals:
        return refusal(refusals[0].code)
    issuer, receiver = root.find("{*}Emisor"), root.find("{*}Receptor")
    assert issuer is not None, "the schema asks for an issuer"
    assert receiver is not None, "the schema asks for a receiver"
    return Accepted(root.get("Sello", ""), issuer.get("Rfc", ""), receiver.get("Rfc", ""), root.get("Total", ""))


def _certificate_fault(root: etree._Element, authorities: Sequence[HasPublicKey]) -> Rejected | None:
    try:
        facts = certificate.read(base64.b64decode(root.get("Certificado", "")))
    except (CredentialRefused, ValueError):
        return refusal("304")
    if facts.number != root.get("NoCertificado"):
        return refusal("304")
    if facts.kind is not certificate.Kind.CSD:
        return refusal("306")
    if issued_by(facts, authorities) is None:
        return refusal("308")
    issuer = root.find("{*}Emisor")
    if issuer is None or issuer.get("Rfc") != facts.rfc:
        return refusal("303")
    return _validity_fault(root, facts)


def _validity_fault(root: etree._Element, facts: CertificateFacts) -> Rejected | None:
    issued_ms = instant_of(datetime.fromisoformat(root.get("Fecha", "")), CENTRAL)
    if not facts.not_before_ms - ZONES_MS <= issued_ms <= facts.not_after_ms + ZONES_MS:
        return refusal("305")
    return None


def _date_fault(root: etree._Element, now_local: datetime) -> Rejected | None:
    issued = datetime.fromisoformat(root.get("Fecha", ""))
    if issued < now_local - WINDOW - ZONES or issued > now_local + LEEWAY + ZONES:
        return refusal("401")
    return None


def uuid_of(pac: str, xml: bytes) -> str:
    """A UUID shaped from the bytes, so that equal bytes get equal stamps at one PAC."""
    digest = bytearray(hashlib.sha256(pac.encode() + b"\n" + xml).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def timbre_of(accepted: Accepted, *, uuid: str, at_local: datetime, pac: CertificateFacts, signer: Signer) -> bytes:
    """A signed TimbreFiscalDigital 1.1 that says it is a test. at_local: time of the central zone (Anexo 20)."""
    at = at_local.isoformat(timespec="seconds")
    text = f"||1.1|{uuid}|{at}|{pac.rfc}|{LEGEND}|{accepted.sello}|{pac.number}||"
    sello = base64.b64encode(signer.sign(text.encode())).decode()
    return (
        f'<tfd:TimbreFiscalDigital xmlns:tfd="{TFD}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{TFD} {TFD_XSD}" Version="1.1" UUID="{uuid}" FechaTimbrado="{at}"'
        f' RfcProvCertif="{escape(pac.rfc)}" Leyenda="{LEGEND}" SelloCFD="{accepted.sello}"'
        f' NoCertificadoSAT="{pac.number}" SelloSAT="{sello}"/>'
    ).encode()
