"""Stamping: the one path from ``pending`` to ``valid`` or ``failed``, run by requests and by the worker alike.

Whoever runs it holds the document's lease. Every PAC call happens outside any transaction, after a row says which PAC may
hear of the document (``held_by``); what the PAC answers is recorded together with its consequences. While ``held_by`` is
set no other PAC is called: an unknown outcome is cleared up with that PAC alone.
"""

import asyncio

from timbra.cfdi import cadena, timbre
from timbra.cfdi.reseal import reseal
from timbra.cfdi.timbre import Timbre, TimbreRefused, UnknownPac
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.invoices import record as outcome_record
from timbra.invoices import store, store_stamping
from timbra.invoices.model import FileKind, InvoiceRecord, Status
from timbra.invoices.parts import LEASE_MS, REBUILD_AFTER_MS, RETRY_LAST_MS, RETRY_MS, STAMP_WINDOW_MS, InvoiceParts
from timbra.invoices.rounds import Job, LeaseLost, alarm, describe, find, first_reachable, hints_of, hold, note
from timbra.pac.choose import PacSide
from timbra.pac.port import Busy, NotThere, Rejected, Stamped, StampOutcome, Unknown
from timbra.pac.talk import without_documents
from timbra.platform import faults
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

__all__ = ["Job", "LeaseLost", "describe", "hints_of", "resume", "settle"]


async def settle(parts: InvoiceParts, job: Job, budget_s: float) -> InvoiceRecord:
    """The document as it stands when it is settled or when the budget is spent; the lease is given back.

    A document still pending afterwards is tried again by the worker.
    """
    deadline = monotonic_s() + budget_s
    job.deadline_s = deadline if budget_s else None
    pauses = iter(parts.pauses_s)
    pause = 0.0
    while True:
        outcome, pac = await _once(parts, job)
        if isinstance(outcome, Stamped | Rejected):
            settled = await _record(parts, job, outcome, pac)
            if settled is not None:
                return settled
        is_hopeless = isinstance(outcome, Busy)
        pause = next(pauses, pause)
        if is_hopeless or monotonic_s() + pause >= deadline:
            return await _postpone(parts, job)
        await asyncio.sleep(pause)


async def _once(parts: InvoiceParts, job: Job) -> tuple[StampOutcome, str]:
    """One round: what the PAC that may have the document says, else what the first reachable PAC says."""
    side = await parts.side_of(job.record.scope)
    if job.record.held_by is not None and not job.is_fresh:
        found = await find(parts, side, job, job.record.held_by)
        if not isinstance(found, NotThere):
            return found, job.record.held_by
        await hold(parts, job, None)
    if parts.clock.now_ms() >= job.record.issued_ms + REBUILD_AFTER_MS and not job.is_fresh:
        await _rebuild(parts, job)
        if parts.clock.now_ms() >= job.record.stamp_before_ms:
            return Busy("these bytes are too old and could not be renewed"), ""
    return await first_reachable(parts, side, job)


async def _record(parts: InvoiceParts, job: Job, outcome: Stamped | Rejected, pac: str) -> InvoiceRecord | None:
    """Tx 2. None when the answer is not a stamp of our document: it stays pending, and somebody is told."""
    now_ms = parts.clock.now_ms()
    if isinstance(outcome, Rejected):
        refusal = outcome
        done = await parts.database.write(
            lambda tx: outcome_record.refused(tx, parts, job.record, refusal, job.actor, now_ms, job.on_settled)
        )
        faults.point("stamp.after_tx2")
        return done
    try:
        stamp = await _checked(parts, job, outcome)
    except TimbreRefused as refusal:
        await note(parts, job, pac, "stamp", Unknown(f"a stamp that is not ours: {refusal}", outcome.said))
        await alarm(parts, job, f"{pac} answered with a stamp that is not ours: {refusal}")
        return None
    faults.point("stamp.before_tx2")
    said = without_documents(outcome.said)
    done = await parts.database.write(
        lambda tx: outcome_record.stamped(
            tx, parts, job.record, outcome.xml, stamp, pac, job.actor, now_ms, job.on_settled, said
        )
    )
    faults.point("stamp.after_tx2")
    if done is None:
        await note(parts, job, pac, "stamp", Unknown(f"the UUID of another document: {stamp.uuid}", outcome.said))
        await alarm(parts, job, f"{pac} answered with the UUID of another document")
    return done


