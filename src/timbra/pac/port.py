"""What a certified stamping provider (PAC) is to the rest of the house: one port, values as outcomes, no exceptions.

Adapters translate a counterpart's answer into one of the outcomes below. They never retry, never sleep and never choose
another PAC: those decisions belong to the caller. See docs/decisions/0008-pac-port.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Dedup(StrEnum):
    """How a PAC recognises a document it has already stamped; NONE means a repeat would be a second stamp."""

    BY_XML = "by_xml"
    BY_REFERENCE = "by_reference"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Stamped:
    """The PAC's stamped document, as received, byte for byte."""

    xml: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for its content: final for these bytes. ``code`` is SAT's (CFDI40147, 301, 402 ...), ``text`` Spanish."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Certainly not accepted (unreachable, no credits, maintenance): nothing happened, another PAC may be asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The document may have been stamped. Only this PAC may be asked about it again."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The PAC is certain that it has no such document."""


StampOutcome = Stamped | Rejected | Busy | Unknown
FindOutcome = Stamped | NotThere | Unknown


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """One document to cancel. ``signed_xml`` is the Cancelacion request with its XML signature by the issuer's CSD."""

    uuid: str
    issuer_rfc: str
    receiver_rfc: str
    total: str  # as printed in the CFDI
    motive: str
    substitution_uuid: str | None
    signed_xml: bytes


@dataclass(frozen=True, slots=True)
class CancelAccepted:
    """Received (201) or received before (202). It does not say that the document is cancelled: ask ``status``."""

    code: str
    acuse: bytes


CancelOutcome = CancelAccepted | Rejected | Busy | Unknown


@dataclass(frozen=True, slots=True)
class SatStatus:
    """Answer of SAT's status service for one document, in SAT's own words."""

    code: str  # CodigoEstatus: "S - Comprobante obtenido satisfactoriamente." ...
    state: str  # Vigente, Cancelado, No Encontrado
    cancelable: str | None  # Cancelable sin aceptación, Cancelable con aceptación, No cancelable
    cancellation: (
        str | None
    )  # En proceso, Cancelado sin aceptación, Cancelado con aceptación, Plazo vencido, Solicitud rechazada


@dataclass(frozen=True, slots=True)
class Hints:
    """Test-mode wishes of one document (``metadata.sandbox``, ``metadata.sandbox_cancel``); a production PAC ignores them."""

    stamp: str | None = None
    cancel: str | None = None


class PacPort(Protocol):
    """A stamping provider. ``reference`` is our ``inv_`` id, the same in every try of one document."""

    name: str
    dedup: Dedup

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome: ...

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome: ...

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome: ...


class StatusPort(Protocol):
    """Who answers for a document's state: SAT's public service in live mode, the sandbox in test mode."""

    async def status(
        self, *, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str
    ) -> SatStatus | Unknown: ...
