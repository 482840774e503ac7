"""Issuing: one verb for every document, of type I, E and P, whoever asks for it.

Prepared without a trace, then Tx 1 (folio, seal, frozen bytes, key), then ``stamp.settle``. See
docs/decisions/0001-frozen-bytes.md.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from timbra.cfdi.seal import Sealed, seal
from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import AlreadyExists, Unavailable
from timbra.http.idempotency import Claim, in_progress, other_request
from timbra.invoices import sale, stamp, store
from timbra.invoices.complements import work as complement
from timbra.invoices.model import InvoiceRecord, Status
from timbra.invoices.parts import LEASE_MS, STAMP_WINDOW_MS, InvoiceParts
from timbra.invoices.prepare import EGRESS, INCOME
from timbra.invoices.record import refusal_error
from timbra.invoices.schemas import DocumentBody
from timbra.invoices.work import Ready, Work
from timbra.platform import audit, faults, json
from timbra.platform.audit import Action
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx, UniqueViolation
from timbra.platform.folding import fold
from timbra.platform.ids import new_id
from timbra.platform.json import Raw
from timbra.teams import store as teams
from timbra.teams import store_series
from timbra.teams.store import Team

CREATED = "Invoice created successfully"
ACCEPTED = "Invoice accepted for stamping"
COLLECTIONS = {"I": "income", "E": "egress", "P": "payment", "T": "transfer"}
PAYMENT = "P"
Prepare = Callable[[InvoiceParts, Caller, str, DocumentBody, Team, Mapping[str, InvoiceRecord]], Awaitable[Work]]
WORKS: Mapping[str, Prepare] = {INCOME: sale.work, EGRESS: sale.work, PAYMENT: complement.work}
RETRY_AFTER_S = 60
LEAST_S = 0.5  # for the first call, however long the request waited for its turn
NAME_SORT_MAX = 60


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be issued, by whom, and under which key."""

    kind: str
    body: DocumentBody
    caller: Caller
    claim: Claim
    origin: str = "api"
    prefers_async: bool = False
    fingerprint: str = ""
    begun: Callable[[Tx, InvoiceRecord], None] = lambda _tx, _record: None  # in Tx 1; may raise: nothing is kept then
    shape: Callable[[Answer], Answer] = lambda answer: answer  # what the caller gets instead of an invoice's own answer
    began_s: float = field(default_factory=monotonic_s)  # the caller waits since then

    def left_s(self, parts: InvoiceParts) -> float:
        """What is left of the caller's patience for calls to PACs."""
        return max(parts.stamp_budget_s - (monotonic_s() - self.began_s), LEAST_S)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database already knows when a request arrives."""

    team: Team
    same_key: InvoiceRecord | None
    twin: InvoiceRecord | None
    own: dict[str, InvoiceRecord]


async def issue(parts: InvoiceParts, command: Command) -> Answer:
    """The answer of a stamping call: 201 valid, 202 pending, or the earlier document of the same request.

    Raises the refusals of contract invoices.md section 4.5; a refused document is kept as ``failed``.
    """
    if command.claim.resource_id is not None:
        return await _resumed(parts, command, command.claim.resource_id)
    known = await parts.database.look(lambda tx: _look(tx, command))
    if known.same_key is not None:
        return await _same_key(parts, command, known.same_key)
    if known.twin is not None:
        return await _shown(parts, command, known.twin)
    work = await WORKS[command.kind](parts, command.caller, command.kind, command.body, known.team, known.own)
    faults.point("issue.before_tx1")
    try:
        record, sealed = await parts.database.write(lambda tx: _first(tx, parts, command, work))
    except UniqueViolation as error:
        raise in_progress() from error  # a parallel request took the same key or folio between look and Tx 1
    faults.point("issue.after_tx1")
    if _is_async(command):
        return await _shown(parts, command, record)
    return await _settled(parts, command, record, sealed.xml)


def _is_async(command: Command) -> bool:
    return command.body.is_async or command.prefers_async


def _look(tx: Tx, command: Command) -> _Known:
    scope, body, claim = command.caller.scope, command.body, command.claim
    team = teams.team(tx, scope.team_id)
    assert team is not None, "the caller's team exists"
    key = body.idempotency_key
    has_key = key is not None or claim.slot is not None
    return _Known(
        team,
        store.find_by_key(tx, scope, key) if key else None,
        None if has_key else store.find_twin(tx, scope, command.kind, command.fingerprint),
        store.find_many(tx, scope, body.related_uuids) if body.related_documents else {},
    )


def _first(tx: Tx, parts: InvoiceParts, command: Command, work: Work) -> tuple[InvoiceRecord, Sealed]:
    """Tx 1: key, related documents, folio, seal, frozen bytes, audit row."""
    command.claim.take(tx)
    scope, now_ms = command.caller.scope, parts.clock.now_ms()
    ready = work.ready(tx)
    folio = _take_folio(tx, command, work.document.series, now_ms)
    faults.point("issue.after_folio")
    sealed = seal(ready.draft(folio), work.signer)
    record = _record(parts, command, work, ready, sealed, folio, now_ms)
    store.insert_pending(tx, record, sealed.xml, ready.relations)
    ready.reserve(tx, record)
    command.begun(tx, record)
    command.claim.bind(tx, record.id)
    if _is_async(command):
        parts.enqueue(tx, scope, record.id)
    audit.append(tx, scope, Action.INVOICE_CREATE, record.id, command.caller.actor, now_ms)
    return record, sealed


def _take_folio(tx: Tx, command: Command, name: str, now_ms: int) -> int:
    scope, asked = command.caller.scope, command.body.folio_number
    if not asked:
        return store_series.take_folio(
            tx, scope, name, now_ms, lambda folio: store.is_folio_taken(tx, scope, name, folio)
        )
    store_series.reserve_folio(tx, scope, name, asked, now_ms)
    if store.is_folio_taken(tx, scope, name, asked):
        raise AlreadyExists(f"folio_number: {asked} is already used in series {name}")
    return asked


def _record(
    parts: InvoiceParts, command: Command, work: Work, ready: Ready, sealed: Sealed, folio: int, now_ms: int
) -> InvoiceRecord:
    """The row of a fresh document, leased to this process unless the worker is to stamp it."""
    body, caller, document, figures = command.body, command.caller, work.document, ready.figures
    record = InvoiceRecord(
        team_id=caller.scope.team_id,
        id=new_id("inv"),
        livemode=caller.scope.livemode,
        kind=command.kind,
        status=Status.PENDING.value,
        series=document.series,
        folio=folio,
        issued_ms=work.issued_ms,
        created_ms=now_ms,
        updated_ms=now_ms,
        currency=figures.currency,
        exchange_rate=figures.exchange_rate,
        subtotal=figures.subtotal,
        discount=figures.discount,
        taxes=figures.taxes,
        withholding_taxes=figures.withholding_taxes,
        total=figures.total,
        rounding_difference=figures.rounding_difference,
        payment_method=figures.payment_method,
        payment_form=figures.payment_form,
        use=document.receiver.use,
        client_id=work.client_id,
        client_name=document.receiver.name,
        client_sort=fold(document.receiver.name)[:NAME_SORT_MAX],
        issuer_rfc=document.issuer.rfc,
        issuer_zip=document.issuer.zip,
        certificate_number=work.signer.text.number,
        receiver_rfc=document.receiver.rfc,
        client_email=work.client_email,
        last_balance=figures.last_balance,
        owner=caller.user_id,
        origin=command.origin,
        idempotency_key=body.idempotency_key,
        unique_key=body.idempotency_key,
        fingerprint=command.fingerprint,
        metadata=json.dumps(body.metadata or {}).decode(),
        document=ready.constant.decode(),
        sello=sealed.sello[-8:],
        stamp_before_ms=work.issued_ms + STAMP_WINDOW_MS,
        next_try_ms=now_ms,
    )
    return record if _is_async(command) else _leased(parts, record, work.pac, now_ms)


def _leased(parts: InvoiceParts, record: InvoiceRecord, pac: str, now_ms: int) -> InvoiceRecord:
    """This process stamps the document itself, at the first PAC, before anybody else may."""
    return replace(
        record,
        held_by=pac,
        lease_owner=parts.process,
        lease_until_ms=now_ms + LEASE_MS,
        next_try_ms=now_ms + LEASE_MS,
    )


async def _settled(parts: InvoiceParts, command: Command, record: InvoiceRecord, sealed: bytes) -> Answer:
    """The answer after the stamp path: what became of the document within the budget."""
    closing = _Closing(parts, command)
    job = stamp.Job(
        record,
        sealed,
        stamp.hints_of(record),
        actor=command.caller.actor,
        is_fresh=True,
        on_settled=closing,
    )
    try:
        settled = await stamp.settle(parts, job, command.left_s(parts))
    except stamp.LeaseLost:
        settled = await _read(parts, record)
    if settled.status == Status.VALID and closing.answer is not None:
        return closing.answer
    return await _answer(parts, command, settled)


class _Closing:
    """Makes the answer and finishes or frees the request's key, in the transaction that settles the document."""

    def __init__(self, parts: InvoiceParts, command: Command) -> None:
        self._parts = parts
        self._command = command
        self.answer: Answer | None = None

    def __call__(self, tx: Tx, record: InvoiceRecord, related: Sequence[str], shown: Raw) -> None:
        claim, body = self._command.claim, self._command.body
        if record.status == Status.FAILED:
            claim.release(tx)
            return
        with_files = body.return_files_urls
        shown = self._parts.printer.show(record, related, with_files=True) if with_files else shown
        self.answer = self._command.shape(Answer(shown, CREATED, 201))
        if claim.slot is not None and claim.render is not None:
            reply = claim.render(self.answer)
            claim.finish(tx, reply.status_code, bytes(reply.body))


