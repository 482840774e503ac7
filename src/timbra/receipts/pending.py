"""Stamp what a client's receipts are waiting for (contract clients.md section 2)."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from timbra.clients import store as clients
from timbra.http.caller import Caller
from timbra.http.envelope import JSONReply
from timbra.http.errors import ApiError, CfdiRefused, Conflict, NotFound, Unavailable
from timbra.http.idempotency import Claim
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.receipts import store
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.schemas import StampBody
from timbra.receipts.stamp import Stamping, note_failure, stamp

AT_MOST = 100
AT_ONCE = 4
FAILED_AGO_MS = 10 * 60_000
BEGIN_WITHIN_S = 20  # what has not begun by then is left for the next call
RECORDED = (CfdiRefused, Unavailable)  # refusals that the receipt tells of already


@dataclass(slots=True)
class _Run:
    parts: ReceiptParts
    caller: Caller
    claim: Claim
    until_s: float


async def stamp_pending(parts: ReceiptParts, caller: Caller, client_id: str, claim: Claim) -> JSONReply:
    """Up to 100 pending receipts of the client are stamped to it, oldest first; what became of each. Raises NotFound."""

    def find(tx: Tx) -> list[str]:
        if clients.get(tx, caller.scope, client_id) is None:
            raise NotFound
        return store.stampable(tx, caller.scope, client_id, parts.clock.now_ms() - FAILED_AGO_MS, AT_MOST)

    ids = await parts.database.read(find)
    # Each receipt is stamped once whatever happens, so the request's key is for the reply alone.
    run = _Run(parts, caller, replace(claim, slot=None), monotonic_s() + BEGIN_WITHIN_S)
    gate = asyncio.Semaphore(AT_ONCE)
    found = await asyncio.gather(*(_one(run, gate, receipt_id) for receipt_id in ids))
    results = [result for result in found if result is not None]
    return await claim.once(parts.database, partial(_told, parts, caller, client_id, results))


async def _one(run: _Run, gate: asyncio.Semaphore, receipt_id: str) -> dict[str, Any] | None:
    """What became of the receipt; None when its turn did not come or somebody else is at it."""
    async with gate:
        if monotonic_s() > run.until_s:
            return None
        asked = Stamping(run.caller, receipt_id, StampBody.model_validate({}), replace(run.claim))
        try:
            await stamp(run.parts, asked)
        except Conflict:
            return None
        except ApiError as error:
            await _note(run, receipt_id, error)
            told = {"code": error.code.value, "message": error.message}
            return {"id": receipt_id, "status": "failed", "invoice": None, "error": told}
        receipt = await run.parts.database.look(lambda tx: store.get(tx, run.caller.scope, receipt_id))
        assert receipt is not None, "receipts are never deleted"
        status = "pending" if receipt.invoice_id is None else "stamped"
        return {
            "id": receipt_id,
            "status": status,
            "invoice": receipt.invoice_id or receipt.stamping_id,
            "error": None,
        }


async def _note(run: _Run, receipt_id: str, error: ApiError) -> None:
    if isinstance(error, RECORDED):
        return
    receipt = await run.parts.database.look(lambda tx: store.get(tx, run.caller.scope, receipt_id))
    assert receipt is not None, "receipts are never deleted"
    await run.parts.database.write(partial(note_failure, parts=run.parts, receipt=receipt, error=error))


def _told(parts: ReceiptParts, caller: Caller, client_id: str, results: list[dict[str, Any]], tx: Tx) -> dict[str, Any]:
    at_ms = parts.clock.now_ms()
    counts = {word: sum(one["status"] == word for one in results) for word in ("stamped", "failed")}
    remaining = store.count_stampable(tx, caller.scope, client_id, at_ms - FAILED_AGO_MS)
    action = Action.CLIENT_STAMP_PENDING_RECEIPTS
    audit.append(tx, caller.scope, action, client_id, caller.actor, at_ms, changes=counts)
    return {**counts, "remaining": remaining, "results": results}
