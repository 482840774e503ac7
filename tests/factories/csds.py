"""A sandbox authority and two CSDs of one issuer."""

from dataclasses import dataclass

from timbra.credentials.trust import Trust, load
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
