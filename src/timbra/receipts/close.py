"""Cancel a receipt, or open it again (contract receipts.md section 6)."""

from dataclasses import replace

from timbra.cfdi.zones import CENTRAL
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, Conflict, NotFound
from timbra.invoices import store as documents
from timbra.invoices.model import Status as DocumentStatus
from timbra.platform import audit, events
from timbra.platform.audit import Action
from timbra.platform.clock import day_of
from timbra.platform.db import Tx
from timbra.receipts import store
from timbra.receipts.model import Receipt, Status
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.period import period_of
from timbra.teams import store as teams

HELD_RETRY_S = 5


def refuse_held(receipt: Receipt) -> None:
    """Raises Conflict while a document of the receipt is on its way, its own or a global invoice."""
    if receipt.is_held:
        raise Conflict("The receipt is being stamped now", headers={"Retry-After": str(HELD_RETRY_S)})


def cancel(tx: Tx, parts: ReceiptParts, caller: Caller, receipt_id: str, at_ms: int) -> Receipt:
    """The receipt is void for good; one that is void already stays as it is. Raises NotFound, Conflict, BusinessRule."""
    receipt = _locked(tx, caller, receipt_id)
    if receipt.status == Status.CANCELED:
        return receipt
    if receipt.status == Status.COMPLETED:
        raise BusinessRule(
            "The receipt has a CFDI: cancel that document instead", details=[f"invoice_id: {receipt.invoice_id}"]
        )
    refuse_held(receipt)
    canceled = replace(receipt, status=Status.CANCELED.value, updated_ms=at_ms)
    _keep(tx, parts, caller, canceled, "receipt.deleted", at_ms)
    audit.append(tx, caller.scope, Action.RECEIPT_CANCEL, receipt.id, caller.actor, at_ms)
    return canceled


def reopen(tx: Tx, parts: ReceiptParts, caller: Caller, receipt_id: str, reason: str | None, at_ms: int) -> Receipt:
    """The receipt is pending until the end of the present period. Raises NotFound, Conflict, BusinessRule."""
    receipt = _locked(tx, caller, receipt_id)
    refuse_held(receipt)
    _check_reopens(tx, receipt)
    team = teams.team(tx, caller.scope.team_id)
    assert team is not None, "a scope names a team"
    cuts = team.settings["global_invoicing_monthly_cuts"]
    period = period_of(day_of(at_ms, CENTRAL), receipt.periodicity, cuts)
    opened = replace(
        receipt,
        status=Status.PENDING.value,
        valid_until_ms=period.ends_ms,
        period_end=period.last_day.isoformat(),
        period_code=period.code,
        period_months=period.months,
        period_year=period.year,
        invoice_id=None,
        invoiced_ms=None,
        invoiced_as=None,
        error=None,
        error_ms=None,
        updated_ms=at_ms,
    )
    _keep(tx, parts, caller, opened, "receipt.updated", at_ms)
    changes = {"status": {"old": receipt.status, "new": opened.status}, "reason": reason}
    audit.append(tx, caller.scope, Action.RECEIPT_REOPEN, receipt.id, caller.actor, at_ms, changes=changes)
    return opened


def _check_reopens(tx: Tx, receipt: Receipt) -> None:
    if receipt.status == Status.EXPIRED:
        return
    if receipt.status != Status.COMPLETED:
        raise BusinessRule(f"A receipt that is {receipt.status} is not opened again")
    found = documents.find_many(tx, receipt.scope, receipt.invoices)
    live = [uuid for uuid, record in found.items() if record.status != DocumentStatus.CANCELED]
    if live:
        raise BusinessRule(
            "The receipt has a CFDI that is not canceled", details=[f"invoices: {uuid}" for uuid in live]
        )


def _locked(tx: Tx, caller: Caller, receipt_id: str) -> Receipt:
    receipt = store.lock(tx, caller.scope, receipt_id)
    if receipt is None:
        raise NotFound
    return receipt


def _keep(tx: Tx, parts: ReceiptParts, caller: Caller, receipt: Receipt, event: str, at_ms: int) -> None:
    store.save(tx, caller.scope, receipt)
    events.append(tx, caller.scope, event, receipt.id, parts.show(receipt).text, at_ms)
