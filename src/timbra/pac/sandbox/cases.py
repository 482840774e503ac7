"""What can go wrong in the sandbox: one vocabulary for the cases of a document and for what a team sets for all of them.

A document asks in its metadata (contract invoices.md section 5.5) and is heard first; otherwise the team's setting
counts (``controls``). Pure.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from timbra.cfdi.sat_status import CANCELED, FOUND, IN_FORCE, IN_PROGRESS, NOT_CANCELABLE, REJECTED, SatStatus
from timbra.cfdi.sat_status import WITH_ACCEPTANCE as NEEDS_ACCEPTANCE
from timbra.cfdi.sat_status import WITHOUT_ACCEPTANCE as NEEDS_NONE
from timbra.cfdi.workdays import acceptance_ends_ms

OUTAGE_MS: Final = 60_000
SLOWNESS_S: Final = 30
ANSWER_MS: Final = 60_000  # of a receiver who answers
NOT_LISTED: Final = "402"  # RFC or certificate that SAT's list of taxpayers (LCO) does not have yet


class Behaviour(StrEnum):
    """What a simulated PAC does with a document."""

    NORMAL = "normal"
    DOWN = "down"  # cannot be reached
    SLOW = "slow"  # stamps, and is silent for some seconds
    DROPS_ANSWER = "drops_answer"  # stamps, the answer is lost
    LOSES_REQUEST = "loses_request"  # the first call of each document never arrives
    DUPLICATES = "duplicates"  # 307 with the original stamp
    REJECTS = "rejects"  # with a chosen code
    NOT_IN_LCO = "not_in_lco"  # the certificate is too new for SAT's list


class Receiver(StrEnum):
    """What the simulated receiver does with a request to cancel."""

    NOT_ASKED = "not_asked"  # SAT cancels without acceptance
    ACCEPTS = "accepts"
    REJECTS = "rejects"
    SILENT = "silent"  # until the term ends


@dataclass(frozen=True, slots=True)
class Case:
    """What one call meets. ``outage_ms``: a DOWN that ends by itself, counted from the document's first call."""

    behaviour: Behaviour = Behaviour.NORMAL
    code: str = ""
    seconds: int = SLOWNESS_S
    outage_ms: int | None = None


NORMAL: Final = Case()
_BY_HINT: Final = {
    "pac_down": Case(Behaviour.DOWN, outage_ms=OUTAGE_MS),
    "pac_timeout": Case(Behaviour.DROPS_ANSWER),
    "pac_timeout_lost": Case(Behaviour.LOSES_REQUEST),
    "pac_slow": Case(Behaviour.SLOW),
    "duplicate": Case(Behaviour.DUPLICATES),
}


def case_of(hint: str, *, is_first: bool) -> Case | None:
    """The case a document asks for in ``metadata.sandbox``; None when it asks for none. is_first: of the two PACs."""
    if hint == "pac_down_first":
        return Case(Behaviour.DOWN) if is_first else NORMAL
    if hint.startswith("reject:"):
        return Case(Behaviour.REJECTS, code=hint.removeprefix("reject:"))
    return _BY_HINT.get(hint)


@dataclass(frozen=True, slots=True)
class Control:
    """One setting of a team. calls: how many more calls it holds for, None for as long as nobody changes it."""

    behaviour: str  # a Behaviour, or a Receiver
    code: str = ""
    seconds: int = SLOWNESS_S
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a request to cancel: ``word`` from ``at_ms`` on; never while that is None.

    word: accepted, rejected, expired, pending; None: canceled at once, nobody has to accept.
    """

    word: str | None
    at_ms: int | None


_PROMPT = {Receiver.ACCEPTS: "accepted", Receiver.REJECTS: "rejected"}
WITH_ACCEPTANCE: Final = ("pending", "accepted", "rejected", "expired")


def needs_acceptance(hint: str | None, receiver: Receiver) -> bool:
    """Whether the receiver is asked at all. hint: the document's ``metadata.sandbox_cancel``."""
    return hint in WITH_ACCEPTANCE or (not hint and receiver is not Receiver.NOT_ASKED)


def answer_to(hint: str | None, receiver: Receiver, now_ms: int, *, is_repeat: bool) -> Answer:
    """What the receiver will say to a request made now. A repeated request has no term: silence lasts for ever."""
    if not needs_acceptance(hint, receiver):
        return Answer(None, now_ms)
    if hint in WITH_ACCEPTANCE:
        return Answer(hint, None if hint == "pending" else now_ms + ANSWER_MS)
    if receiver is Receiver.SILENT:
        return Answer("expired", None if is_repeat else acceptance_ends_ms(now_ms))
    return Answer(_PROMPT[receiver], now_ms + ANSWER_MS)


def sat_says(hint: str | None, receiver: Receiver, answer: Answer | None, now_ms: int) -> SatStatus:
    """The document in the words of SAT's status service. answer: to the last request, None when nobody asked."""
    if hint == "not_cancelable":
        return SatStatus(FOUND, IN_FORCE, NOT_CANCELABLE, None)
    if answer is None:
        return SatStatus(FOUND, IN_FORCE, NEEDS_ACCEPTANCE if needs_acceptance(hint, receiver) else NEEDS_NONE, None)
    if answer.word is None:
        return SatStatus(FOUND, CANCELED, NEEDS_NONE, "Cancelado sin aceptación")
    if answer.at_ms is None or now_ms < answer.at_ms or answer.word == "pending":
        return SatStatus(FOUND, IN_FORCE, NEEDS_ACCEPTANCE, IN_PROGRESS)
    if answer.word == "rejected":
        return SatStatus(FOUND, IN_FORCE, NEEDS_ACCEPTANCE, REJECTED)
    wording = "Cancelado con aceptación" if answer.word == "accepted" else "Plazo vencido"
    return SatStatus(FOUND, CANCELED, NEEDS_ACCEPTANCE, wording)
