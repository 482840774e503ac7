"""Following a cancellation to its end: handed to the PAC, then read from SAT's status, by requests and worker alike."""

import asyncio
from dataclasses import replace
from functools import partial

from timbra.cfdi import cancellation as xml_request
from timbra.cfdi.model import Micro
from timbra.cfdi.money import text
from timbra.cfdi.sat_status import SatStatus, Unanswered
from timbra.cfdi.workdays import acceptance_ends_ms
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.invoices import store, store_cancel, store_credits, store_stamping
from timbra.invoices.cancel_state import (
    CANCELED,
    OPEN,
    RECEIVED,
    UNKNOWN_TO_SAT,
    CancelStatus,
    block,
    next_look_ms,
    read,
)
from timbra.invoices.complements import store as store_payments
from timbra.invoices.model import Cancellation, FileKind, InvoiceRecord, Status
from timbra.invoices.parts import MINUTE_MS, STAMP_WINDOW_MS, InvoiceParts
from timbra.invoices.stamp import describe, hints_of
from timbra.pac.port import Busy, CancelAccepted, CancelOutcome, CancelRequest, PacPort, Rejected, Unknown
from timbra.platform import events, faults, json
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

FRESH_MS = MINUTE_MS  # an answer of SAT this young is shown again


async def ask_sat(parts: InvoiceParts, record: InvoiceRecord) -> SatStatus | Unanswered:
    """What SAT's status service says of a stamped document."""
    service = (await parts.side_of(record.scope)).status
    if service is None or record.uuid is None:
        return Unanswered("no status service is configured")
    return await service.status(
        uuid=record.uuid,
        issuer_rfc=record.issuer_rfc,
        receiver_rfc=record.receiver_rfc,
        total=text(Micro(record.printed_total)),
        sello=record.sello or "",
    )


async def hand_over(parts: InvoiceParts, record: InvoiceRecord, request: Cancellation) -> InvoiceRecord:
    """The request as far as the PAC and SAT let it come now; what is left over is the worker's."""
    outcome, pac = await _send(parts, record, request)
    faults.point("cancel.after_pac")
    now_ms = parts.clock.now_ms()
    sent = _after(record, replace(request, pac=pac), outcome, now_ms)
    if sent.status == CancelStatus.FAILED and request.tries and await _is_known(parts, record):
        sent = replace(sent, status=CancelStatus.REQUESTED.value)  # an earlier try arrived: the refusal means nothing
    acuse = outcome.acuse if isinstance(outcome, CancelAccepted) else None

    def unit(tx: Tx) -> InvoiceRecord | None:
        saved = _save(tx, parts, record, request, sent, acuse, now_ms)
        _note_call(tx, record, pac, outcome, now_ms)
        return saved

    saved = await parts.database.write(unit)
    faults.point("cancel.after_tx2")
    if saved is None:
        return await _reload(parts, record)
    return await refresh(parts, saved, sent) if sent.status == CancelStatus.REQUESTED and sent.code else saved


async def _is_known(parts: InvoiceParts, record: InvoiceRecord) -> bool:
    """Whether SAT shows a request for the document that is not refused."""
    sat = await ask_sat(parts, record)
    return isinstance(sat, SatStatus) and read(sat).status in CANCELED | {CancelStatus.PENDING}


def _note_call(tx: Tx, record: InvoiceRecord, pac: str | None, outcome: CancelOutcome, at_ms: int) -> None:
    """A line in the document's ledger."""
    word, detail = ("taken", outcome.code) if isinstance(outcome, CancelAccepted) else describe(outcome)
    store_stamping.add_attempt(
        tx, record, pac=pac or "none", call="cancel", outcome=word, detail=detail, at_ms=at_ms, said=outcome.said
    )


async def _send(parts: InvoiceParts, record: InvoiceRecord, request: Cancellation) -> tuple[CancelOutcome, str | None]:
    """What the first PAC that could be reached said, and its name."""
    signer = await parts.signers.signer_for(record.scope)
    pacs = await _pacs(parts, record)
    if signer is None or not pacs:
        return Busy("no CSD or no PAC in this mode"), None
    place = parts.sat.catalogs.zip_info(record.issuer_zip)
    asked = xml_request.Cancellation(
        rfc=record.issuer_rfc,
        requested_at=local_time(parts.clock.now_ms(), zone_of(place) if place else CENTRAL),
        uuid=(record.uuid or "").upper(),
        motive=request.motive or "",
        substitution_uuid=request.substitution_uuid.upper() if request.substitution_uuid else None,
    )
    signed = CancelRequest(
        uuid=record.uuid or "",
        issuer_rfc=record.issuer_rfc,
        receiver_rfc=record.receiver_rfc,
        total=text(Micro(record.printed_total)),
        motive=request.motive or "",
        substitution_uuid=request.substitution_uuid,
        signed_xml=xml_request.request(asked, certificate=signer.certificate, signer=signer),
    )
    outcome: CancelOutcome = Unknown("not sent")
    for pac in pacs:
        faults.point("cancel.before_pac")
        outcome = await pac.cancel(signed, hints=hints_of(record))
        if not isinstance(outcome, Busy):
            return outcome, pac.name
    return outcome, pacs[-1].name


