"""Certificates as SAT issues them: what they say, and who signed them.

Every fault of a file is a ``CredentialRefused`` with a ``Reason``; no exception of a library leaves this module.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm

from timbra.cfdi import der
from timbra.cfdi.der import DerBroken

FILE_MAX_BYTES = 64 * 1024
RSA_BITS_READ_MAX = 8192  # old and foreign certificates are only read
RSA_EXPONENT_MAX = 1 << 32

X500_UNIQUE_IDENTIFIER, SERIAL_NUMBER = "2.5.4.45", "2.5.4.5"
ORGANIZATION, COMMON_NAME, NAME = "2.5.4.10", "2.5.4.3", "2.5.4.41"

RFC4514_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}

VERSION_TAG = 0xA0

# Everything that x509 raises about a damaged certificate.
_X509_FAULTS = (
    ValueError,
    IndexError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")


class Reason(StrEnum):
    """Why a certificate or key file is refused."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_A_CERTIFICATE = "not_a_certificate"
    KEY_IN_PLACE_OF_CERTIFICATE = "key_in_place_of_certificate"
    NOT_A_KEY = "not_a_key"
    CERTIFICATE_IN_PLACE_OF_KEY = "certificate_in_place_of_key"
    KEY_NOT_ENCRYPTED = "key_not_encrypted"
    KEY_UNSUPPORTED = "key_unsupported"
    TOO_MANY_ITERATIONS = "too_many_iterations"
    NOT_OPENED = "not_opened"  # the password is not the key's
    KEY_BROKEN = "key_broken"
    NOT_RSA = "not_rsa"


class CredentialRefused(Exception):
    """The file cannot be used; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Kind(StrEnum):
    """What SAT issued the certificate for, by its key usage."""

    CSD = "CSD"
    FIEL = "FIEL"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says. Instants are ms UTC; ``number`` is NoCertificado, 20 digits on SAT's certificates."""

    rfc: str
    curp: str | None
    name: str
    number: str
    kind: Kind
    not_before_ms: int
    not_after_ms: int
    issuer: str  # RFC 4514
    public_key: RSAPublicKey = field(repr=False)
    der: bytes = field(repr=False)

    def in_force(self, at_ms: int) -> bool:
        """True inside the validity of the certificate, both ends included."""
        return self.not_before_ms <= at_ms <= self.not_after_ms


class HasPublicKey(Protocol):
    """An authority: all that a chain check needs of it."""

    @property
    def public_key(self) -> RSAPublicKey: ...


Authority = TypeVar("Authority", bound=HasPublicKey)


def read(data: bytes) -> CertificateFacts:
    """The facts of a certificate (DER or PEM). Raises CredentialRefused; expiry and issuer are not judged."""
    return _read(der_of(data, Reason.NOT_A_CERTIFICATE))


@lru_cache(maxsize=512)  # the same few certificates come with every document
def _read(raw: bytes) -> CertificateFacts:
    with refusing(Reason.NOT_A_CERTIFICATE, DerBroken):
        if _looks_like_key(raw):
            raise CredentialRefused(Reason.KEY_IN_PLACE_OF_CERTIFICATE)
    with refusing(Reason.NOT_A_CERTIFICATE, *_X509_FAULTS):
        issuer, subject = _names(raw)
        certificate = x509.load_der_x509_certificate(raw)
        rfc, _, _ = _first(subject, X500_UNIQUE_IDENTIFIER).partition("/")
        _, _, curp = _first(subject, SERIAL_NUMBER).partition("/")
        return CertificateFacts(
            rfc=rfc.strip(),
            curp=curp.strip() or None,
            name=(_first(subject, ORGANIZATION) or _first(subject, COMMON_NAME) or _first(subject, NAME)).strip(),
            number=format(certificate.serial_number, "x")[1::2],
            kind=_kind(certificate),
            not_before_ms=_ms(certificate.not_valid_before_utc),
            not_after_ms=_ms(certificate.not_valid_after_utc),
            issuer=_rfc4514(issuer),
            public_key=_rsa_public(certificate),
            der=raw,
        )