def _created(parts: InvoiceParts, command: Command, record: InvoiceRecord, related: Sequence[str]) -> Answer:
    shown = parts.printer.show(record, related, with_files=command.body.return_files_urls)
    return command.shape(Answer(shown, CREATED, 201))


async def _answer(parts: InvoiceParts, command: Command, record: InvoiceRecord) -> Answer:
    """201, 202, 422 or 503, by the document's state (contract invoices.md section 5.3)."""
    if record.status == Status.FAILED:
        raise _refusal(record)
    if record.status == Status.PENDING and record.held_by is None:
        await parts.database.write(lambda tx: store.set_answered_503(tx, record))
        raise Unavailable(
            "No PAC can be reached now; the invoice is stored and will be stamped in the background",
            retry_after_s=RETRY_AFTER_S,
            extra={"invoice": {"id": record.id, "status": record.status}},
        )
    return await _shown(parts, command, record)


def _refusal(record: InvoiceRecord) -> Exception:
    assert record.error is not None
    cfdi = json.loads(record.error.encode())["cfdi"]
    return refusal_error(cfdi["code"], cfdi["message"], record.id)


async def _shown(parts: InvoiceParts, command: Command, record: InvoiceRecord) -> Answer:
    """The document as it stands: 201 when valid, 202 while pending."""
    related = await parts.database.look(lambda tx: store.related_ids(tx, [record])[record.id])
    if record.status == Status.PENDING:
        location = f"/v2/invoices/{COLLECTIONS[record.kind]}/{record.id}"
        accepted = Answer(parts.printer.show(record, related), ACCEPTED, 202, headers={"Location": location})
        return command.shape(accepted)
    return _created(parts, command, record, related)


