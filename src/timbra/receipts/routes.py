"""HTTP of receipts (contract receipts.md)."""

from collections.abc import Mapping
from typing import Any

from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import NotFound
from timbra.http.fields import Choice, Code, Rule, Text
from timbra.http.idempotency import Claim, fingerprint, other_request
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.invoices import store as documents
from timbra.invoices.routes import BODY_LIMIT_BYTES
from timbra.platform.db import Tx
from timbra.platform.json import Raw
from timbra.platform.keyset import Slice
from timbra.receipts import close, create, pending, stamp, store
from timbra.receipts.create import NewReceipt
from timbra.receipts.model import Receipt
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.period import WORDS
from timbra.receipts.schemas import CreateReceipt, ReopenBody, StampBody
from timbra.receipts.search import STATUS_RULE
from timbra.receipts.stamp import STAMPED, Stamping
from timbra.teams import store as teams

CREATED = "Receipt created successfully"
FILTERS: Mapping[str, Rule] = {
    "status": STATUS_RULE,
    "client_id": Text(max=160),
    "currency": Code(max=3),
    "payment_form": Code(max=2, pad=2),
    "periodicity": Choice(*WORDS),
    "invoice_id": Text(max=160),
}
NEW_RECEIPT = {
    "client": {"email": "ana@example.com", "name": "Ana Ruiz", "search": {"on_key": "email", "auto_create": True}},
    "payment_form": "04", "periodicity": "month",
    "items": [{
        "description": "Café", "quantity": 2, "unit_price": 58,
        "taxes": [{"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False, "inclusive": True}],
    }],
    "metadata": {"ticket": "T-556"},
}  # fmt: skip

STAMP = {
    "stamp_to": "client",
    "fiscal_information": {
        "legal_name": "CECILIA MIRANDA SANCHEZ", "tax_id": "MISC491214B86", "tax_system": "612", "zip": "01010",
    },
}  # fmt: skip


def routes(parts: ReceiptParts) -> Router:
    """The operations on receipts."""
    router = Router(tag="Receipts", area="receipts")
    _reading(router, parts)
    _creating(router, parts)
    _stamping(router, parts)
    _closing(router, parts)
    return router


def _reading(router: Router, parts: ReceiptParts) -> None:
    @router.get("/receipts", "Receipts retrieved successfully", filters=FILTERS)
    async def list_receipts(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            return store.page(tx, caller.scope, listing.window, _columns(listing.filters)).map(parts.show)

        return await parts.database.read(unit)

    @router.get("/receipts/{id}", "Receipt retrieved successfully")
    async def get_receipt(caller: Caller, id: str) -> Raw:  # noqa: A002 (the path names it)
        def unit(tx: Tx) -> Raw:
            receipt = store.get(tx, caller.scope, id)
            if receipt is None:
                raise NotFound
            return parts.show(receipt, _files(tx, parts, receipt))

        return await parts.database.read(unit)


def _columns(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters as columns have their values: uuids are kept in lower case."""
    columns = dict(filters)
    if "invoice_id" in columns:
        columns["invoice_id"] = columns["invoice_id"].lower()
    return columns


def _files(tx: Tx, parts: ReceiptParts, receipt: Receipt) -> dict[str, str | None] | None:
    """Links to the files of the live CFDI, None while there is none."""
    record = documents.find(tx, receipt.scope, receipt.invoice_id) if receipt.invoice_id else None
    if record is None or record.uuid is None:
        return None
    return {kind: parts.invoices.printer.file_url(record, kind) for kind in ("pdf", "xml")}


def _creating(router: Router, parts: ReceiptParts) -> None:
    @router.post(
        "/receipts",
        CREATED,
        success=201,
        also=(200,),
        limit_bytes=BODY_LIMIT_BYTES,
        body_key=True,
        example=NEW_RECEIPT,
    )
    async def create_receipt(call: Call, caller: Caller, body: CreateReceipt, claim: Claim) -> Any:
        print_ = claim.fingerprint or fingerprint(call.data, call.query)
        key = body.idempotency_key
        team = await parts.database.look(lambda tx: teams.team(tx, caller.scope.team_id))
        assert team is not None, "the caller's team exists"
        if key is not None:
            known = await parts.database.look(lambda tx: store.find_by_key(tx, caller.scope, key))
            if known is not None:
                return _same_key(parts, known, print_)
        receipt = await create.prepare(parts, NewReceipt(caller, body, team, print_))

        def unit(tx: Tx) -> Answer:
            create.keep(tx, parts, caller, receipt)
            return Answer(parts.show(receipt), CREATED, 201)

        return await claim.once(parts.database, unit)


def _same_key(parts: ReceiptParts, known: Receipt, print_: str) -> Answer:
    """A body key stays bound to its receipt for ever."""
    if known.fingerprint != print_:
        raise other_request()
    return Answer(parts.show(known), CREATED, 200, headers={"Idempotent-Replayed": "true"})


def _stamping(router: Router, parts: ReceiptParts) -> None:
    @router.post("/receipts/{id}/stamp", STAMPED, also=(202,), bucket="stamp", example=STAMP)
    async def stamp_receipt(call: Call, caller: Caller, body: StampBody, id: str, claim: Claim) -> Answer:  # noqa: A002
        prefers_async = "respond-async" in (call.header("prefer") or "").lower()
        return await stamp.stamp(parts, Stamping(caller, id, body, claim, prefers_async))

    @router.post("/clients/{id}/stamp-pending-receipts", "Pending receipts processed", bucket="stamp")
    async def stamp_pending_receipts(caller: Caller, id: str, claim: Claim) -> Any:  # noqa: A002
        return await pending.stamp_pending(parts, caller, id, claim)


def _closing(router: Router, parts: ReceiptParts) -> None:
    @router.delete("/receipts/{id}", "Receipt canceled successfully")
    async def cancel_receipt(caller: Caller, id: str) -> Raw:  # noqa: A002
        at_ms = parts.clock.now_ms()
        return parts.show(await parts.database.write(lambda tx: close.cancel(tx, parts, caller, id, at_ms)))

    @router.post("/receipts/{id}/reopen", "Receipt reopened successfully")
    async def reopen_receipt(caller: Caller, body: ReopenBody, id: str, claim: Claim) -> Any:  # noqa: A002
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> Raw:
            return parts.show(close.reopen(tx, parts, caller, id, body.reason, at_ms))

        return await claim.once(parts.database, unit)
