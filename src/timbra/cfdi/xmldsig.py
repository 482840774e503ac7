"""Enveloped XML signatures as SAT's cancellation asks for them: inclusive C14N, SHA-1 digest, RSA-SHA1.

SHA-1 is SAT's choice for this one message; nothing else in the house is signed with it.
"""

import base64
import binascii
import copy
import hashlib
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA1
from lxml import etree

from timbra.cfdi.certificate import CertificateFacts, CredentialRefused, read, verifies
from timbra.cfdi.parse import parse
from timbra.cfdi.text import escape

XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SIGNED_MAX_BYTES = 2 * 1024 * 1024


class Sha1Signer(Protocol):
    """Holds a private key; signs with RSA PKCS#1 v1.5 over SHA-1."""

    def sign_sha1(self, data: bytes) -> bytes: ...


class SignatureRefused(Exception):
    """The document is not signed as it must be; the message says what is wrong."""


def sign(unsigned: str, certificate: CertificateFacts, signer: Sha1Signer, *, signature_id: str = "") -> bytes:
    """The document with an enveloped signature as its last child. ``unsigned`` must end with the root's end tag."""
    digest = _digest(parse(unsigned.encode(), limit=SIGNED_MAX_BYTES))
    head, end_tag = unsigned[: unsigned.rindex("</")], unsigned[unsigned.rindex("</") :]
    opened = f'<Signature xmlns="{XMLDSIG}"' + (f' Id="{signature_id}">' if signature_id else ">")
    signed_info = _signed_info(digest)
    draft = parse(f"{head}{opened}{signed_info}</Signature>{end_tag}".encode(), limit=SIGNED_MAX_BYTES)
    value = base64.b64encode(signer.sign_sha1(_canonical(draft[-1][0]))).decode()
    return (
        f"{head}{opened}{signed_info}<SignatureValue>{value}</SignatureValue>"
        f"{_key_info(certificate)}</Signature>{end_tag}"
    ).encode()


def verified(root: etree._Element) -> CertificateFacts:
    """The certificate whose key signed the whole document. Raises SignatureRefused; issuer and dates are not judged."""
    signatures = root.findall(f".//{{{XMLDSIG}}}Signature")
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        raise SignatureRefused("the document must hold one signature, as a child of its root")
    signature = signatures[0]
    signed_info = signature.find(f"{{{XMLDSIG}}}SignedInfo")
    if signed_info is None or not _is_expected(signed_info):
        raise SignatureRefused("the signature uses other algorithms or references than SAT's")
    certificate = _certificate_in(signature)
    value = _decoded(signature, "SignatureValue")
    if not verifies(certificate.public_key, value, _canonical(signed_info), SHA1()):  # noqa: S303 SAT asks for it
        raise SignatureRefused("the signature does not verify with the certificate it names")
    digest = _decoded(signed_info, "Reference", "DigestValue")
    if base64.b64encode(digest).decode() != _digest(_without(root, signature)):
        raise SignatureRefused("the document was changed after it was signed")
    return certificate


_SIGNED_INFO = (
    ("CanonicalizationMethod", C14N),
    ("SignatureMethod", f"{XMLDSIG}rsa-sha1"),
    ("Transform", f"{XMLDSIG}enveloped-signature"),
    ("DigestMethod", f"{XMLDSIG}sha1"),
)


def _signed_info(digest: str) -> str:
    canonicalization, method, transform, hashing = (f'<{name} Algorithm="{uri}"/>' for name, uri in _SIGNED_INFO)
    return (
        f'<SignedInfo>{canonicalization}{method}<Reference URI=""><Transforms>{transform}</Transforms>'
        f"{hashing}<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
    )


_EXPECTED_SHAPE = [
    (element.tag, dict(element.attrib)) for element in parse(_signed_info("").encode(), limit=SIGNED_MAX_BYTES).iter()
]


def _is_expected(signed_info: etree._Element) -> bool:
    """The elements and attributes are exactly those we write; white space between them is free."""
    shape = [(str(element.tag).removeprefix(f"{{{XMLDSIG}}}"), dict(element.attrib)) for element in signed_info.iter()]
    return shape == _EXPECTED_SHAPE


def _key_info(certificate: CertificateFacts) -> str:
    """SAT's form of it: the serial is NoCertificado, not the decimal number of XML-DSig."""
    return (
        f"<KeyInfo><X509Data><X509IssuerSerial><X509IssuerName>{escape(certificate.issuer)}</X509IssuerName>"
        f"<X509SerialNumber>{certificate.number}</X509SerialNumber></X509IssuerSerial>"
        f"<X509Certificate>{base64.b64encode(certificate.der).decode()}</X509Certificate></X509Data></KeyInfo>"
    )


def _certificate_in(signature: etree._Element) -> CertificateFacts:
    try:
        return read(_decoded(signature, "KeyInfo", "X509Data", "X509Certificate"))
    except CredentialRefused as fault:
        raise SignatureRefused("the signature carries no readable certificate") from fault


def _decoded(element: etree._Element, *names: str) -> bytes:
    """The base64 content of the descendant at ``names``."""
    found = element.find("/".join(f"{{{XMLDSIG}}}{name}" for name in names))
    try:
        return base64.b64decode("".join((found.text or "").split()) if found is not None else "", validate=True)
    except (binascii.Error, ValueError) as fault:
        raise SignatureRefused(f"{names[-1]} is not base64") from fault


def _canonical(element: etree._Element) -> bytes:
    """Inclusive C14N of an element. Parsed anew first: lxml prints wrong ``xmlns=""`` below an element of a larger tree."""
    alone = parse(etree.tostring(element, with_tail=False), limit=SIGNED_MAX_BYTES)
    return etree.tostring(alone, method="c14n", exclusive=False, with_comments=False)


def _digest(root: etree._Element) -> str:
    return base64.b64encode(hashlib.sha1(_canonical(root), usedforsecurity=False).digest()).decode()


def _without(root: etree._Element, signature: etree._Element) -> etree._Element:
    """The document before it was signed: the signature goes, the text behind it stays."""
    unsigned = copy.deepcopy(root)
    at = root.index(signature)
    enveloped, tail = unsigned[at], signature.tail or ""
    if at:
        unsigned[at - 1].tail = (unsigned[at - 1].tail or "") + tail
    else:
        unsigned.text = (unsigned.text or "") + tail
    enveloped.tail = None
    unsigned.remove(enveloped)
    return unsigned
