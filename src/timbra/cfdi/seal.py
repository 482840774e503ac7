"""Seals: RSA PKCS#1 v1.5 with SHA-256 over the UTF-8 cadena original (Anexo 20), in base64. Equal input, equal seal."""

import base64
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from timbra.cfdi.build import Draft
from timbra.cfdi.certificate import CredentialRefused, Reason, read, verifies


class Signer(Protocol):
    """Holds a private key. ``sign`` gives the RSA PKCS#1 v1.5 SHA-256 signature of the bytes."""

    def sign(self, data: bytes) -> bytes: ...


class Sealed(NamedTuple):
    """The document as it is stored and sent, byte for byte."""

    xml: bytes
    sello: str
    cadena: str


class KeyMismatch(Exception):
    """The signer's key is not the one of the document's certificate: nothing was sealed."""


def seal(draft: Draft, signer: Signer) -> Sealed:
    """The sealed document; its seal has been verified with the certificate that the document carries.

    Raises KeyMismatch when the key and the certificate are no pair, CredentialRefused for a broken certificate.
    """
    head, tail, cadena, certificate = draft
    data = cadena.encode()
    signature = signer.sign(data)
    if not verifies(_public_key(certificate.base64), signature, data, SHA256()):
        raise KeyMismatch(f"the key is not the one of certificate {certificate.number}")
    sello = base64.b64encode(signature).decode("ascii")
    return Sealed(f"{head}{sello}{tail}".encode(), sello, cadena)


class Verdict(StrEnum):
    """What the seal of a document is worth, by the document itself; whose certificate it carries is another question."""

    VALID = "valid"
    INVALID = "invalid"  # made with another key, or the document was changed
    NO_SEAL = "no_seal"
    NO_CERTIFICATE = "no_certificate"  # absent or not readable


def verify(root: etree._Element, cadena_of: Callable[[etree._Element], str]) -> Verdict:
    """Whether the seal of a parsed CFDI or Retenciones is its certificate's over its cadena.

    Raises what ``cadena_of`` raises.
    """
    sello, certificate = root.get("Sello"), root.get("Certificado")
    if not sello:
        return Verdict.NO_SEAL
    try:
        key = _public_key("".join((certificate or "").split()))
    except CredentialRefused:
        return Verdict.NO_CERTIFICATE
    try:
        signature = base64.b64decode("".join(sello.split()), validate=True)
    except ValueError:
        return Verdict.INVALID
    return Verdict.VALID if verifies(key, signature, cadena_of(root).encode(), SHA256()) else Verdict.INVALID


@lru_cache(maxsize=256)
def _public_key(certificate: str) -> RSAPublicKey:
    """The public key of a certificate in base64. Raises CredentialRefused."""
    try:
        der = base64.b64decode(certificate, validate=True)
    except ValueError as error:
        raise CredentialRefused(Reason.NOT_A_CERTIFICATE) from error
    return read(der).public_key
