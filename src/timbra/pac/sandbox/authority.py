"""The sandbox authority: a certificate authority of this server, for trying things out.

What it issues looks like SAT's certificates (serial of 20 digits, x500UniqueIdentifier, key usages) and has no fiscal
value: every name of the issuer says so, and only the test slot trusts it. Time and serials come from the caller.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509 import NameOID

SERIAL_DIGITS = 20
RSA_BITS = 2048
PUBLIC_EXPONENT = 65537
CSD_YEARS, AUTHORITY_YEARS = 4, 20
COMMON_NAME_MAX_BYTES = 64  # RFC 5280; the organization name carries the whole name

AUTHORITY_NAME = "SANDBOX timbra SIN VALIDEZ FISCAL"
PAC_RFC = "SPR190613I52"
PAC_NAME = "SANDBOX PAC SIN VALIDEZ FISCAL"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate (DER) with its private key (plain PKCS#8 DER)."""

    certificate: bytes
    key: bytes = field(repr=False)

    def encrypted_key(self, password: str) -> bytes:
        """The key as a ``.key`` file: PKCS#8 DER, encrypted with ``password``."""
        key = load_der_private_key(self.key, None)
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))


def make_authority(*, serial: str, at_ms: int) -> Issued:
    """A fresh self-signed authority, valid for 20 years from ``at_ms``. ``serial``: 20 digits."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, AUTHORITY_NAME),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, AUTHORITY_NAME),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "SANDBOX"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "MX"),
        ]
    )
    key = _new_key()
    usage = _usage(digital_signature=True, content_commitment=True, key_cert_sign=True, crl_sign=True)
    builder = _builder(name, name, key.public_key(), serial, at_ms, AUTHORITY_YEARS)
    return _signed(builder.add_extension(x509.BasicConstraints(True, 0), critical=True), usage, key, key)


def issue_csd(
    authority: Issued, *, rfc: str, name: str, serial: str, at_ms: int, curp: str = "", branch: str = "SANDBOX"
) -> Issued:
    """A CSD for any RFC and name, valid for 4 years from ``at_ms``. ``serial``: 20 digits."""
    key = _new_key()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name.encode()[:COMMON_NAME_MAX_BYTES].decode(errors="ignore")),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, rfc),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f" / {curp}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, branch),
        ]
    )
    usage = _usage(digital_signature=True, content_commitment=True)
    issuer = x509.load_der_x509_certificate(authority.certificate).subject
    builder = _builder(subject, issuer, key.public_key(), serial, at_ms, CSD_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    return _signed(builder, usage, key, _private(authority))


def issue_pac(authority: Issued, *, serial: str, at_ms: int) -> Issued:
    """The certificate that the sandbox PAC signs its timbres with. ``serial``: 20 digits."""
    return issue_csd(authority, rfc=PAC_RFC, name=PAC_NAME, serial=serial, at_ms=at_ms, branch="SANDBOX PAC")


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(PUBLIC_EXPONENT, RSA_BITS)


def _private(issued: Issued) -> rsa.RSAPrivateKey:
    key = load_der_private_key(issued.key, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, serial: str, at_ms: int, years: int
) -> x509.CertificateBuilder:
    if len(serial) != SERIAL_DIGITS or not serial.isascii() or not serial.isdigit():
        raise ValueError(f"serial must be {SERIAL_DIGITS} digits")
    start = datetime.fromtimestamp(at_ms // 1000, UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key,
        serial_number=int.from_bytes(serial.encode()),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=365 * years + years // 4),
    )


def _signed(
    builder: x509.CertificateBuilder, usage: x509.KeyUsage, own: rsa.RSAPrivateKey, signing: rsa.RSAPrivateKey
) -> Issued:
    certificate = builder.add_extension(usage, critical=True).sign(signing, SHA256())
    return Issued(
        certificate=certificate.public_bytes(Encoding.DER),
        key=own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


def _usage(
    *, digital_signature: bool, content_commitment: bool, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
