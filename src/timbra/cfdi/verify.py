"""What is true about a CFDI file, whoever made it: form, schema, seal, timbre, and the rules of SAT's matrix.

Nothing is repaired and nothing is asked of anybody: a valid verdict does not say that SAT knows the document.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from timbra.cfdi import cadena, certificate
from timbra.cfdi.cadena import CadenaUnknown, Stylesheets
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.certificate import CertificateFacts, CredentialRefused
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.rules import Finding, Level
from timbra.cfdi.rules.document import check_document
from timbra.cfdi.schema import Schemas

LIMIT_BYTES: Final = 16 * 1024 * 1024

_KINDS: Final = {
    cadena.COMPROBANTE: "CFDI 4.0",
    cadena.RETENCIONES: "Retenciones 2.0",
    "{http://www.sat.gob.mx/cfd/3}Comprobante": "CFDI 3",
}
_RULED_TYPES: Final = frozenset({"I", "E", "T", "P"})
_VALIDATED: Final = frozenset({cadena.COMPROBANTE, cadena.RETENCIONES})


class SatData(Protocol):
    """What verifying needs of SAT's data."""

    @property
    def catalogs(self) -> Catalogs: ...

    @property
    def schemas(self) -> Schemas: ...

    @property
    def stylesheets(self) -> Stylesheets: ...


class Check(StrEnum):
    """Outcome for a seal or a timbre."""

    VALID = "valid"
    ABSENT = "absent"
    INVALID = "invalid"  # the signature is not over this document
    WRONG_CERTIFICATE = "wrong_certificate"  # unreadable, or not the one whose number or RFC the document names
    UNKNOWN_CERTIFICATE = "unknown_certificate"  # a PAC certificate that was not given
    OTHER_SEAL = "other_seal"  # the timbre was made over another seal
    SEVERAL = "several"  # more than one timbre
    NOT_CHECKED = "not_checked"  # no cadena original is known for the document


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refused``: why the file was not read at all; then nothing else is known."""

    refused: str | None = None
    kind: str | None = None
    uuid: str | None = None
    schema: tuple[str, ...] = ()
    cadena: str | None = None
    seal: Check = Check.NOT_CHECKED
    timbre: Check = Check.NOT_CHECKED
    findings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        """True for a stamped document without any fault; the PAC's certificate may be unknown to us."""
        return (
            self.refused is None
            and not self.schema
            and all(finding.level is Level.WARN for finding in self.findings)
            and self.seal is Check.VALID
            and self.timbre in {Check.VALID, Check.UNKNOWN_CERTIFICATE}
        )


def verify(xml: bytes, data: SatData, *, pac_certificates: Mapping[str, bytes]) -> Verdict:
    """The verdict on one file. Never raises for what the file holds.

    pac_certificates: DER by certificate number, of the PACs whose timbres can be checked.
    """
    try:
        root = parse(xml, limit=LIMIT_BYTES)
    except XmlRefused as refused:
        return Verdict(refused=str(refused))
    kind = _KINDS.get(root.tag)
    if kind is None:
        return Verdict(refused="the document is neither a CFDI nor a retention")
    text = _cadena(root, data.stylesheets)
    timbres = [child for holder in _complements(root) for child in holder.iterchildren(cadena.TIMBRE)]
    return Verdict(
        kind=kind,
        uuid=timbres[0].get("UUID") if timbres else None,
        schema=tuple(data.schemas.validate(root)) if root.tag in _VALIDATED else (),
        cadena=text,
        seal=Check.NOT_CHECKED if text is None else _seal(root, text),
        timbre=_timbre(root, timbres, pac_certificates),
        findings=tuple(check_document(root, catalogs=data.catalogs)) if _has_rules(root) else (),
    )


def _has_rules(root: etree._Element) -> bool:
    return root.tag == cadena.COMPROBANTE and root.get("TipoDeComprobante") in _RULED_TYPES


def _cadena(root: etree._Element, stylesheets: Stylesheets) -> str | None:
    try:
        return cadena.of(root, stylesheets)
    except CadenaUnknown:
        return None


def _complements(root: etree._Element) -> Sequence[etree._Element]:
    return list(root.iterchildren(f"{{{etree.QName(root).namespace}}}Complemento"))


def _seal(root: etree._Element, text: str) -> Check:
    sello = root.get("Sello")
    if not sello:
        return Check.ABSENT
    issuer = _certificate(_decoded(root.get("Certificado", "")))
    if issuer is None or issuer.number != root.get("NoCertificado") or issuer.rfc != _issuer_rfc(root):
        return Check.WRONG_CERTIFICATE
    return _signed(issuer, sello, text)


def _issuer_rfc(root: etree._Element) -> str | None:
    for child in root.iterchildren(f"{{{etree.QName(root).namespace}}}Emisor"):
        return child.get("Rfc") or child.get("RfcE")
    return None


def _timbre(root: etree._Element, timbres: list[etree._Element], pac_certificates: Mapping[str, bytes]) -> Check:
    if not timbres:
        return Check.ABSENT
    if len(timbres) > 1:
        return Check.SEVERAL
    (timbre,) = timbres
    if timbre.get("SelloCFD") != root.get("Sello"):
        return Check.OTHER_SEAL
    der = pac_certificates.get(timbre.get("NoCertificadoSAT", ""))
    if der is None:
        return Check.UNKNOWN_CERTIFICATE
    pac = _certificate(der)
    if pac is None:
        return Check.WRONG_CERTIFICATE
    return _signed(pac, timbre.get("SelloSAT", ""), cadena.of_timbre(timbre))


def _signed(signer: CertificateFacts, sello: str, text: str) -> Check:
    good = certificate.verifies(signer.public_key, _decoded(sello), text.encode(), SHA256())
    return Check.VALID if good else Check.INVALID


def _certificate(der: bytes) -> CertificateFacts | None:
    try:
        return certificate.read(der)
    except CredentialRefused:
        return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # binascii.Error is one, and so is the refusal of letters outside ASCII
        return b""
