"""Following a cancellation to its end: handed to the PAC, then read from SAT's status, by requests and worker alike."""

from dataclasses import replace

from timbra.cfdi import cancellation as xml_request
from timbra.cfdi.model import Micro
from timbra.cfdi.money import text
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.invoices import store, store_cancel, store_credits
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
from timbra.invoices.model import Cancellation, FileKind, InvoiceRecord, Status
from timbra.invoices.parts import MINUTE_MS, STAMP_WINDOW_MS, InvoiceParts
from timbra.invoices.stamp import hints_of
from timbra.pac.port import CancelAccepted, CancelOutcome, CancelRequest, PacPort, Rejected, SatStatus, Unknown
from timbra.platform import events, faults, json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

FRESH_MS = MINUTE_MS  # an answer of SAT this young is shown again


async def ask_sat(parts: InvoiceParts, record: InvoiceRecord) -> SatStatus | Unknown:
    """What SAT's status service says of a stamped document."""
    service = parts.side(record.livemode).status
    if service is None or record.uuid is None:
        return Unknown("no status service is configured")
    return await service.status(
        uuid=record.uuid,
        issuer_rfc=record.issuer_rfc,
        receiver_rfc=record.receiver_rfc,
        total=text(Micro(record.total)),
        sello=record.sello or "",
    )


async def hand_over(parts: InvoiceParts, record: InvoiceRecord, request: Cancellation) -> InvoiceRecord:
    """The request as far as the PAC and SAT let it come now; what is left over is the worker's."""
    outcome = await _send(parts, record, request)
    faults.point("cancel.after_pac")
    now_ms = parts.clock.now_ms()
    sent = _after(record, request, outcome, now_ms)
    acuse = outcome.acuse if isinstance(outcome, CancelAccepted) else None

    def unit(tx: Tx) -> InvoiceRecord | None:
        return _save(tx, parts, record, request, sent, acuse, now_ms)

    saved = await parts.database.write(unit)
    faults.point("cancel.after_tx2")
    if saved is None:
        return await _reload(parts, record)
    return await refresh(parts, saved, sent) if isinstance(outcome, CancelAccepted) else saved


async def _send(parts: InvoiceParts, record: InvoiceRecord, request: Cancellation) -> CancelOutcome:
    signer = await parts.signers.signer_for(record.scope)
    pac = _pac(parts, record)
    if signer is None or pac is None:
        return Unknown("no CSD or no PAC in this mode")
    place = parts.sat.catalogs.zip_info(record.issuer_zip)
    asked = xml_request.Cancellation(
        rfc=record.issuer_rfc,
        requested_at=local_time(parts.clock.now_ms(), zone_of(place) if place else CENTRAL),
        uuid=(record.uuid or "").upper(),
        motive=request.motive or "",
        substitution_uuid=request.substitution_uuid.upper() if request.substitution_uuid else None,
    )
    signed = xml_request.request(asked, certificate=signer.certificate, signer=signer)
    faults.point("cancel.before_pac")
    return await pac.cancel(
        CancelRequest(
            uuid=record.uuid or "",
            issuer_rfc=record.issuer_rfc,
            receiver_rfc=record.receiver_rfc,
            total=text(Micro(record.total)),
            motive=request.motive or "",
            substitution_uuid=request.substitution_uuid,
            signed_xml=signed,
        ),
        hints=hints_of(record),
    )


def _pac(parts: InvoiceParts, record: InvoiceRecord) -> PacPort | None:
    """The PAC that stamped the document, else the first one: SAT takes a cancellation from any."""
    side = parts.side(record.livemode)
    provider = json.loads((record.stamp or "{}").encode()).get("provider", "")
    return side.named(provider) or next(iter(side.pacs), None)


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
        status = read(sat).status
        if status is not None and request.status in OPEN:
            seen = replace(seen, status=status.value, canceled_ms=now_ms if status in CANCELED else None)

    def unit(tx: Tx) -> InvoiceRecord | None:
        if isinstance(sat, SatStatus):
            store_cancel.set_sat_status(tx, record, sat_block(sat), now_ms)
        return _save(tx, parts, record, request, seen, None, now_ms)

    saved = await parts.database.write(unit)
    return saved if saved is not None else await _reload(parts, record)


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
    look_ms = next_look_ms(after.requested_ms, at_ms) if is_open else None
    mirrored = store_cancel.mirror(tx, record, status=after.status, block=block(after), check_ms=look_ms, at_ms=at_ms)
    if after.status in CANCELED and mirrored.status == Status.VALID:
        mirrored = _canceled(tx, mirrored, at_ms)
    if after.status != before.status or after.code != before.code:
        is_canceled = mirrored.status == Status.CANCELED
        event = "invoice.canceled" if is_canceled else "invoice.cancellation_updated"
        related = store.related_ids(tx, [mirrored])[mirrored.id]
        body = parts.printer.show(mirrored, related).text
        events.append(tx, mirrored.scope, event, mirrored.public_id, body, at_ms)
    return mirrored


def _canceled(tx: Tx, record: InvoiceRecord, at_ms: int) -> InvoiceRecord:
    has_acuse = store.file(tx, record, FileKind.ACUSE) is not None
    moved = store_cancel.mark_canceled(tx, record, has_acuse=has_acuse, at_ms=at_ms)
    assert moved, "the row was locked while it was valid"
    if record.kind == "E":
        store_credits.undo(tx, record, at_ms)
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
