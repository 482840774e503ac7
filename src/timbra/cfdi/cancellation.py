"""Cancellation of one CFDI: the signed request, and the acuse that answers it.

Source: SAT's cancellation service of CFDI (namespace cancelacfd.sat.gob.mx). A request names one document, so that
outcomes stay apart. An acuse says what happened to the request; it does not say that the document is cancelled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from timbra.cfdi import xmldsig
from timbra.cfdi.certificate import CertificateFacts
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.text import escape
from timbra.cfdi.xmldsig import Sha1Signer, SignatureRefused

NAMESPACE = "http://cancelacfd.sat.gob.mx"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
# SAT's service knows both prefixes; the signature covers them although nothing uses them.
_PREFIXES = f'xmlns:xsd="{XSD_NAMESPACE}" xmlns:xsi="{XSI_NAMESPACE}"'

MOTIVES = ("01", "02", "03", "04")
WITH_SUBSTITUTION: Final = "01"
REQUEST_MAX_BYTES = 256 * 1024
ACUSE_MAX_BYTES = 2 * 1024 * 1024


class CancellationRefused(Exception):
    """The XML is no valid cancellation request or acuse; the message says why."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What the issuer asks. ``requested_at``: naive local time of the issuer; a substitution exactly with motive 01."""

    rfc: str
    requested_at: datetime
    uuid: str
    motive: str
    substitution_uuid: str | None = None

    def __post_init__(self) -> None:
        if self.motive not in MOTIVES:
            raise ValueError(f"motive {self.motive!r} is not one of {', '.join(MOTIVES)}")
        if (self.motive == WITH_SUBSTITUTION) != bool(self.substitution_uuid):
            raise ValueError("a substitution is given with motive 01, and only then")


@dataclass(frozen=True, slots=True)
class AcuseFolio:
    """What became of the request for one document: EstatusUUID (201 received, 202 received before, 205 unknown ...)."""

    uuid: str
    code: str


@dataclass(frozen=True, slots=True)
class Acuse:
    """SAT's answer to a request. ``at``: naive local time of SAT."""

    rfc: str
    at: datetime
    folios: tuple[AcuseFolio, ...]


def request(asked: Cancellation, *, certificate: CertificateFacts, signer: Sha1Signer) -> bytes:
    """The Cancelacion XML, signed with the issuer's CSD. Equal input gives equal bytes."""
    substitution = f'FolioSustitucion="{escape(asked.substitution_uuid)}" ' if asked.substitution_uuid else ""
    unsigned = (
        f'<Cancelacion xmlns="{NAMESPACE}" {_PREFIXES} Fecha="{_seconds(asked.requested_at)}"'
        f' RfcEmisor="{escape(asked.rfc)}"><Folios><Folio {substitution}Motivo="{asked.motive}"'
        f' UUID="{escape(asked.uuid)}"/></Folios></Cancelacion>'
    )
    return xmldsig.sign(unsigned, certificate, signer)


def verify(xml: bytes) -> tuple[Cancellation, CertificateFacts]:
    """What a signed request asks, and the certificate that signed it, which is one of its issuer's RFC.

    Raises CancellationRefused. The certificate's issuer and validity are for the caller to judge.
    """
    root = _parsed(xml, "Cancelacion", REQUEST_MAX_BYTES)
    folios = root.findall(f"{{{NAMESPACE}}}Folios/{{{NAMESPACE}}}Folio")
    if len(folios) != 1:
        raise CancellationRefused(f"{len(folios)} documents in one request; one is expected")
    try:
        certificate = xmldsig.verified(root)
        asked = Cancellation(
            rfc=root.get("RfcEmisor", ""),
            requested_at=datetime.fromisoformat(root.get("Fecha", "")),
            uuid=folios[0].get("UUID", ""),
            motive=folios[0].get("Motivo", ""),
            substitution_uuid=folios[0].get("FolioSustitucion") or None,
        )
    except (SignatureRefused, ValueError) as fault:
        raise CancellationRefused(str(fault)) from fault
    if certificate.rfc != asked.rfc:
        raise CancellationRefused("the certificate belongs to another RFC than RfcEmisor")
    return asked, certificate


def build_acuse(acuse: Acuse, *, certificate: CertificateFacts, signer: Sha1Signer) -> bytes:
    """The Acuse XML in SAT's form, signed."""
    folios = "".join(
        f'<Folios xmlns="{NAMESPACE}"><UUID>{escape(folio.uuid)}</UUID>'
        f"<EstatusUUID>{escape(folio.code)}</EstatusUUID></Folios>"
        for folio in acuse.folios
    )
    unsigned = f'<Acuse {_PREFIXES} Fecha="{_seconds(acuse.at)}" RfcEmisor="{escape(acuse.rfc)}">{folios}</Acuse>'
    return xmldsig.sign(unsigned, certificate, signer, signature_id="SelloSAT")


def read_acuse(xml: bytes) -> Acuse:
    """What an acuse says, whichever namespaces its PAC left in it; its signature is not judged.

    Raises CancellationRefused.
    """
    root = _parsed(xml, "Acuse", ACUSE_MAX_BYTES)
    folios = tuple(
        AcuseFolio(uuid=_text(element, "UUID"), code=_text(element, "EstatusUUID"))
        for element in root.iter("{*}Folios")
    )
    if not folios:
        raise CancellationRefused("the acuse names no document")
    try:
        return Acuse(rfc=root.get("RfcEmisor", ""), at=datetime.fromisoformat(root.get("Fecha", "")), folios=folios)
    except ValueError as fault:
        raise CancellationRefused("the acuse has no readable date") from fault


def _parsed(xml: bytes, root_name: str, limit: int) -> etree._Element:
    try:
        root = parse(xml, limit=limit)
    except XmlRefused as fault:
        raise CancellationRefused(str(fault)) from fault
    if etree.QName(root).localname != root_name:
        raise CancellationRefused(f"the root is not {root_name}")
    return root


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{*}}{name}") or "").strip()


def _seconds(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="seconds")
