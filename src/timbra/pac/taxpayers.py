"""Port of a PAC's taxpayer service: whether name, postal code and regime are those that SAT has registered for an RFC.

Outcomes are values. Adapters translate a counterpart's answer into one of them; they never retry and never sleep.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says of a taxpayer. ``name``: as on a CFDI."""

    rfc: str
    name: str
    zip: str
    regime: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The RFC exists; each flag says whether the claim equals what is registered."""

    name: bool
    zip: bool
    regime: bool


@dataclass(frozen=True, slots=True)
class NoSuchRfc:
    """The register has no such RFC."""


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """No answer, or one that says "later"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The service does not serve this server: wrong credentials, no credits, or an answer that nobody understands."""

    reason: str


Comparison = Compared | NoSuchRfc | OutOfReach | Refused


class TaxpayerPort(Protocol):
    """A service that compares claims with the register of all taxpayers. ``name`` is for messages and logs."""

    name: str

    async def compare(self, claim: Claim) -> Comparison: ...