async def _pacs(parts: InvoiceParts, record: InvoiceRecord) -> list[PacPort]:
    """The PAC that stamped the document, then the others: SAT takes a cancellation from any."""
    side = await parts.side_of(record.scope)
    provider = json.loads((record.stamp or "{}").encode()).get("provider", "")
    return sorted(side.pacs, key=lambda pac: pac.name != provider)


def _after(record: InvoiceRecord, request: Cancellation, outcome: CancelOutcome, now_ms: int) -> Cancellation:
    """The request after the PAC's answer. 201 and 202 mean received, not canceled."""
    tried = replace(request, tries=request.tries + 1)
    if isinstance(outcome, CancelAccepted):
        return replace(tried, code=outcome.code, message=RECEIVED.get(outcome.code))
    if isinstance(outcome, Rejected):
        is_young = now_ms < record.issued_ms + STAMP_WINDOW_MS
        status = CancelStatus.REQUESTED if outcome.code == UNKNOWN_TO_SAT and is_young else CancelStatus.FAILED
        return replace(tried, status=status.value, code=outcome.code, message=outcome.text)
    return tried


async def refresh(parts: InvoiceParts, record: InvoiceRecord, request: Cancellation) -> InvoiceRecord:
    """The document after SAT was asked for its state; a silent SAT changes nothing but the next look."""
    sat = await ask_sat(parts, record)
    now_ms = parts.clock.now_ms()
    seen = replace(request, checked_ms=now_ms)
    if isinstance(sat, SatStatus):
        seen = _seen(seen, read(sat).status, now_ms)

    def unit(tx: Tx) -> InvoiceRecord | None:
        if isinstance(sat, SatStatus):
            store_cancel.set_sat_status(tx, record, sat_block(sat), now_ms)
        return _save(tx, parts, record, request, _with_term(tx, record, seen), None, now_ms)

    saved = await parts.database.write(unit)
    return saved if saved is not None else await _reload(parts, record)


def _seen(request: Cancellation, status: CancelStatus | None, now_ms: int) -> Cancellation:
    """The request as SAT shows it."""
    if status is None or request.status not in OPEN:
        return request
    return replace(request, status=status.value, canceled_ms=now_ms if status in CANCELED else None)


def _with_term(tx: Tx, record: InvoiceRecord, request: Cancellation) -> Cancellation:
    """SAT may have been silent when the request was made: only now it is known that the receiver has to answer."""
    is_news = request.status == CancelStatus.PENDING and request.expires_ms is None
    if not is_news or store_cancel.was_rejected(tx, record):
        return request
    return replace(request, expires_ms=acceptance_ends_ms(request.requested_ms))


async def watch(parts: InvoiceParts, record: InvoiceRecord) -> InvoiceRecord:
    """The document when SAT shows the request that it has received, or when the time of a request is spent."""
    deadline = monotonic_s() + parts.stamp_budget_s
    for pause in parts.watch_pauses_s:
        if record.cancellation_status != CancelStatus.REQUESTED or monotonic_s() + pause >= deadline:
            return record
        _, request = await parts.database.read(partial(_open, scope=record.scope, invoice_id=record.id))
        if request is None or request.code not in RECEIVED:
            return record
        await asyncio.sleep(pause)
        record = await refresh(parts, record, request)
    return record


def sat_block(sat: SatStatus) -> bytes:
    """The ``sat`` member of the cancellation reply."""
    return json.dumps({"status": sat.state, "cancelable": sat.cancelable, "cancellation_status": sat.cancellation})


