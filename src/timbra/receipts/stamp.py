"""Turn a receipt into a CFDI of its own, through the one issuing path (contract receipts.md section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from timbra.cfdi.money import to_decimal
from timbra.http import body as wire
from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import ApiError, BusinessRule, Conflict, NotFound, Unavailable
from timbra.http.idempotency import Claim, fingerprint
from timbra.invoices import issue
from timbra.invoices.inner import Inner
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.prepare import INCOME, team_local_taxes
from timbra.invoices.schemas import IncomeBody
from timbra.platform import events, json
from timbra.platform.db import Tx
from timbra.platform.json import Raw
from timbra.receipts import store
from timbra.receipts.close import HELD_RETRY_S, refuse_held
from timbra.receipts.lines import sent
from timbra.receipts.model import InvoicedAs, Receipt, Status
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.public import general_public
from timbra.receipts.reduced import less_refunds
from timbra.receipts.schemas import TO_CLIENT, TO_FOREIGNERS, TO_PUBLIC, StampBody
from timbra.receipts.settle import FROM_RECEIPT
from timbra.teams import store as teams
from timbra.teams.store import Team

STAMPED = "Receipt stamped successfully"
OPEN = (Status.PENDING, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class Stamping:
    """Which receipt is stamped, how, and for whom. prefers_async: the caller does not want to wait."""

    caller: Caller
    receipt_id: str
    body: StampBody
    claim: Claim
    prefers_async: bool = False


async def stamp(parts: ReceiptParts, asked: Stamping) -> Answer:
    """The answer of the call: 200 with the invoice, 202 while its outcome is open.

    Raises NotFound, Conflict, BusinessRule and what issuing raises. A receipt whose document is refused is open as before.
    """
    receipt, team = await parts.database.look(partial(_look, asked))
    if asked.claim.resource_id is None:
        check_open(receipt)
    command = issue.Command(
        kind=INCOME,
        body=_document(parts, receipt, team, asked.body),
        caller=asked.caller,
        claim=asked.claim,
        origin=FROM_RECEIPT,
        prefers_async=asked.prefers_async,
        fingerprint=fingerprint({"receipt": receipt.id, "at": receipt.updated_ms}, {}),
        begun=partial(_begun, receipt=receipt, body=asked.body),
        shape=partial(_shaped, receipt_id=receipt.id),
    )
    try:
        return await issue.issue(parts.invoices, command)
    except Unavailable as error:
        await parts.database.write(partial(note_failure, parts=parts, receipt=receipt, error=error))
        raise


def _look(asked: Stamping, tx: Tx) -> tuple[Receipt, Team]:
    receipt = store.get(tx, asked.caller.scope, asked.receipt_id)
    if receipt is None:
        raise NotFound
    team = teams.team(tx, asked.caller.scope.team_id)
    assert team is not None, "the caller's team exists"
    return receipt, team


def check_open(receipt: Receipt) -> None:
    """A document can be made of the receipt now. Raises BusinessRule, Conflict."""
    if receipt.status == Status.CANCELED:
        raise BusinessRule("The receipt is canceled")
    if receipt.status == Status.COMPLETED:
        raise BusinessRule("The receipt has a CFDI already", details=[f"invoice_id: {receipt.invoice_id}"])
    refuse_held(receipt)
    if receipt.open_total <= 0:
        raise BusinessRule("The receipt is refunded in full: nothing is left to invoice")


def _document(parts: ReceiptParts, receipt: Receipt, team: Team, body: StampBody) -> IncomeBody:
    """The income invoice that is asked of the issuing path. Raises Invalid."""
    config = receipt.invoice_config or {}
    asked: dict[str, Any] = {
        "client": _client(receipt, body),
        "items": [sent(item) for item in receipt.items],
        "currency": receipt.currency,
        "exchange_rate": to_decimal(receipt.exchange_rate),
        "payment_form": receipt.payment_form,
        "use": body.use or (body.fiscal_information.use if body.fiscal_information else None),
        "date": body.date,
        "series": config.get("serie"),
        "folio_number": config.get("folio", 0),
        "metadata": receipt.metadata,
        "send_email": body.send_email,
        "emails": body.emails or receipt.emails,
        "async": body.is_async,
    }
    if body.stamp_to == TO_PUBLIC:
        asked["global"] = global_node(receipt)
    document = wire.validate(IncomeBody, asked, None)
    if receipt.total_refunded:
        decimals = parts.invoices.sat.catalogs.currency_decimals(receipt.currency)
        assert decimals is not None, "receipts have known currencies"
        reduced = less_refunds(
            document.items,
            total=receipt.total,
            refunded=receipt.total_refunded,
            decimals=decimals,
            local_taxes=team_local_taxes(team),
        )
        document = document.model_copy(update={"items": reduced})
    receiver = None
    if body.stamp_to != TO_CLIENT:
        receiver = general_public(receipt.scope, team.zip, foreign=body.stamp_to == TO_FOREIGNERS)
    return document.asked_by_us(Inner((receipt.id,), receiver))


def global_node(receipt: Receipt) -> dict[str, Any]:
    """The global node of the receipt's period."""
    return {"periodicity": receipt.period_code, "months": receipt.period_months, "year": receipt.period_year}


def _client(receipt: Receipt, body: StampBody) -> Mapping[str, Any]:
    changes = body.fiscal_information.changes() if body.fiscal_information else {}
    return {"id": receipt.client_id, **changes}


def _begun(tx: Tx, record: InvoiceRecord, *, receipt: Receipt, body: StampBody) -> None:
    """The receipt waits for the document from now on. Raises Conflict when others changed it meanwhile."""
    current = store.lock(tx, receipt.scope, receipt.id)
    if current != receipt:
        raise Conflict("The receipt was changed meanwhile", headers={"Retry-After": str(HELD_RETRY_S)})
    buyer = body.fiscal_information if body.stamp_to == TO_CLIENT else None
    kind = InvoicedAs.CLIENT if body.stamp_to == TO_CLIENT else InvoicedAs.PUBLIC
    stamping = {"as": kind.value, "client": buyer.changes() if buyer else None}
    store.save(tx, receipt.scope, replace(receipt, stamping_id=record.id, stamping=stamping))


def _shaped(answer: Answer, *, receipt_id: str) -> Answer:
    """The invoice's answer as the receipt's: the object names its receipt, 201 is 200."""
    assert isinstance(answer.data, Raw), "invoices are shown as ready JSON"
    data = Raw(answer.data.text[:-1] + b',"receipt_id":' + json.dumps(receipt_id) + b"}")
    if answer.status == 202:
        return replace(answer, data=data)
    return replace(answer, data=data, message=STAMPED, status=200)


def note_failure(tx: Tx, *, parts: ReceiptParts, receipt: Receipt, error: ApiError) -> None:
    """An open receipt tells why its last stamping came to nothing."""
    current = store.lock(tx, receipt.scope, receipt.id)
    if current is None or current.status not in OPEN:
        return
    at_ms = parts.clock.now_ms()
    reason = {"code": error.code.value, "message": error.message, "cfdi": error.extra.get("cfdi"), "at": at_ms // 1000}
    noted = replace(current, error=reason, error_ms=at_ms, updated_ms=at_ms)
    store.save(tx, receipt.scope, noted)
    events.append(tx, receipt.scope, "receipt.updated", receipt.id, parts.show(noted).text, at_ms)
