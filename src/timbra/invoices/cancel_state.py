"""What a cancellation's state means: SAT's words as contract states, and when to look again. Pure."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from timbra.cfdi.sat_status import SatStatus
from timbra.invoices.model import Cancellation
from timbra.invoices.parts import HOUR_MS, MINUTE_MS
from timbra.platform import json

DAY_MS = 24 * HOUR_MS
FIRST_LOOKS_MS = (30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS)
GIVE_UP_MS = 45 * DAY_MS
AFTER_EXPIRY_MS = MINUTE_MS
UNKNOWN_TO_SAT = "205"  # within 72 h of the stamp it means "not there yet"
RECEIVED = {"201": "Solicitud de cancelación recibida", "202": "Solicitud de cancelación recibida previamente"}


class CancelStatus(StrEnum):
    """``cancellation_status`` of the contract (invoices.md section 10.2)."""

    NONE = "none"
    REQUESTED = "requested"
    PENDING = "pending"
    ACCEPTED = "accepted"
    WITHOUT_ACCEPTANCE = "without_acceptance"
    EXPIRED = "expired"
    REJECTED = "rejected"
    FAILED = "failed"


CANCELED = frozenset({CancelStatus.ACCEPTED, CancelStatus.WITHOUT_ACCEPTANCE, CancelStatus.EXPIRED})
OPEN = frozenset({CancelStatus.REQUESTED, CancelStatus.PENDING})


@dataclass(frozen=True, slots=True)
class Reading:
    """SAT's answer in the contract's words. ``status`` None: nothing known yet about a request."""

    is_canceled: bool
    needs_acceptance: bool
    is_cancelable: bool
    status: CancelStatus | None


def _plain(text: str | None) -> str:
    folded = unicodedata.normalize("NFKD", (text or "").casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


def read(answer: SatStatus) -> Reading:
    """SAT's words, compared without case and accents."""
    state, cancelable, cancellation = _plain(answer.state), _plain(answer.cancelable), _plain(answer.cancellation)
    is_canceled = state == "cancelado"
    status: CancelStatus | None = None
    if is_canceled:
        status = CancelStatus.WITHOUT_ACCEPTANCE
        if "con aceptacion" in cancellation:
            status = CancelStatus.ACCEPTED
        elif "plazo vencido" in cancellation:
            status = CancelStatus.EXPIRED
    elif "en proceso" in cancellation:
        status = CancelStatus.PENDING
    elif "rechazada" in cancellation:
        status = CancelStatus.REJECTED
    return Reading(is_canceled, "con aceptacion" in cancelable, "no cancelable" not in cancelable, status)


def next_look_ms(request: Cancellation, now_ms: int) -> int | None:
    """When SAT is asked again: soon at first, hourly to 72 h, every 6 h to day 15, daily to day 45, then never.

    Once more right after the receiver's time has ended, which is when SAT decides by itself.
    """
    planned = _planned_ms(request.requested_ms, now_ms)
    ends_ms = None if request.expires_ms is None else request.expires_ms + AFTER_EXPIRY_MS
    if planned is None or ends_ms is None or ends_ms <= now_ms:
        return planned
    return min(planned, ends_ms)


def _planned_ms(requested_ms: int, now_ms: int) -> int | None:
    age = now_ms - requested_ms
    for step in FIRST_LOOKS_MS:
        if age < step:
            return requested_ms + step
    if age >= GIVE_UP_MS:
        return None
    pause = HOUR_MS if age < 3 * DAY_MS else 6 * HOUR_MS if age < 15 * DAY_MS else DAY_MS
    return now_ms + pause


def _seconds(ms: int | None) -> int | None:
    return None if ms is None else ms // 1000


def block(request: Cancellation) -> bytes:
    """The ``cancellation`` member without its receipt, as JSON."""
    return json.dumps(
        {
            "cancellation_status": request.status,
            "motive": request.motive,
            "substitution_uuid": request.substitution_uuid,
            "code": request.code,
            "message": request.message,
            "cancellation_type": "normal",
            "requested_at": _seconds(request.requested_ms),
            "requested_by": request.requested_by,
            "last_checked": _seconds(request.checked_ms),
            "cancelled_at": _seconds(request.canceled_ms),
            "expires_at": _seconds(request.expires_ms),
        }
    )