def issued_by(certificate: CertificateFacts, authorities: Iterable[Authority]) -> Authority | None:
    """The authority whose key signed the certificate, None when it is none of them. Names are not compared."""
    with refusing(Reason.NOT_A_CERTIFICATE, *_X509_FAULTS):
        parsed = x509.load_der_x509_certificate(certificate.der)
        algorithm = parsed.signature_hash_algorithm
        if algorithm is None or algorithm.digest_size < SHA256.digest_size:
            return None
        for authority in authorities:
            if verifies(authority.public_key, parsed.signature, parsed.tbs_certificate_bytes, algorithm):
                return authority
    return None


@contextmanager
def refusing(reason: Reason, *faults: type[Exception]) -> Iterator[None]:
    """Faults of the libraries below become a refusal for ``reason``."""
    try:
        yield
    except faults as fault:
        raise CredentialRefused(reason) from fault


def der_of(data: bytes, otherwise: Reason) -> bytes:
    """The DER inside a file that is DER or PEM. ``otherwise``: the reason given for PEM that cannot be read."""
    if not data:
        raise CredentialRefused(Reason.EMPTY)
    if len(data) > FILE_MAX_BYTES:
        raise CredentialRefused(Reason.TOO_LARGE)
    if not data.lstrip().startswith(b"-----BEGIN "):
        return data
    found = _PEM.search(data)
    if found is None:
        raise CredentialRefused(otherwise)
    try:
        return base64.b64decode(re.sub(rb"\s", b"", found[2]), validate=True)
    except binascii.Error as fault:
        raise CredentialRefused(otherwise) from fault


def _looks_like_key(raw: bytes) -> bool:
    """PKCS#8, encrypted (algorithm, octets) or not (version, algorithm, octets)."""
    tags = [node.tag for node in der.read_one(raw).children()]
    return tags == [der.SEQUENCE, der.OCTET_STRING] or tags[:3] == [der.INTEGER, der.SEQUENCE, der.OCTET_STRING]


def _names(raw: bytes) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Issuer and subject: the third and fifth element of the TBSCertificate after its optional version."""
    fields = [node for node in der.read_one(raw).children()[0].children() if node.tag != VERSION_TAG]
    if len(fields) < 5:
        raise DerBroken("certificate without subject")
    if int.from_bytes(fields[0].value(der.INTEGER), signed=True) <= 0:
        raise DerBroken("serial is not positive")
    return der.name_parts(fields[2]), der.name_parts(fields[4])


def _first(parts: list[tuple[str, str]], oid: str) -> str:
    return next((value for key, value in parts if key == oid), "")


def _rfc4514(parts: list[tuple[str, str]]) -> str:
    escaped = ((RFC4514_NAMES.get(oid, oid), re.sub(r'([",+;<>\\]|^[ #]| $)', r"\\\1", value)) for oid, value in parts)
    return ",".join(f"{oid}={value}" for oid, value in reversed(list(escaped)))


def _kind(certificate: x509.Certificate) -> Kind:
    """CSD: signature and non-repudiation only; FIEL: data encipherment and key agreement as well."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return Kind.OTHER
    signs = usage.digital_signature and usage.content_commitment
    authority = usage.key_cert_sign or usage.crl_sign or usage.key_encipherment
    if not signs or authority or usage.data_encipherment != usage.key_agreement:
        return Kind.OTHER
    return Kind.FIEL if usage.key_agreement else Kind.CSD


def _rsa_public(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size > RSA_BITS_READ_MAX:
        raise CredentialRefused(Reason.NOT_RSA)
    if key.public_numbers().e >= RSA_EXPONENT_MAX:
        raise CredentialRefused(Reason.NOT_RSA)
    return key


def verifies(key: RSAPublicKey, signature: bytes, data: bytes, algorithm: HashAlgorithm) -> bool:
    """Whether the RSA PKCS#1 v1.5 signature over ``data`` was made with the private half of ``key``."""
    try:
        key.verify(signature, data, PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000
