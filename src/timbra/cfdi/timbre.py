"""The TimbreFiscalDigital: read it, attach it, check the one a PAC sent back, and add the addenda after it.

Bytes are spliced, never written anew: what was sealed stays as it was sealed.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from timbra.cfdi import cadena
from timbra.cfdi.cadena import CFDI, TIMBRE
from timbra.cfdi.certificate import CredentialRefused, verifies
from timbra.cfdi.certificate import read as read_certificate
from timbra.cfdi.complements import SCHEMA_LOCATION, ComplementRefused, check_addenda, without_declaration
from timbra.cfdi.model import Namespace
from timbra.cfdi.parse import XmlRefused, parse

STAMPED_LIMIT: Final = 16 * 1024 * 1024  # bytes of a PAC's answer
STAMP_WITHIN: Final = timedelta(hours=72)  # Anexo 20, matrix code 401
ZONES_APART: Final = timedelta(hours=3)  # Fecha is local time of the issuer, FechaTimbrado that of the PAC

_COMPLEMENT: Final = f"{{{CFDI}}}Complemento"
_ADDENDA: Final = f"{{{CFDI}}}Addenda"
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_END: Final = re.compile(rb"</cfdi:Comprobante\s*>\s*\Z")
_END_OF_COMPLEMENT: Final = re.compile(rb"</cfdi:Complemento\s*>\s*(?=</cfdi:Comprobante\s*>\s*\Z)")


class TimbreRefused(Exception):
    """The stamped document is not ours with one good timbre; the text says why."""


class UnknownPac(TimbreRefused):
    """The timbre is sealed with a certificate that is not known here: it may still be good, the rest of it is.

    number: NoCertificadoSAT.
    """

    def __init__(self, number: str) -> None:
        super().__init__(f"no PAC certificate {number[:20]}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Timbre:
    """A TimbreFiscalDigital. uuid in lower case; stamped_at: naive local time of the PAC."""

    uuid: str
    stamped_at: datetime
    rfc_pac: str
    sello_cfd: str
    sello_sat: str
    certificate_number_sat: str
    version: str
    leyenda: str | None


def read(root: etree._Element) -> Timbre | None:
    """The timbre of a parsed document, the first when it has several, None when it has none.

    Raises TimbreRefused when it has no UUID or no date.
    """
    found = next(root.iter(TIMBRE), None)
    return None if found is None else _timbre(found)


def read_stamped(xml: bytes) -> Timbre:
    """The timbre of a PAC's answer, unjudged. Raises TimbreRefused when there is none that can be read."""
    try:
        found = read(parse(xml, limit=STAMPED_LIMIT))
    except XmlRefused as error:
        raise TimbreRefused(str(error)) from error
    if found is None:
        raise TimbreRefused("the document has no timbre")
    return found


def _timbre(element: etree._Element) -> Timbre:
    def value(name: str) -> str:
        return (element.get(name) or "").strip()

    uuid, stamped_at = value("UUID").lower(), value("FechaTimbrado")
    if not _UUID.fullmatch(uuid) or not _DATE.fullmatch(stamped_at):
        raise TimbreRefused("the timbre has no UUID or no FechaTimbrado")
    try:
        at = datetime.fromisoformat(stamped_at)
    except ValueError as error:
        raise TimbreRefused("the timbre has an impossible FechaTimbrado") from error
    return Timbre(
        uuid=uuid,
        stamped_at=at,
        rfc_pac=value("RfcProvCertif"),
        sello_cfd=value("SelloCFD"),
        sello_sat=value("SelloSAT"),
        certificate_number_sat=value("NoCertificadoSAT"),
        version=value("Version"),
        leyenda=value("Leyenda") or None,
    )


# --- attach --------------------------------------------------------------------------------------------------------


def attach(sealed_xml: bytes, tfd_xml: bytes) -> bytes:
    """The sealed document with the timbre as the last node of its Complemento; every other byte is unchanged.

    tfd_xml: the element, UTF-8, without XML declaration. Source: Anexo 20, Complemento.
    """
    place = _END_OF_COMPLEMENT.search(sealed_xml)
    if place is not None:
        return sealed_xml[: place.start()] + tfd_xml + sealed_xml[place.start() :]
    return _before_end(sealed_xml, b"<cfdi:Complemento>" + tfd_xml + b"</cfdi:Complemento>")


def add_addenda(stamped: bytes, addenda: str) -> bytes:
    """The stamped document with its Addenda; every other byte is unchanged.

    addenda: XML elements, which may use the namespaces of the document's root. Raises ComplementRefused for anything
    that would not stay inside Addenda, or is larger than 64 KiB.
    """
    root = parse(stamped, limit=STAMPED_LIMIT)
    if root.find(_ADDENDA) is not None:
        raise ComplementRefused("the document has an addenda")
    named = [Namespace(prefix, uri) for prefix, uri in root.nsmap.items() if prefix is not None]
    check_addenda(addenda, named)
    inner = without_declaration(addenda).encode()
    return _before_end(stamped, b"<cfdi:Addenda>" + inner + b"</cfdi:Addenda>")


