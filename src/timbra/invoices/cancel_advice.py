"""Advice before a cancellation is asked for: what blocks it, who must accept, which motive, until when, and by which rule.

Part of ``GET /invoices/{id}/cancellation``. Nothing here decides: ``cancel`` checks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timbra.cfdi import cancel_rules
from timbra.cfdi.sat_status import SatStatus
from timbra.cfdi.workdays import acceptance_ends_ms
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.invoices import cancel_blockers, store, store_cancel
from timbra.invoices.cancel_blockers import Blocker
from timbra.invoices.cancel_state import OPEN, read
from timbra.invoices.model import InvoiceRecord, Status
from timbra.invoices.parts import InvoiceParts
from timbra.platform import json
from timbra.platform.db import Tx

NOT_CANCELABLE_RULE = "CFF 29-A: SAT does not cancel what live documents rest on"
MOTIVE_RULE = "Anexo 20, c_MotivoCancelacion"
GLOBAL_RULE = "RMF 2.7.1.21"


@dataclass(frozen=True, slots=True)
class _Facts:
    blockers: Sequence[Blocker]
    was_rejected: bool
    replacement: str | None  # uuid of a valid document of ours that relates to this one by 04


async def advise(parts: InvoiceParts, record: InvoiceRecord) -> dict[str, Any]:
    """The ``advice`` member: blockers, acceptance, motive, deadline and the receiver's time, each with its rule."""
    facts = await parts.database.read(lambda tx: _facts(tx, record))
    now_ms, sat = parts.clock.now_ms(), _sat_of(record)
    asked = _asked(parts, record, now_ms)
    has_csd = await parts.signers.signer_for(record.scope) is not None
    blockers = [*_own_blockers(record, sat, has_csd=has_csd), *facts.blockers]
    acceptance = _acceptance(asked, sat)
    return {
        "can_cancel": not blockers,
        "blockers": [blocker.to_wire() for blocker in blockers],
        "acceptance": acceptance,
        "motive": _motive(record, facts.replacement),
        "deadline": _deadline(asked),
        "answer_by": _answer_by(now_ms, is_needed=acceptance["needed"], was_rejected=facts.was_rejected),
    }


def _facts(tx: Tx, record: InvoiceRecord) -> _Facts:
    replacement = None
    for relation, status, public_id in store.relations_to(tx, record.scope, record.uuid or ""):
        if relation == cancel_blockers.SUBSTITUTION and status == Status.VALID:
            replacement = public_id
    blockers = cancel_blockers.find(tx, record.scope, record, is_replaced=replacement is not None)
    return _Facts(blockers, store_cancel.was_rejected(tx, record), replacement)


def _sat_of(record: InvoiceRecord) -> SatStatus | None:
    """What SAT said last, as it was kept."""
    if record.sat_status is None:
        return None
    kept = json.loads(record.sat_status.encode())
    return SatStatus("", kept["status"], kept["cancelable"], kept["cancellation_status"])


def _asked(parts: InvoiceParts, record: InvoiceRecord, now_ms: int) -> cancel_rules.Asked:
    place = parts.sat.catalogs.zip_info(record.issuer_zip)
    zone = zone_of(place) if place else CENTRAL
    client = json.loads(record.document.encode()).get("client") or {}
    return cancel_rules.Asked(
        kind=record.kind,
        total=record.printed_total,
        currency=record.currency,
        exchange_rate=record.exchange_rate,
        issuer_rfc=record.issuer_rfc,
        receiver_rfc=record.receiver_rfc,
        receiver_regime=client.get("tax_system") or "",
        issued_at=local_time(record.issued_ms, zone),
        now=local_time(now_ms, zone),
    )


def _own_blockers(record: InvoiceRecord, sat: SatStatus | None, *, has_csd: bool) -> list[Blocker]:
    """What the document itself, SAT and the team's certificate hold against it."""
    found = []
    if record.status == Status.CANCELED:
        found.append(Blocker("already_canceled", "The invoice is already canceled", "invoices.md 2.1"))
    elif record.cancellation_status in OPEN:
        found.append(Blocker("in_progress", "A cancellation is in progress", cancel_rules.ACCEPTANCE_RULE))
    elif sat is not None and not read(sat).is_cancelable:
        found.append(Blocker("not_cancelable", "SAT says that it cannot be canceled", NOT_CANCELABLE_RULE))
    if not has_csd:
        found.append(Blocker("no_csd", "The team has no certificate to sign the request with", "CFF 17-D"))
    return found


def _acceptance(asked: cancel_rules.Asked, sat: SatStatus | None) -> dict[str, Any]:
    """Whether the receiver must accept: SAT's word where there is one, the rules otherwise."""
    exempt = cancel_rules.exemption(asked)
    if sat is not None and sat.cancelable and read(sat).is_cancelable:
        needed = read(sat).needs_acceptance
        rule = cancel_rules.ACCEPTANCE_RULE if needed else exempt.rule if exempt else "RMF 2.7.1.35"
        return {"needed": needed, "said_by": "sat", "rule": rule, "reason": f"SAT says: {sat.cancelable}"}
    if exempt is not None:
        return {"needed": False, "said_by": "rules", "rule": exempt.rule, "reason": exempt.reason}
    reason = "no case of RMF 2.7.1.35 covers the invoice"
    return {"needed": True, "said_by": "rules", "rule": cancel_rules.ACCEPTANCE_RULE, "reason": reason}


def _motive(record: InvoiceRecord, replacement: str | None) -> dict[str, Any]:
    """The motive that fits what is known; only a person knows whether the operation took place."""
    code, reason, rule = "02", "no valid invoice of yours replaces it: 02 for errors, 03 if the sale fell through", ""
    if replacement is not None:
        code, reason = "01", "a valid invoice of yours relates to it by 04"
    elif json.loads(record.document.encode()).get("global") is not None:
        code, reason, rule = "04", "a global invoice is canceled when one of its sales gets an own invoice", GLOBAL_RULE
    return {"use": code, "substitution_uuid": replacement, "rule": rule or MOTIVE_RULE, "reason": reason}


def _deadline(asked: cancel_rules.Asked) -> dict[str, Any]:
    last = cancel_rules.last_day(asked.issuer_rfc, asked.issued_at)
    reason = "the month of the annual return of the year of issue; later ones are fined by CFF 81 XLVI"
    is_past = asked.now.date() > last
    return {"last_day": last.isoformat(), "is_past": is_past, "rule": cancel_rules.DEADLINE_RULE, "reason": reason}


def _answer_by(now_ms: int, *, is_needed: bool, was_rejected: bool) -> dict[str, Any]:
    """Until when the receiver could answer a request made now; silence is consent, except to a repeated request."""
    if not is_needed:
        reason, at = "nobody has to accept", None
    elif was_rejected:
        reason, at = "the receiver has rejected before: a repeated request has no term", None
    else:
        reason, at = "three working days; silence is consent", acceptance_ends_ms(now_ms) // 1000
    return {"at": at, "rule": cancel_rules.ACCEPTANCE_RULE, "reason": reason}
