"""Issuing: one verb for every document of type I and E, whoever asks for it.

Prepared without a trace, then Tx 1 (folio, seal, frozen bytes, key), then ``stamp.settle``. See
docs/decisions/0001-frozen-bytes.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from timbra.cfdi import cadena
from timbra.cfdi.build import Draft, build
from timbra.cfdi.model import Invoice
from timbra.cfdi.seal import Sealed, seal
from timbra.cfdi.text import GENERIC_RFC
from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import AlreadyExists, FieldError, Invalid, Unavailable
from timbra.http.idempotency import Claim, in_progress, other_request
from timbra.invoices import credits as crediting
from timbra.invoices import snapshot, stamp, store, store_credits
from timbra.invoices.model import Credit, InvoiceRecord, RelationRow, Status
from timbra.invoices.parts import LEASE_MS, STAMP_WINDOW_MS, InvoiceParts
from timbra.invoices.prepare import EGRESS, Prepared, prepare
from timbra.invoices.record import refusal_error
from timbra.invoices.schemas import IssueBody
from timbra.platform import audit, faults, json
from timbra.platform.audit import Action
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
RETRY_AFTER_S = 60
NAME_SORT_MAX = 60


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be issued, by whom, and under which key."""

    kind: str
    body: IssueBody
    caller: Caller
    claim: Claim
    origin: str = "api"
    prefers_async: bool = False
    fingerprint: str = ""


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
    own = [known.own[uuid] for uuid in _uuids(command.body) if uuid in known.own]
    first_form = own[0].payment_form if own else None
    prepared = await prepare(parts, command.caller, command.kind, command.body, known.team, first_form)
    _check_related_given(prepared)
    crediting.check_own(prepared.invoice.relations, known.own)
    credited = crediting.credited_invoices(prepared.invoice, known.own) if command.kind == EGRESS else []
    faults.point("issue.before_tx1")
    try:
        record, sealed = await parts.database.write(lambda tx: _first(tx, parts, command, prepared, credited))
    except UniqueViolation as error:
        raise in_progress() from error  # a parallel request took the same key or folio between look and Tx 1
    faults.point("issue.after_tx1")
    if _is_async(command):
        return await _shown(parts, command, record)
    return await _settled(parts, command, record, sealed.xml)


def _is_async(command: Command) -> bool:
    return command.body.is_async or command.prefers_async


def _uuids(body: IssueBody) -> list[str]:
    return [uuid.lower() for one in body.related_documents for uuid in one.documents]


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
        store.find_many(tx, scope, _uuids(body)) if body.related_documents else {},
    )


def _check_related_given(prepared: Prepared) -> None:
    document = prepared.invoice
    if document.kind == EGRESS and not document.relations and document.receiver.rfc != GENERIC_RFC:
        problem = FieldError("related_documents", "required", "is required: name the invoice that is credited")
        raise Invalid([problem])


def _first(
    tx: Tx, parts: InvoiceParts, command: Command, prepared: Prepared, credited: Sequence[InvoiceRecord]
) -> tuple[InvoiceRecord, Sealed]:
    """Tx 1: key, credits, folio, seal, frozen bytes, audit row."""
    command.claim.take(tx)
    scope, now_ms = command.caller.scope, parts.clock.now_ms()
    shares: list[Credit] = []
    if credited:
        locked = {row.id: row for row in store_credits.lock(tx, scope, [row.id for row in credited])}
        current = [locked[row.id] for row in credited]
        crediting.check_own(prepared.invoice.relations, {row.uuid or "": row for row in current})
        shares = crediting.spread(prepared.totals.total, current)
    folio = _take_folio(tx, command, prepared, now_ms)
    faults.point("issue.after_folio")
    document = replace(prepared.invoice, folio=folio)
    sealed = seal(_draft(parts, document, prepared), prepared.signer)
    record = _record(parts, command, prepared, sealed, folio, now_ms)
    relations = [RelationRow(one.relationship, uuid) for one in document.relations for uuid in one.uuids]
    store.insert_pending(tx, record, sealed.xml, relations)
    store_credits.set_outstanding(tx, record, shares)
    command.claim.bind(tx, record.id)
    if _is_async(command):
        parts.enqueue(tx, scope, record.id)
    audit.append(tx, scope, Action.INVOICE_CREATE, record.id, command.caller.actor, now_ms)
    return record, sealed


