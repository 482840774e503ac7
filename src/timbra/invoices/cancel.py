"""``DELETE /invoices/{id}``: asks SAT to cancel a document (contract invoices.md section 10).

Checked first, then stored as ``requested``, then sent; what SAT makes of it is followed by ``cancel_follow``.
"""

from dataclasses import dataclass

from timbra.cfdi.sat_status import Unanswered
from timbra.cfdi.workdays import acceptance_ends_ms
from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import BusinessRule, Conflict, FieldError, Invalid, NotFound
from timbra.invoices import cancel_blockers, cancel_follow, store, store_cancel, store_credits
from timbra.invoices.cancel_blockers import SUBSTITUTION, Blocker
from timbra.invoices.cancel_state import OPEN, CancelStatus, block, read
from timbra.invoices.model import Cancellation, InvoiceRecord, Status
from timbra.invoices.parts import MINUTE_MS, InvoiceParts
from timbra.invoices.record import refusal_error
from timbra.invoices.schemas import CancelBody
from timbra.platform import audit, faults
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

CANCELED_TEXT = "Invoice canceled successfully"
REQUESTED_TEXT = "Invoice cancellation requested"
REPLACED, OF_GLOBAL = "01", "04"  # motives


@dataclass(frozen=True, slots=True)
class _Known:
    record: InvoiceRecord
    current: Cancellation | None
    was_rejected: bool  # by the receiver, some time before
    blockers: list[Blocker]
    replacement: InvoiceRecord | None
    replaces: bool  # the replacement relates to this document by 04


async def cancel(parts: InvoiceParts, caller: Caller, any_id: str, body: CancelBody) -> Answer:
    """The invoice after SAT was asked: 200, or 202 while the request could not be handed over.

    Raises NotFound, Invalid, BusinessRule, Conflict, CfdiRefused (SAT refused the request).
    """
    known = await parts.database.read(lambda tx: _look(tx, caller.scope, any_id, body))
    if known is None:
        raise NotFound.at("id")
    if _is_same(known, body):
        return await answer(parts, known.record)
    _check(known, body)
    if await parts.signers.signer_for(known.record.scope) is None:
        raise BusinessRule("The team has no certificate (CSD) to sign the request with")
    expires_ms = await _check_with_sat(parts, known)
    faults.point("cancel.before_tx1")
    try:
        record, request = await parts.database.write(lambda tx: _first(tx, parts, caller, known, body, expires_ms))
    except Conflict:
        return await _same_again(parts, caller, any_id, body)
    faults.point("cancel.after_tx1")
    record = await cancel_follow.hand_over(parts, record, request)
    record = await cancel_follow.watch(parts, record)
    if record.cancellation_status == CancelStatus.FAILED:
        refused = await parts.database.read(lambda tx: store_cancel.current(tx, record))
        assert refused is not None
        raise refusal_error(refused.code or "", refused.message or "", record.public_id, record.status)
    return await answer(parts, record)


async def _same_again(parts: InvoiceParts, caller: Caller, any_id: str, body: CancelBody) -> Answer:
    """The answer when a parallel request was faster: its outcome if it asked for the same. Raises Conflict otherwise."""
    known = await parts.database.read(lambda tx: _look(tx, caller.scope, any_id, body))
    assert known is not None, "documents are never deleted"
    if _is_same(known, body):
        return await answer(parts, known.record)
    _check(known, body)
    raise Conflict("A cancellation of this invoice is in progress")


async def answer(parts: InvoiceParts, record: InvoiceRecord) -> Answer:
    """The reply that shows the document's cancellation."""
    related = await parts.database.read(lambda tx: store.related_ids(tx, [record])[record.id])
    shown = parts.printer.show(record, related)
    if record.status == Status.CANCELED:
        return Answer(shown, CANCELED_TEXT, 200)
    is_waiting = record.cancellation_status == CancelStatus.REQUESTED
    return Answer(shown, REQUESTED_TEXT, 202 if is_waiting else 200)


def _look(tx: Tx, scope: TeamScope, any_id: str, body: CancelBody) -> _Known | None:
    record = store.find(tx, scope, any_id)
    if record is None:
        return None
    uuid = record.uuid or ""
    replacement = store.find(tx, scope, body.substitution_uuid) if body.substitution_uuid else None
    relations = store.relations_of(tx, replacement) if replacement else []
    replaces = any(one.relationship == SUBSTITUTION and one.uuid == uuid for one in relations)
    return _Known(
        record,
        store_cancel.current(tx, record),
        store_cancel.was_rejected(tx, record),
        cancel_blockers.find(tx, scope, record, is_replaced=body.motive == REPLACED),
        replacement,
        replaces,
    )


