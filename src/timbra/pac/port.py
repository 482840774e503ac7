"""What a certified stamping provider (PAC) is to the rest of the house: one port, values as outcomes, no exceptions.

Adapters translate a counterpart's answer into one of the outcomes below. They never retry, never sleep and never choose
another PAC: those decisions belong to the caller. See docs/decisions/0008-pac-port.md.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from timbra.cfdi.sat_status import SatStatus, Unanswered


class Dedup(StrEnum):
    """How a PAC recognises a document it has already stamped; NONE means a repeat would be a second stamp."""

    BY_XML = "by_xml"
    BY_REFERENCE = "by_reference"
    NONE = "none"


class Ability(StrEnum):
    """What a PAC can be asked for besides a stamp, as far as its adapter does."""

    RECOVER = "recover"  # look a document up by its bytes, without sending it again
    CANCEL = "cancel"
    STATUS = "status"  # of a document at SAT
    PENDING = "pending"  # cancellations that wait for this issuer's answer


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an adapter declares of its provider.

    visible_after_s: so long after the last try it may still deny a document that it has. seals_itself: it is told values
    and makes a document of its own, which counts only when it equals ours.
    """

    dedup: Dedup
    can: frozenset[Ability] = frozenset()
    visible_after_s: float = 0.0
    seals_itself: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """One exchange with a PAC as the ledger keeps it: no credentials, documents replaced by their SHA-256.

    status: None when no answer came; ``answer`` says why then.
    """

    method: str
    url: str
    request: str
    status: int | None
    answer: str
    took_ms: int


def _unsaid() -> Any:
    return field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stamped:
    """The PAC's stamped document, as received, byte for byte."""

    xml: bytes
    said: tuple[Spoken, ...] = _unsaid()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for its content: final for these bytes. ``code`` is SAT's (CFDI40147, 301, 402 ...), ``text`` Spanish."""

    code: str
    text: str
    said: tuple[Spoken, ...] = _unsaid()


@dataclass(frozen=True, slots=True)
class Busy:
    """Certainly not accepted (unreachable, no credits, maintenance): nothing happened, another PAC may be asked."""

    reason: str
    said: tuple[Spoken, ...] = _unsaid()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The document may have been stamped. Only this PAC may be asked about it again."""

    reason: str
    said: tuple[Spoken, ...] = _unsaid()


@dataclass(frozen=True, slots=True)
class NotThere:
    """The PAC is certain that it has no such document."""

    said: tuple[Spoken, ...] = _unsaid()


StampOutcome = Stamped | Rejected | Busy | Unknown
FindOutcome = Stamped | NotThere | Rejected | Unknown  # Rejected: the same bytes, sent again, were refused


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
    said: tuple[Spoken, ...] = _unsaid()


CancelOutcome = CancelAccepted | Rejected | Busy | Unknown


@dataclass(frozen=True, slots=True)
class Hints:
    """Test-mode wishes of one document (``metadata.sandbox``, ``metadata.sandbox_cancel``); a production PAC ignores them."""

    stamp: str | None = None
    cancel: str | None = None


class PacPort(Protocol):
    """A stamping provider. ``reference`` is our ``inv_`` id, the same in every try of one document."""

    name: str
    abilities: Abilities

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome: ...

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome: ...

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome: ...


class StatusPort(Protocol):
    """Who answers for a document's state: SAT's public service in live mode, the sandbox in test mode."""

    async def status(
        self, *, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str
    ) -> SatStatus | Unanswered: ...