def _draft(parts: InvoiceParts, document: Invoice, prepared: Prepared) -> Draft:
    def cadena_of(root: Any) -> str:
        return cadena.of(root, parts.sat.stylesheets)

    return build(document, prepared.totals, prepared.signer.text, cadena_of=cadena_of)


def _take_folio(tx: Tx, command: Command, prepared: Prepared, now_ms: int) -> int:
    scope, name, asked = command.caller.scope, prepared.invoice.series, command.body.folio_number
    if not asked:
        return store_series.take_folio(
            tx, scope, name, now_ms, lambda folio: store.is_folio_taken(tx, scope, name, folio)
        )
    store_series.reserve_folio(tx, scope, name, asked, now_ms)
    if store.is_folio_taken(tx, scope, name, asked):
        raise AlreadyExists(f"folio_number: {asked} is already used in series {name}")
    return asked


def _record(
    parts: InvoiceParts, command: Command, prepared: Prepared, sealed: Sealed, folio: int, now_ms: int
) -> InvoiceRecord:
    """The row of a fresh document, leased to this process unless the worker is to stamp it."""
    body, caller, invoice, totals = command.body, command.caller, prepared.invoice, prepared.totals
    balance = totals.total if invoice.payment_method == "PPD" else 0
    record = InvoiceRecord(
        team_id=caller.scope.team_id,
        id=new_id("inv"),
        livemode=caller.scope.livemode,
        kind=command.kind,
        status=Status.PENDING.value,
        series=invoice.series,
        folio=folio,
        issued_ms=prepared.issued_ms,
        created_ms=now_ms,
        updated_ms=now_ms,
        currency=invoice.currency,
        exchange_rate=invoice.exchange_rate,
        subtotal=totals.subtotal,
        discount=totals.discount,
        taxes=totals.taxes,
        withholding_taxes=totals.withholding_taxes,
        total=totals.total,
        rounding_difference=totals.rounding_difference,
        payment_method=invoice.payment_method,
        payment_form=invoice.payment_form,
        use=invoice.receiver.use,
        client_id=prepared.client.id,
        client_name=invoice.receiver.name,
        client_sort=fold(invoice.receiver.name)[:NAME_SORT_MAX],
        issuer_rfc=invoice.issuer.rfc,
        issuer_zip=invoice.issuer.zip,
        certificate_number=prepared.signer.text.number,
        receiver_rfc=invoice.receiver.rfc,
        client_email=prepared.client.email.lower() if prepared.client.email else None,
        last_balance=balance,
        owner=caller.user_id,
        origin=command.origin,
        idempotency_key=body.idempotency_key,
        unique_key=body.idempotency_key,
        fingerprint=command.fingerprint,
        metadata=json.dumps(body.metadata or {}).decode(),
        document=snapshot.constant_part(prepared, body, caller.billing_account).decode(),
        sello=sealed.sello[-8:],
        stamp_before_ms=prepared.issued_ms + STAMP_WINDOW_MS,
        next_try_ms=now_ms,
    )
    return record if _is_async(command) else _leased(parts, record, now_ms)


def _leased(parts: InvoiceParts, record: InvoiceRecord, now_ms: int) -> InvoiceRecord:
    """This process stamps the document itself, at the first PAC, before anybody else may."""
    return replace(
        record,
        held_by=parts.side(record.livemode).pacs[0].name,
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
        settled = await stamp.settle(parts, job, parts.stamp_budget_s)
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
        self.answer = Answer(
            self._parts.printer.show(record, related, with_files=True) if with_files else shown, CREATED, 201
        )
        if claim.slot is not None and claim.render is not None:
            reply = claim.render(self.answer)
            claim.finish(tx, reply.status_code, bytes(reply.body))


def _created(parts: InvoiceParts, command: Command, record: InvoiceRecord, related: Sequence[str]) -> Answer:
    shown = parts.printer.show(record, related, with_files=command.body.return_files_urls)
    return Answer(shown, CREATED, 201)


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
        return Answer(parts.printer.show(record, related), ACCEPTED, 202, headers={"Location": location})
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
        parts, scope, invoice_id, budget_s=parts.stamp_budget_s, on_settled=_Closing(parts, command)
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
