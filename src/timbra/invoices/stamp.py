"""Stamping: the one path from ``pending`` to ``valid`` or ``failed``, run by requests and by the worker alike.

Whoever runs it holds the document's lease. Every PAC call happens outside any transaction, after a row says which PAC may
hear of the document (``held_by``); what the PAC answers is recorded together with its consequences. While ``held_by`` is
set no other PAC is called: an unknown outcome is cleared up with that PAC alone.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import structlog

from timbra.cfdi import cadena, timbre
from timbra.cfdi.reseal import reseal
from timbra.cfdi.timbre import Timbre, TimbreRefused
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.invoices import record as outcome_record
from timbra.invoices import store, store_stamping
from timbra.invoices.model import FileKind, InvoiceRecord, Status
from timbra.invoices.parts import (
    LEASE_MS,
    REBUILD_AFTER_MS,
    RETRY_LAST_MS,
    RETRY_MS,
    STAMP_WINDOW_MS,
    InvoiceParts,
    PacSide,
)
from timbra.pac.port import Busy, Hints, NotThere, PacPort, Rejected, Stamped, StampOutcome, Unknown
from timbra.platform import faults, json
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.platform.scope import SERVER, Actor, TeamScope

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Job:
    """One leased document on its way through this path."""

    record: InvoiceRecord
    sealed: bytes
    hints: Hints
    actor: Actor = SERVER
    is_fresh: bool = False  # Tx 1 of this very run named the PAC: it has not heard of the document yet
    on_settled: outcome_record.OnSettled | None = None


def hints_of(record: InvoiceRecord) -> Hints:
    """The test-mode wishes of a document; a live one has none."""
    if record.livemode or record.metadata == "{}":
        return Hints()
    wishes = json.loads(record.metadata.encode())
    stamp, cancel = wishes.get("sandbox"), wishes.get("sandbox_cancel")
    return Hints(stamp=stamp if isinstance(stamp, str) else None, cancel=cancel if isinstance(cancel, str) else None)


async def settle(parts: InvoiceParts, job: Job, budget_s: float) -> InvoiceRecord:
    """The document as it stands when it is settled or when the budget is spent; the lease is given back.

    A document still pending afterwards is tried again by the worker.
    """
    deadline = monotonic_s() + budget_s
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
    side = parts.side(job.record.livemode)
    if job.record.held_by is not None and not job.is_fresh:
        found = await _find(parts, side, job, job.record.held_by)
        if not isinstance(found, NotThere):
            return found, job.record.held_by
        await _hold(parts, job, None)
    if parts.clock.now_ms() >= job.record.issued_ms + REBUILD_AFTER_MS and not job.is_fresh:
        await _rebuild(parts, job)
        if parts.clock.now_ms() >= job.record.stamp_before_ms:
            return Busy("these bytes are too old and could not be renewed"), ""
    return await _first_reachable(parts, side, job)


async def _find(parts: InvoiceParts, side: PacSide, job: Job, name: str) -> Stamped | NotThere | Unknown:
    pac = side.named(name)
    if pac is None:
        return Unknown(f"{name} is not configured any more")
    found = await pac.find(job.sealed, job.record.id, hints=job.hints)
    await _note(parts, job, pac, "find", found)
    return found


async def _first_reachable(parts: InvoiceParts, side: PacSide, job: Job) -> tuple[StampOutcome, str]:
    outcome: StampOutcome = Busy("no PAC is configured")
    name = ""
    for pac in side.pacs:
        name = pac.name
        if job.record.held_by != name:
            await _hold(parts, job, name)
        job.is_fresh = False
        faults.point("stamp.before_pac")
        outcome = await pac.stamp(job.sealed, job.record.id, hints=job.hints)
        faults.point("stamp.after_pac")
        if not isinstance(outcome, Stamped):
            await _note(parts, job, pac, "stamp", outcome)
        if not isinstance(outcome, Busy):
            return outcome, name
    await _hold(parts, job, None)
    return outcome, name


async def _hold(parts: InvoiceParts, job: Job, pac: str | None) -> None:
    """Before ``pac`` hears of the document the database says so."""
    if job.record.held_by == pac:
        return
    until = parts.clock.now_ms() + LEASE_MS

    def unit(tx: Tx) -> bool:
        return store_stamping.hold(tx, job.record, pac) and store_stamping.extend_lease(tx, job.record, until)

    if not await parts.database.write(unit):
        raise LeaseLost(job.record.id)
    job.record = replace(job.record, held_by=pac, lease_until_ms=until)


class LeaseLost(Exception):
    """Somebody else works on the document: this run stops without a further call."""


async def _note(parts: InvoiceParts, job: Job, pac: PacPort, call: str, outcome: Any) -> None:
    """A line in the document's ledger."""
    name, detail = describe(outcome)
    now_ms = parts.clock.now_ms()
    await parts.database.write(
        lambda tx: store_stamping.add_attempt(
            tx, job.record, pac=pac.name, call=call, outcome=name, detail=detail, at_ms=now_ms
        )
    )


def describe(outcome: Any) -> tuple[str, str | None]:
    """(word, detail) of an outcome for the ledger."""
    if isinstance(outcome, Rejected):
        return "rejected", f"{outcome.code} {outcome.text}"
    if isinstance(outcome, Busy | Unknown):
        return type(outcome).__name__.lower(), outcome.reason
    return "not_there" if isinstance(outcome, NotThere) else "stamped", None


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
        stamp = _checked(parts, job, outcome)
    except TimbreRefused as refusal:
        await alarm(parts, job, f"{pac} answered with a stamp that is not ours: {refusal}")
        return None
    faults.point("stamp.before_tx2")
    done = await parts.database.write(
        lambda tx: outcome_record.stamped(
            tx, parts, job.record, outcome.xml, stamp, pac, job.actor, now_ms, job.on_settled
        )
    )
    faults.point("stamp.after_tx2")
    if done is None:
        await alarm(parts, job, f"{pac} answered with the UUID of another document")
    return done


def _checked(parts: InvoiceParts, job: Job, outcome: Stamped) -> Timbre:
    certificates = parts.side(job.record.livemode).certificates
    return timbre.check(outcome.xml, job.sealed, pac_certificates=certificates, used=_checked_in_tx2)


def _checked_in_tx2(_uuid: str) -> bool:
    """Whether a UUID is used already is asked where it counts: in the transaction that stores it."""
    return False


async def alarm(parts: InvoiceParts, job: Job, text: str) -> None:
    """A person must look: the log and the audit row say why, once. Nothing else changes."""
    now_ms = parts.clock.now_ms()
    if await parts.database.write(lambda tx: outcome_record.alarmed(tx, job.record, text, now_ms)):
        log.error("invoice_alarm", invoice=job.record.id, team=job.record.team_id, reason=text)


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