def _substitution(body: CancelBody) -> str | None:
    """Ignored with motives 02 to 04."""
    return body.substitution_uuid.lower() if body.motive == REPLACED and body.substitution_uuid else None


def _is_same(known: _Known, body: CancelBody) -> bool:
    current = known.current
    if current is None or (current.status not in OPEN and known.record.status != Status.CANCELED):
        return False
    return (current.motive, current.substitution_uuid) == (body.motive, _substitution(body))


def _check(known: _Known, body: CancelBody) -> None:
    record = known.record
    if record.status == Status.FAILED:
        raise BusinessRule("The invoice was never stamped: there is nothing to cancel")
    if record.status == Status.PENDING:
        raise Conflict("The invoice is still being stamped")
    if record.status == Status.CANCELED:
        raise Conflict("The invoice is already canceled")
    if known.current is not None and known.current.status in OPEN:
        raise Conflict("A cancellation with another motive or replacement is in progress")
    if record.kind == "P" and body.motive == OF_GLOBAL:
        raise BusinessRule("motive: 04 is for operations of a global invoice, not for a payment complement")
    cancel_blockers.refuse(known.blockers)
    _check_replacement(known, body)


def _check_replacement(known: _Known, body: CancelBody) -> None:
    uuid = _substitution(body)
    if uuid is None:
        return
    if uuid == known.record.uuid:
        raise Invalid([FieldError("substitution_uuid", "conflict", "must not be the invoice's own uuid")])
    if known.replacement is None:
        return
    if known.replacement.status != Status.VALID or not known.replaces:
        reason = "must be a valid invoice that relates to this one by 04"
        raise BusinessRule(f"substitution_uuid: {reason}", fields=[FieldError("substitution_uuid", "conflict", reason)])


async def _check_with_sat(parts: InvoiceParts, known: _Known) -> int | None:
    """End of the receiver's time when its acceptance is needed. Raises BusinessRule when SAT says "No cancelable"."""
    sat = await cancel_follow.ask_sat(parts, known.record)
    if isinstance(sat, Unanswered):
        return None
    reading = read(sat)
    if not reading.is_cancelable:
        raise BusinessRule("SAT says that this document cannot be canceled (No cancelable)")
    has_deadline = reading.needs_acceptance and not known.was_rejected
    return acceptance_ends_ms(parts.clock.now_ms()) if has_deadline else None


def _first(
    tx: Tx, parts: InvoiceParts, caller: Caller, known: _Known, body: CancelBody, expires_ms: int | None
) -> tuple[InvoiceRecord, Cancellation]:
    """Tx 1: the intent is stored, with the document locked against a parallel request."""
    now_ms = parts.clock.now_ms()
    record = store_credits.lock(tx, caller.scope, [known.record.id])[0]
    if record.status != Status.VALID or record.cancellation_status in OPEN:
        raise Conflict("A cancellation of this invoice is in progress")
    is_replaced = body.motive == REPLACED
    cancel_blockers.refuse(cancel_blockers.find(tx, caller.scope, record, is_replaced=is_replaced))
    request = Cancellation(
        team_id=record.team_id,
        invoice_id=record.id,
        number=store_cancel.next_number(tx, record),
        status=CancelStatus.REQUESTED.value,
        motive=body.motive,
        substitution_uuid=_substitution(body),
        pac=None,
        code=None,
        message=None,
        requested_by=caller.user_id,
        requested_ms=now_ms,
        checked_ms=None,
        canceled_ms=None,
        expires_ms=expires_ms,
        tries=0,
    )
    store_cancel.add(tx, request)
    changes = {"motive": body.motive, "substitution_uuid": request.substitution_uuid}
    audit.append(tx, caller.scope, Action.INVOICE_CANCEL, record.id, caller.actor, now_ms, changes=changes)
    # The worker looks after it should this process die before SAT has heard of the request.
    mirrored = store_cancel.mirror(
        tx, record, status=request.status, block=block(request), check_ms=now_ms + MINUTE_MS, at_ms=now_ms
    )
    cancel_follow.tell(tx, parts, mirrored, now_ms)
    return mirrored, request
