"""Encrypted private keys as SAT hands them out: opened once with their password, and matched with a certificate.

Every fault of a file is a ``CredentialRefused``, as in ``timbra.cfdi.certificate``.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from timbra.cfdi import der
from timbra.cfdi.certificate import (
    RSA_EXPONENT_MAX,
    CertificateFacts,
    CredentialRefused,
    Reason,
    der_of,
    refusing,
    verifies,
)
from timbra.cfdi.der import DerBroken

PBKDF2_MAX_ITERATIONS = 1_000_000
RSA_BITS = range(2048, 4096 + 1)
PROOF = b"timbra: key and certificate pair"

PBES2 = "1.2.840.113549.1.5.13"
PBKDF2 = "1.2.840.113549.1.5.12"


def open_key(data: bytes, password: str) -> bytes:
    """The plain PKCS#8 DER of an encrypted PKCS#8 key (DER or PEM), fully checked. Raises CredentialRefused.

    Costs about 40 ms for SAT's files; the limits on size and iterations keep any file under 2 s.
    """
    raw = der_of(data, Reason.NOT_A_KEY)
    with refusing(Reason.NOT_A_KEY, DerBroken):
        _check_encryption(raw)
    with refusing(Reason.KEY_UNSUPPORTED, UnsupportedAlgorithm), refusing(Reason.NOT_OPENED, ValueError, TypeError):
        key = _load(raw, password.encode("utf-8", "surrogatepass"), checked=False)
    if not isinstance(key, RSAPrivateKey):
        raise CredentialRefused(Reason.NOT_RSA)
    if key.key_size not in RSA_BITS or key.public_key().public_numbers().e >= RSA_EXPONENT_MAX:
        raise CredentialRefused(Reason.KEY_UNSUPPORTED)
    with refusing(Reason.KEY_BROKEN, ValueError, TypeError):
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        _load(plain, None, checked=True)
    return plain


def matches(certificate: CertificateFacts, plain_key: bytes) -> bool:
    """True when the plain PKCS#8 key is the one of the certificate: equal public numbers, and a signature that verifies."""
    with refusing(Reason.KEY_BROKEN, ValueError, TypeError):
        key = _load(plain_key, None, checked=False)
        if not isinstance(key, RSAPrivateKey):
            return False
        if key.public_key().public_numbers() != certificate.public_key.public_numbers():
            return False
        signature = key.sign(PROOF, PKCS1v15(), SHA256())
        return verifies(certificate.public_key, signature, PROOF, SHA256())


def _check_encryption(raw: bytes) -> None:
    """Raises unless the key file is PBES2 with PBKDF2 and a bearable number of iterations."""
    parts = der.read_one(raw).children()
    tags = [part.tag for part in parts]
    if tags[:3] == [der.INTEGER, der.SEQUENCE, der.OCTET_STRING]:
        raise CredentialRefused(Reason.KEY_NOT_ENCRYPTED)
    if len(parts) == 3 and tags[:2] == [der.SEQUENCE, der.SEQUENCE]:
        raise CredentialRefused(Reason.CERTIFICATE_IN_PLACE_OF_KEY)
    if tags != [der.SEQUENCE, der.OCTET_STRING]:
        raise CredentialRefused(Reason.NOT_A_KEY)
    scheme = _parameters(parts[0], PBES2).children()
    derivation = _parameters(scheme[0], PBKDF2).children()
    if len(derivation) < 2:
        raise CredentialRefused(Reason.NOT_A_KEY)
    if not 0 < int.from_bytes(derivation[1].value(der.INTEGER), signed=True) <= PBKDF2_MAX_ITERATIONS:
        raise CredentialRefused(Reason.TOO_MANY_ITERATIONS)


def _parameters(algorithm: der.Node, expected: str) -> der.Node:
    parts = algorithm.children()
    if len(parts) != 2 or not parts[1].content:
        raise CredentialRefused(Reason.KEY_UNSUPPORTED)
    if der.dotted(parts[0].value(der.OID)) != expected:
        raise CredentialRefused(Reason.KEY_UNSUPPORTED)
    return parts[1]


def _load(raw: bytes, password: bytes | None, *, checked: bool) -> object:
    return load_der_private_key(raw, password, unsafe_skip_rsa_key_validation=not checked)
