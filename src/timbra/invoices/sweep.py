"""Due work, found again from our own rows: what dead or overtaken processes left is finished by the same verbs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from timbra.invoices import cancel_follow, record, stamp, store_cancel, store_stamping
from timbra.invoices.parts import ALARM_AFTER_MS, HOUR_MS, MINUTE_MS, InvoiceParts
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.tenancy import acting_for

log = structlog.get_logger(__name__)

BATCH = 100
AT_ONCE = 8


async def stamp_due(parts: InvoiceParts, scope: TeamScope | None = None) -> int:
    """Every pending document whose next try is due has had it, in the order of creation; how many.

    scope: of this team alone, by its own clock.
    """
    done = 0
    while True:
        look = partial(store_stamping.due, now_ms=parts.clock.now_ms(), limit=BATCH, scope=scope)
        due = await parts.database.read(look)
        worked: set[tuple[TeamScope, str]] = set()
        await _each(due, partial(_resume, parts, worked))
        done += len(due)
        if not await _hasten(parts, worked) and len(due) < BATCH:
            return done


async def _resume(parts: InvoiceParts, worked: set[tuple[TeamScope, str]], scope: TeamScope, invoice_id: str) -> None:
    """One try; ``worked`` is told when it was a later one and a live PAC stamped at last."""
    settled = await stamp.resume(parts, scope, invoice_id)
    if scope.livemode and settled is not None and settled.tries and settled.stamp is not None:
        worked.add((scope, json.loads(settled.stamp.encode())["provider"]))


async def _hasten(parts: InvoiceParts, worked: set[tuple[TeamScope, str]]) -> bool:
    """What waits for a PAC that works again is due now, not at the next step of its plan; whether anything was."""
    now_ms, found = parts.clock.now_ms(), 0
    for scope, pac in worked:
        with acting_for(scope):
            found += await parts.database.write(partial(store_stamping.hasten, scope=scope, pac=pac, now_ms=now_ms))
    return found > 0


async def alarm_overdue(parts: InvoiceParts, scope: TeamScope | None = None) -> int:
    """Every document that has been pending for 24 or 60 hours has alarmed somebody, once each; how many did now."""
    now_ms, done = parts.clock.now_ms(), 0
    for after_ms in ALARM_AFTER_MS:
        found = BATCH
        while found == BATCH:
            found = await parts.database.write(partial(_alarm, scope=scope, after_ms=after_ms, now_ms=now_ms))
            done += found
    return done


def _alarm(tx: Tx, *, scope: TeamScope | None, after_ms: int, now_ms: int) -> int:
    reason = f"pending for {after_ms // HOUR_MS} hours"
    late = store_stamping.overdue(tx, now_ms - after_ms, reason, BATCH, scope)
    for invoice in late:
        record.alarmed(tx, invoice, reason, now_ms)
        log.error("invoice_alarm", invoice=invoice.id, team=invoice.team_id, reason=reason)
    return len(late)


async def follow_cancellations(parts: InvoiceParts, scope: TeamScope | None = None) -> int:
    """Every open cancellation that is due has been looked at, a batch at most; how many."""
    now_ms = parts.clock.now_ms()
    due = await parts.database.write(lambda tx: store_cancel.claim_due(tx, now_ms, now_ms + MINUTE_MS, BATCH, scope))
    await _each(due, lambda scope, invoice_id: cancel_follow.follow(parts, scope, invoice_id))
    return len(due)


async def _each(due: list[tuple[TeamScope, str]], verb: Callable[[TeamScope, str], Awaitable[object]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(scope: TeamScope, invoice_id: str) -> None:
        async with gate:
            try:
                with acting_for(scope):
                    await verb(scope, invoice_id)
            except Exception:  # one document's trouble must not stop the others
                log.exception("sweep_failed", invoice=invoice_id)

    await asyncio.gather(*(one(*pair) for pair in due))
