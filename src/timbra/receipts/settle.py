"""What becomes of a receipt when the document that was made of it is stamped or refused, in that very transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.clients import store as clients
from timbra.clients.screening import Screening
from timbra.clients.update import change
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.model import Status as DocumentStatus
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import Actor
from timbra.receipts import store, store_due
from timbra.receipts.acting import acting
from timbra.receipts.model import Receipt, Status
from timbra.receipts.self_invoice import SelfInvoiceLinks
from timbra.receipts.shown import shown

FROM_RECEIPT, FROM_GLOBAL = "receipt", "global"
ORIGINS = frozenset({FROM_RECEIPT, FROM_GLOBAL})


@dataclass(frozen=True, slots=True)
class Sales:
    """The port through which issuing tells of documents made from receipts."""

    links: SelfInvoiceLinks
    catalogs: Catalogs
    screening: Screening

    def settled(self, tx: Tx, record: InvoiceRecord, actor: Actor, at_ms: int) -> None:
        """Each receipt of the document is completed, or open again with the reason of the refusal."""
        if record.origin not in ORIGINS:
            return
        receipts = store.stamped_by(tx, record.scope, record.id)
        if not receipts:
            return
        if record.status == DocumentStatus.VALID:
            self._completed(tx, receipts, record, actor, at_ms)
        else:
            self._refused(tx, receipts, record, at_ms)

    def _completed(self, tx: Tx, receipts: Sequence[Receipt], record: InvoiceRecord, actor: Actor, at_ms: int) -> None:
        completed = [_with_cfdi(receipt, record, at_ms) for receipt in receipts]
        store_due.complete(tx, record.scope, completed)
        self._tell(tx, completed, "receipt.completed", at_ms)
        changes = {"uuid": record.uuid}
        audited = [(receipt.id, changes) for receipt in completed]
        audit.append_all(tx, record.scope, Action.RECEIPT_STAMP, audited, actor, at_ms)
        for receipt in receipts:
            assert receipt.stamping is not None, "it was noted what the document is"
            if receipt.stamping["client"]:
                self._keep_client(tx, receipt, receipt.stamping["client"], actor, at_ms)

    def _keep_client(self, tx: Tx, receipt: Receipt, changes: dict[str, Any], actor: Actor, at_ms: int) -> None:
        """The buyer's data are the client's from now on, unless it is gone or they no longer fit to the rest of it."""
        client = clients.lock(tx, receipt.scope, receipt.client_id)
        if client is None or client.changed(changes).problems():
            return
        caller = acting(receipt.scope, receipt.owner, by=actor)
        change(tx, caller, client, changes, catalogs=self.catalogs, at_ms=at_ms, screening=self.screening)

    def _refused(self, tx: Tx, receipts: Sequence[Receipt], record: InvoiceRecord, at_ms: int) -> None:
        """Of a global invoice the event of the document says it for all of its receipts."""
        assert record.error is not None, "failed documents say why"
        error = json.loads(record.error.encode()) | {"at": at_ms // 1000}
        ids = [receipt.id for receipt in receipts]
        store_due.note_refusal(tx, record.scope, ids, json.dumps(error), at_ms)
        if record.origin == FROM_RECEIPT:
            refused = [_with_error(receipt, error, at_ms) for receipt in receipts]
            self._tell(tx, refused, "receipt.updated", at_ms)

    def _tell(self, tx: Tx, receipts: Sequence[Receipt], event: str, at_ms: int) -> None:
        told = [(receipt.id, shown(receipt, self.links).text) for receipt in receipts]
        events.append_all(tx, receipts[0].scope, event, told, at_ms)


def _with_cfdi(receipt: Receipt, record: InvoiceRecord, at_ms: int) -> Receipt:
    assert record.uuid is not None, "valid documents have a uuid"
    assert receipt.stamping is not None, "it was noted what the document is"
    return replace(
        receipt,
        status=Status.COMPLETED.value,
        invoices=(*receipt.invoices, record.uuid),
        invoice_id=record.uuid,
        invoiced_ms=at_ms,
        invoiced_as=receipt.stamping["as"],
        error=None,
        error_ms=None,
        stamping_id=None,
        stamping=None,
        updated_ms=at_ms,
    )


def _with_error(receipt: Receipt, error: Mapping[str, Any], at_ms: int) -> Receipt:
    freed = replace(receipt, stamping_id=None, stamping=None, updated_ms=at_ms)
    return replace(freed, error=error, error_ms=at_ms)
