"""Tx 2 of stamping: what a PAC answered, with everything that follows from it, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from timbra.cfdi import matrix
from timbra.cfdi.timbre import Timbre
from timbra.cfdi.zones import CENTRAL, instant_of
from timbra.http.errors import CfdiRefused, FieldError
from timbra.invoices import store, store_credits, store_stamping
from timbra.invoices.complements import effects
from timbra.invoices.complements import store as store_payments
from timbra.invoices.issuer import cfdi_error
from timbra.invoices.model import InvoiceRecord, Status
from timbra.invoices.parts import InvoiceParts
from timbra.pac.port import Rejected, Spoken
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.json import Raw
from timbra.platform.scope import SERVER, Actor
from timbra.teams import store_series

# The document as it is settled, its related ids, and its JSON without file links.
OnSettled = Callable[[Tx, InvoiceRecord, Sequence[str], Raw], None]


def stamped(
    tx: Tx,
    parts: InvoiceParts,
    record: InvoiceRecord,
    xml: bytes,
    stamp: Timbre,
    pac: str,
    actor: Actor,
    at_ms: int,
    on_settled: OnSettled | None,
    said: Sequence[Spoken] = (),
) -> InvoiceRecord | None:
    """The document is valid, its effects on related documents too. None when the UUID belongs to another document."""
    if store.id_of(tx, record.scope, stamp.uuid) not in (None, record.id):
        return None
    block = json.dumps(_stamp_block(record, stamp, pac))
    balance = record.total if record.payment_method == "PPD" else 0
    moved = store_stamping.mark_valid(
        tx, record, uuid=stamp.uuid, stamped=xml, stamp=block, last_balance=balance, at_ms=at_ms
    )
    if not moved:
        return store.find(tx, record.scope, record.id)
    store_stamping.add_attempt(
        tx, record, pac=pac, call="stamp", outcome="stamped", detail=stamp.uuid, at_ms=at_ms, said=said
    )
    if record.kind == "E":
        store_credits.apply(tx, record, at_ms)
    elif record.kind == "P":
        store_payments.apply(tx, record, at_ms)
    store_series.settle_folio(tx, record.scope, record.series, record.folio)
    store.recount(tx, record, Status.PENDING, Status.VALID)
    settled = replace(
        record,
        status=Status.VALID.value,
        uuid=stamp.uuid,
        stamp=block.decode(),
        last_balance=balance,
        updated_ms=at_ms,
        held_by=None,
        lease_owner=None,
        lease_until_ms=None,
        next_try_ms=None,
    )
    if record.kind == "P":
        effects.stamped(tx, settled, parts.payments, actor, at_ms)
    related = store.related_ids(tx, [settled])[settled.id]
    shown = _tell(tx, parts, settled, related, "invoice.created", at_ms)
    parts.sources.settled(tx, settled, actor, at_ms)
    audit.append(tx, record.scope, Action.INVOICE_STAMP, record.id, actor, at_ms, changes={"uuid": stamp.uuid})
    if on_settled is not None:
        on_settled(tx, settled, related, shown)
    return settled


def _stamp_block(record: InvoiceRecord, stamp: Timbre, pac: str) -> dict[str, object]:
    return {
        "sello": stamp.sello_cfd,
        "stamp_at": instant_of(stamp.stamped_at, CENTRAL) // 1000,
        "provider": pac,
        "sat_seal": stamp.sello_sat,
        "certificate_number": record.certificate_number,
        "sat_certificate_number": stamp.certificate_number_sat,
    }


def refused(
    tx: Tx,
    parts: InvoiceParts,
    record: InvoiceRecord,
    refusal: Rejected,
    actor: Actor,
    at_ms: int,
    on_settled: OnSettled | None,
) -> InvoiceRecord | None:
    """The document is failed; its folio, key and reserved credits are free again."""
    error = refusal_error(refusal.code, refusal.text)
    block = json.dumps(
        {"code": error.code.value, "message": error.message, "cfdi": cfdi_error(refusal.code, refusal.text)}
    )
    if not store_stamping.mark_failed(tx, record, block, at_ms):
        return store.find(tx, record.scope, record.id)
    if record.kind == "E":
        store_credits.release(tx, record)
    elif record.kind == "P":
        store_payments.release(tx, record)
    store_series.release_folio(tx, record.scope, record.series, record.folio)
    store.recount(tx, record, Status.PENDING, Status.FAILED)
    failed = store.find(tx, record.scope, record.id)
    assert failed is not None
    related = store.related_ids(tx, [failed])[failed.id]
    shown = _tell(tx, parts, failed, related, "invoice.failed", at_ms)
    parts.sources.settled(tx, failed, actor, at_ms)
    audit.append(
        tx,
        record.scope,
        Action.INVOICE_FAIL,
        record.id,
        actor,
        at_ms,
        outcome="refused",
        changes={"code": refusal.code},
    )
    if on_settled is not None:
        on_settled(tx, failed, related, shown)
    return failed


def refusal_error(code: str, text: str, invoice_id: str | None = None, status: str = "failed") -> CfdiRefused:
    """The 422 of a refusal by SAT or a PAC, naming the field to change when the matrix knows it."""
    cfdi = cfdi_error(code, text)
    row = matrix.lookup(code)
    path = row.path if row else ""
    message = f"{code}: {cfdi['explanation'] or text}"
    extra: dict[str, object] = {"cfdi": cfdi}
    if invoice_id is not None:
        extra["invoice"] = {"id": invoice_id, "status": status}
    fields = [FieldError(path, code, str(cfdi["explanation"] or text))] if path else []
    return CfdiRefused(
        message, fields=fields, details=[f"{path}: {code} {text}" if path else f"{code}: {text}"], extra=extra
    )


def _tell(tx: Tx, parts: InvoiceParts, record: InvoiceRecord, related: Sequence[str], event: str, at_ms: int) -> Raw:
    shown = parts.printer.show(record, related)
    events.append(tx, record.scope, event, record.public_id, shown.text, at_ms)
    return shown


def alarmed(tx: Tx, record: InvoiceRecord, reason: str, at_ms: int) -> bool:
    """The alarm is in the ledger and in the audit log; False when it was already, for the same bytes."""
    if not store_stamping.add_alarm(tx, record, reason, at_ms):
        return False
    audit.append(
        tx, record.scope, Action.INVOICE_ALARM, record.id, SERVER, at_ms, outcome="alarm", changes={"reason": reason}
    )
    return True
