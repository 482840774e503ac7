"""A sandbox authority and two CSDs of one issuer."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509 import NameOID

from timbra.credentials.trust import Trust, load
from timbra.pac.sandbox import authority as authority_module
from timbra.pac.sandbox.authority import Issued, issue_csd, make_authority

OCTOBER_2026_MS = 1_791_504_000_000
RFC = "HAÑ930228SM9"
NAME = "HERRERÍA ÑANDÚ SA DE CV"
PASSWORD = "contraseña 1"


@dataclass(frozen=True)
class IssuedCsds:
    """``first`` has number 30009000000000000002, ``second`` 30009000000000000003."""

    authority: Issued
    first: Issued
    second: Issued
    trust: Trust


def issue_csds() -> IssuedCsds:
    authority = make_authority(serial="30009000000000000001", at_ms=OCTOBER_2026_MS)
    first, second = (
        issue_csd(authority, rfc=RFC, name=NAME, serial=f"3000900000000000000{n}", at_ms=OCTOBER_2026_MS)
        for n in (2, 3)
    )
    return IssuedCsds(authority, first, second, load(folder=None, sandbox=authority.certificate))


def issue_fiel(authority: Issued, *, rfc: str, name: str, at_ms: int, serial: str = "30009000000000000077") -> Issued:
    """A FIEL: as a CSD, with the key usages of an e.firma."""
    key = authority_module._new_key()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, rfc),
        ]
    )
    issuer = x509.load_der_x509_certificate(authority.certificate).subject
    builder = authority_module._builder(subject, issuer, key.public_key(), serial, at_ms, 4)
    usage = x509.KeyUsage(True, True, False, True, True, False, False, False, False)
    return authority_module._signed(builder, usage, key, authority_module._private(authority))