async def _same_key(parts: InvoiceParts, command: Command, record: InvoiceRecord) -> Answer:
    """A body key stays bound to its document for ever."""
    if record.fingerprint != command.fingerprint or record.kind != command.kind:
        raise other_request()
    related = await parts.database.look(lambda tx: store.related_ids(tx, [record])[record.id])
    shown = parts.printer.show(record, related, with_files=command.body.return_files_urls)
    return Answer(shown, CREATED, 200, headers={"Idempotent-Replayed": "true"})


async def _resumed(parts: InvoiceParts, command: Command, invoice_id: str) -> Answer:
    """A repeat of a request whose run ended before its answer: the bound document goes on, no other is made."""
    scope = command.caller.scope
    await parts.database.write(command.claim.take)
    record = await stamp.resume(
        parts, scope, invoice_id, budget_s=command.left_s(parts), on_settled=_Closing(parts, command)
    )
    assert record is not None, "a bound document exists"
    if record.status in (Status.VALID, Status.CANCELED) and command.claim.run_id is not None:
        related = await parts.database.look(lambda tx: store.related_ids(tx, [record])[record.id])
        shown = parts.printer.show(record, related)
        await parts.database.write(lambda tx: _Closing(parts, command)(tx, record, related, shown))
    if record.status == Status.FAILED:
        await parts.database.write(command.claim.release)
        raise _refusal(record)
    return await _shown(parts, command, record)


async def _read(parts: InvoiceParts, record: InvoiceRecord) -> InvoiceRecord:
    found = await parts.database.look(lambda tx: store.find(tx, record.scope, record.id))
    assert found is not None, "documents are never deleted"
    return found
