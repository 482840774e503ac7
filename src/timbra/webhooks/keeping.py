"""What is kept and for how long (contract §6): events and deliveries 90 days."""

from functools import partial
from typing import Final

from timbra.platform.db import Tx
from timbra.webhooks import store_deliveries, store_events
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.trial import LOST_AFTER_MS

KEPT_MS: Final = 90 * 24 * 3_600_000
BATCH: Final = 1_000


async def forget_old(parts: WebhookParts) -> int:
    """Ended deliveries and events older than 90 days are gone, a batch per transaction; how many."""
    before_ms = parts.clock.now_ms() - KEPT_MS
    gone = 0
    for forget in (store_deliveries.forget, store_events.forget):
        count = BATCH
        while count == BATCH:
            count = await parts.database.write(partial(forget, before_ms=before_ms, limit=BATCH))
            gone += count
    return gone


async def end_lost_tests(parts: WebhookParts) -> int:
    """Tests whose process died have ended; how many."""
    now_ms = parts.clock.now_ms()

    def unit(tx: Tx) -> int:
        return store_deliveries.end_lost_tests(tx, now_ms - LOST_AFTER_MS, now_ms)

    return await parts.database.write(unit)