async def _checked(parts: InvoiceParts, job: Job, outcome: Stamped) -> Timbre:
    """The timbre of our document. A certificate that is not known yet is looked up once. Raises TimbreRefused."""
    side = parts.side(job.record.livemode)
    try:
        return _check(side, job, outcome)
    except UnknownPac as unknown:
        if side.learn is None or not await side.learn(unknown.number):
            raise
    return _check(side, job, outcome)


def _check(side: PacSide, job: Job, outcome: Stamped) -> Timbre:
    return timbre.check(outcome.xml, job.sealed, pac_certificates=side.certificates, used=_checked_in_tx2)


def _checked_in_tx2(_uuid: str) -> bool:
    """Whether a UUID is used already is asked where it counts: in the transaction that stores it."""
    return False


async def _postpone(parts: InvoiceParts, job: Job) -> InvoiceRecord:
    """The worker takes over at the next step of the plan."""
    now_ms = parts.clock.now_ms()
    tries = job.record.tries
    wait = RETRY_MS[tries] if tries < len(RETRY_MS) else RETRY_LAST_MS

    def unit(tx: Tx) -> InvoiceRecord | None:
        store_stamping.postpone(tx, job.record, held_by=job.record.held_by, next_try_ms=now_ms + wait)
        return store.find(tx, job.record.scope, job.record.id)

    found = await parts.database.write(unit)
    assert found is not None, "documents are never deleted"
    return found


async def _rebuild(parts: InvoiceParts, job: Job) -> None:
    """A new generation with a new date and the same folio: every PAC that was asked has denied the old one."""
    record = job.record
    signer = await parts.signers.signer_for(record.scope)
    if signer is None:
        await alarm(parts, job, "no CSD to seal the document again with")
        return
    now_ms = parts.clock.now_ms()
    place = parts.sat.catalogs.zip_info(record.issuer_zip)
    issued_at = local_time(now_ms, zone_of(place) if place else CENTRAL)
    sealed = reseal(job.sealed, issued_at, signer, signer.text, lambda root: cadena.of(root, parts.sat.stylesheets))
    renewed = await parts.database.write(
        lambda tx: store_stamping.regenerate(
            tx,
            record,
            sealed.xml,
            issued_ms=now_ms // 1000 * 1000,
            stamp_before_ms=now_ms + STAMP_WINDOW_MS,
            sello=sealed.sello[-8:],
            certificate_number=signer.text.number,
            at_ms=now_ms,
        )
    )
    if renewed is None:
        raise LeaseLost(record.id)
    job.record, job.sealed = renewed, sealed.xml


async def resume(
    parts: InvoiceParts,
    scope: TeamScope,
    invoice_id: str,
    *,
    budget_s: float = 0.0,
    on_settled: outcome_record.OnSettled | None = None,
) -> InvoiceRecord | None:
    """The document after one more try, or as it is when somebody else holds it; None when there is none."""
    now_ms = parts.clock.now_ms()

    def unit(tx: Tx) -> tuple[InvoiceRecord | None, bytes | None]:
        leased = store_stamping.take_lease(tx, scope, invoice_id, parts.process, now_ms, now_ms + LEASE_MS)
        if leased is None:
            return store.find(tx, scope, invoice_id), None
        return leased, store.file(tx, leased, FileKind.SEALED)

    record, sealed = await parts.database.write(unit)
    if record is None or sealed is None:
        return record
    assert record.status == Status.PENDING
    job = Job(record, sealed, hints_of(record), on_settled=on_settled)
    try:
        return await settle(parts, job, budget_s)
    except LeaseLost:
        return await parts.database.read(lambda tx: store.find(tx, scope, invoice_id))