def _save(
    tx: Tx,
    parts: InvoiceParts,
    record: InvoiceRecord,
    before: Cancellation,
    after: Cancellation,
    acuse: bytes | None,
    at_ms: int,
) -> InvoiceRecord | None:
    """Request, mirror, consequences and event together. None when another run was faster."""
    if not store_cancel.save(tx, after, before.status):
        return None
    if acuse is not None and not store.has_file(tx, record, FileKind.ACUSE, after.number):
        store.add_file(tx, record, FileKind.ACUSE, acuse, generation=after.number)
    is_open = after.status in OPEN
    look_ms = next_look_ms(after, at_ms) if is_open else None
    mirrored = store_cancel.mirror(tx, record, status=after.status, block=block(after), check_ms=look_ms, at_ms=at_ms)
    if after.status in CANCELED and mirrored.status == Status.VALID:
        mirrored = _canceled(tx, mirrored, at_ms)
    if after.status != before.status or after.code != before.code:
        tell(tx, parts, mirrored, at_ms)
    return mirrored


def tell(tx: Tx, parts: InvoiceParts, record: InvoiceRecord, at_ms: int) -> None:
    """The event of a step: ``invoice.canceled`` for the last one, ``invoice.cancellation_updated`` for any other."""
    event = "invoice.canceled" if record.status == Status.CANCELED else "invoice.cancellation_updated"
    body = parts.printer.show(record, store.related_ids(tx, [record])[record.id]).text
    events.append(tx, record.scope, event, record.public_id, body, at_ms)


def _canceled(tx: Tx, record: InvoiceRecord, at_ms: int) -> InvoiceRecord:
    has_acuse = store.file(tx, record, FileKind.ACUSE) is not None
    moved = store_cancel.mark_canceled(tx, record, has_acuse=has_acuse, at_ms=at_ms)
    assert moved, "the row was locked while it was valid"
    if record.kind == "E":
        store_credits.undo(tx, record, at_ms)
    elif record.kind == "P":
        store_payments.undo(tx, record, at_ms)
    store.recount(tx, record, Status.VALID, Status.CANCELED)
    return replace(record, status=Status.CANCELED.value, last_balance=0, has_acuse=has_acuse, updated_ms=at_ms)


async def follow(parts: InvoiceParts, scope: TeamScope, invoice_id: str) -> None:
    """One look of the worker at an open cancellation: handed over when SAT has not heard of it, else read again."""
    record, request = await parts.database.read(lambda tx: _open(tx, scope, invoice_id))
    if record is None or request is None:
        return
    if request.status == CancelStatus.REQUESTED and request.code not in RECEIVED:
        await hand_over(parts, record, request)
    else:
        await refresh(parts, record, request)


def _open(tx: Tx, scope: TeamScope, invoice_id: str) -> tuple[InvoiceRecord | None, Cancellation | None]:
    record = store.find(tx, scope, invoice_id)
    request = store_cancel.current(tx, record) if record else None
    return record, request if request is not None and request.status in OPEN else None


async def current_state(parts: InvoiceParts, record: InvoiceRecord) -> InvoiceRecord:
    """The document with an answer of SAT that is at most a minute old, as far as SAT answers."""
    now_ms = parts.clock.now_ms()
    if record.sat_checked_ms is not None and now_ms - record.sat_checked_ms < FRESH_MS:
        return record
    request = await parts.database.read(lambda tx: store_cancel.current(tx, record))
    if request is not None and request.status in OPEN and request.code in RECEIVED:
        await refresh(parts, record, request)
        return await _reload(parts, record)
    sat = await ask_sat(parts, record)
    if isinstance(sat, SatStatus):
        await parts.database.write(lambda tx: _note(tx, parts, record, sat, now_ms))
    return await _reload(parts, record)


def _note(tx: Tx, parts: InvoiceParts, record: InvoiceRecord, sat: SatStatus, at_ms: int) -> None:
    store_cancel.set_sat_status(tx, record, sat_block(sat), at_ms)
    status = read(sat).status
    if record.status != Status.VALID or record.cancellation_status in OPEN or status not in CANCELED:
        return
    # SAT reports a cancellation that nobody asked for here.
    found = Cancellation(
        team_id=record.team_id,
        invoice_id=record.id,
        number=store_cancel.next_number(tx, record),
        status=CancelStatus.REQUESTED.value,
        motive=None,
        substitution_uuid=None,
        pac=None,
        code=None,
        message=None,
        requested_by="sat",
        requested_ms=at_ms,
        checked_ms=at_ms,
        canceled_ms=None,
        expires_ms=None,
        tries=0,
    )
    store_cancel.add(tx, found)
    _save(tx, parts, record, found, replace(found, status=status.value, canceled_ms=at_ms), None, at_ms)


async def _reload(parts: InvoiceParts, record: InvoiceRecord) -> InvoiceRecord:
    found = await parts.database.read(lambda tx: store.find(tx, record.scope, record.id))
    assert found is not None, "documents are never deleted"
    return found
