"""A signer and its certificate for documents under test; the key is made once per run."""

import base64
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from factories import cfdi_xml
from timbra.cfdi import certificate
from timbra.cfdi.build import CertificateText


@dataclass(frozen=True)
class KeySigner:
    key: RSAPrivateKey

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, PKCS1v15(), SHA256())


@cache
def signer() -> KeySigner:
    """The key of EKU9003173C9."""
    key = load_der_private_key(cfdi_xml.csd().key, None)
    assert isinstance(key, RSAPrivateKey)
    return KeySigner(key)


@cache
def certificate_text() -> CertificateText:
    """The certificate of ``signer``."""
    facts = certificate.read(cfdi_xml.csd().certificate)
    return CertificateText(facts.number, base64.b64encode(facts.der).decode())
