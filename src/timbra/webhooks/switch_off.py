"""Endpoints that nobody answers at are switched off, and their owners are told (contract §6)."""

from dataclasses import replace
from functools import partial
from typing import Final

from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import SERVER, TeamScope
from timbra.platform.tenancy import acting_for
from timbra.teams.owner_mail import tell_admins
from timbra.webhooks import store, store_deliveries
from timbra.webhooks.model import FAILING, INACTIVE
from timbra.webhooks.names import DISABLED
from timbra.webhooks.parts import WebhookParts

FAILING_FOR_MS: Final = 5 * 24 * 3_600_000
MAIL: Final = "webhook_disabled"
SWEEP: Final = 100


def switch_off(tx: Tx, parts: WebhookParts, scope: TeamScope, endpoint_id: str, reason: str, now_ms: int) -> bool:
    """The endpoint is inactive, what waited has failed, the admins have mail and the team an event. False: it was off.

    reason: ``failing`` or ``gone``.
    """
    endpoint = store.lock(tx, scope, endpoint_id)
    if endpoint is None or not endpoint.is_active:
        return False
    off = replace(endpoint, status=INACTIVE, disabled_reason=reason, updated_ms=now_ms)
    store.save(tx, scope, off)
    store_deliveries.end_open(tx, scope, endpoint_id, now_ms)
    events.append(tx, scope, DISABLED, endpoint_id, json.dumps(off.to_wire(now_ms)), now_ms)
    changes = {"status": {"old": endpoint.status, "new": INACTIVE}, "disabled_reason": {"old": None, "new": reason}}
    audit.append(tx, scope, Action.WEBHOOK_UPDATE, endpoint_id, SERVER, now_ms, changes=changes)
    tell_admins(tx, parts.mail, scope, MAIL, {"url": endpoint.url, "webhook": endpoint_id, "reason": reason}, now_ms)
    return True


async def switch_off_failing(parts: WebhookParts) -> int:
    """Endpoints without a success in five days since their first failure are off; how many went off now."""
    now_ms = parts.clock.now_ms()
    before_ms = now_ms - FAILING_FOR_MS
    found = await parts.database.read(partial(store.failing_since, before_ms=before_ms, limit=SWEEP))
    count = 0
    for scope, endpoint_id in found:
        with acting_for(scope):
            unit = partial(_if_still_failing, parts=parts, scope=scope, endpoint_id=endpoint_id, now_ms=now_ms)
            count += await parts.database.write(unit)
    return count


def _if_still_failing(tx: Tx, *, parts: WebhookParts, scope: TeamScope, endpoint_id: str, now_ms: int) -> bool:
    endpoint = store.get(tx, scope, endpoint_id)
    if endpoint is None or not has_failed_long(endpoint.failing_since_ms, now_ms):
        return False
    return switch_off(tx, parts, scope, endpoint_id, FAILING, now_ms)


def has_failed_long(failing_since_ms: int | None, now_ms: int) -> bool:
    """Whether the failure clock has run for five days."""
    return failing_since_ms is not None and now_ms - failing_since_ms >= FAILING_FOR_MS