def _before_end(xml: bytes, node: bytes) -> bytes:
    end = _END.search(xml)
    if end is None:
        raise ValueError("not a cfdi:Comprobante")
    return xml[: end.start()] + node + xml[end.start() :]


# --- check ---------------------------------------------------------------------------------------------------------


def check(
    stamped: bytes, sealed: bytes, *, pac_certificates: Mapping[str, bytes], used: Callable[[str], bool]
) -> Timbre:
    """The timbre of a PAC's answer, once the answer is proved to be our document with one good timbre more.

    sealed: the bytes we sent; pac_certificates: DER by certificate number; used: whether a UUID belongs to another
    document. Raises UnknownPac when only the PAC's certificate is missing, TimbreRefused for everything else.
    """
    try:
        ours = parse(sealed, limit=STAMPED_LIMIT)
        element = _attached(stamped, sealed)
        if element is None:
            answer = parse(stamped, limit=STAMPED_LIMIT)
            element = _take_timbre(answer)
            if not _equal(answer, ours):
                raise TimbreRefused("the document is not the one that was sent")
    except XmlRefused as error:
        raise TimbreRefused(str(error)) from error
    timbre = _timbre(element)
    if timbre.version != "1.1" or timbre.sello_cfd != (ours.get("Sello") or ""):
        raise TimbreRefused("the timbre is not of this document")
    if used(timbre.uuid):
        raise TimbreRefused("the UUID belongs to another document")
    since = timbre.stamped_at - datetime.fromisoformat(ours.get("Fecha") or "")
    if not -ZONES_APART <= since <= STAMP_WITHIN + ZONES_APART:
        raise TimbreRefused("the timbre is not of the 72 hours after the document's date")
    _check_seal(element, timbre, pac_certificates)
    return timbre


def _attached(stamped: bytes, sealed: bytes) -> etree._Element | None:
    """The timbre of an answer that is our bytes with one element where ``attach`` puts it: nothing is left to compare.

    None when it is anything else, which says nothing against it.
    """
    complement = _END_OF_COMPLEMENT.search(sealed)
    place = complement or _END.search(sealed)
    if place is None or b"TimbreFiscalDigital" in sealed:
        return None
    head, tail = sealed[: place.start()], sealed[place.start() :]
    if len(stamped) < len(sealed) or not (stamped.startswith(head) and stamped.endswith(tail)):
        return None
    node = stamped[len(head) : len(stamped) - len(tail)]
    if complement is None:
        node = node.removeprefix(b"<cfdi:Complemento>").removesuffix(b"</cfdi:Complemento>")
        if len(stamped) != len(sealed) + len(node) + len(b"<cfdi:Complemento></cfdi:Complemento>"):
            return None
    if not (node.startswith(b"<tfd:TimbreFiscalDigital ") and node.endswith(b"/>")):
        return None
    try:
        element = parse(node, limit=STAMPED_LIMIT)
    except XmlRefused:  # it uses a prefix of the document, for example
        return None
    return element if element.tag == TIMBRE and len(element) == 0 else None


def _take_timbre(answer: etree._Element) -> etree._Element:
    """Cut the only timbre and the addenda out of the answer."""
    timbres = list(answer.iter(TIMBRE))
    if len(timbres) != 1:
        raise TimbreRefused(f"the document has {len(timbres)} timbres")
    timbre = timbres[0]
    parent = timbre.getparent()
    if parent is None or parent.tag != _COMPLEMENT or parent.getparent() is not answer:
        raise TimbreRefused("the timbre is not in Complemento")
    parent.remove(timbre)
    if len(parent) == 0:
        answer.remove(parent)
    for addenda in answer.findall(_ADDENDA):
        answer.remove(addenda)
    return timbre


def _equal(one: etree._Element, other: etree._Element) -> bool:
    """Same nodes, attributes and text; the places of schemas and blanks between nodes may differ."""
    if one.tag != other.tag or len(one) != len(other) or _values(one) != _values(other):
        return False
    if _content(one) != _content(other) or _content(one, tail=True) != _content(other, tail=True):
        return False
    return all(map(_equal, one, other))


def _values(element: etree._Element) -> dict[str, str | None]:
    return {name: element.get(name) for name in map(str, element.attrib) if name != SCHEMA_LOCATION}


def _content(element: etree._Element, *, tail: bool = False) -> str:
    found = (element.tail if tail else element.text) or ""
    return found if found.strip() else ""


def _check_seal(element: etree._Element, timbre: Timbre, pac_certificates: Mapping[str, bytes]) -> None:
    certificate = pac_certificates.get(timbre.certificate_number_sat)
    if certificate is None:
        raise UnknownPac(timbre.certificate_number_sat)
    try:
        key = read_certificate(certificate).public_key
        signature = base64.b64decode(timbre.sello_sat, validate=True)
    except (CredentialRefused, ValueError) as error:
        raise TimbreRefused("the seal of the timbre cannot be read") from error
    if not verifies(key, signature, cadena.of_timbre(element).encode(), SHA256()):
        raise TimbreRefused("the seal of the timbre is not its PAC's")
