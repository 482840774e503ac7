"""Due work, found again from our own rows: what dead or overtaken processes left is finished by the same verbs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from timbra.invoices import cancel_follow, stamp, store_cancel, store_stamping
from timbra.invoices.parts import MINUTE_MS, InvoiceParts
from timbra.platform.scope import TeamScope

log = structlog.get_logger(__name__)

BATCH = 100
AT_ONCE = 8


async def stamp_due(parts: InvoiceParts) -> int:
    """Every pending document whose next try is due has had it, in the order of creation; how many."""
    done = 0
    while True:
        due = await parts.database.read(partial(store_stamping.due, now_ms=parts.clock.now_ms(), limit=BATCH))
        if not due:
            return done
        await _each(due, lambda scope, invoice_id: stamp.resume(parts, scope, invoice_id))
        done += len(due)
        if len(due) < BATCH:
            return done


async def follow_cancellations(parts: InvoiceParts) -> int:
    """Every open cancellation that is due has been looked at; how many."""
    now_ms = parts.clock.now_ms()
    due = await parts.database.write(lambda tx: store_cancel.claim_due(tx, now_ms, now_ms + MINUTE_MS, BATCH))
    await _each(due, lambda scope, invoice_id: cancel_follow.follow(parts, scope, invoice_id))
    return len(due)


async def _each(due: list[tuple[TeamScope, str]], verb: Callable[[TeamScope, str], Awaitable[object]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(scope: TeamScope, invoice_id: str) -> None:
        async with gate:
            try:
                await verb(scope, invoice_id)
            except Exception:  # one document's trouble must not stop the others
                log.exception("sweep_failed", invoice=invoice_id)

    await asyncio.gather(*(one(*pair) for pair in due))
