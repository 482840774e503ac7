"""Schedule the removal of a team, and remove it for good on its day."""

from dataclasses import replace
from typing import Any, Final

import structlog

from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, Conflict, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import SERVER, TeamScope
from timbra.teams import store, store_people, store_removal
from timbra.teams.parts import TeamParts
from timbra.teams.store import Removal
from timbra.teams.wire import removal_json

GRACE_MS: Final = 30 * 24 * 3_600_000
BLOCKING: Final = (
    "stripe", "mercadopago", "paypal", "openpay", "conekta", "clip", "bank", "shopify", "whmcs", "hilos",
)  # fmt: skip

log = structlog.get_logger(__name__)


def schedule(tx: Tx, parts: TeamParts, caller: Caller, *, at_ms: int) -> dict[str, Any]:
    """The team is pending_deletion for 30 days: nobody is a member, keys only read. Raises Conflict, BusinessRule."""
    team = store.lock(tx, caller.scope.team_id)
    if team is None:
        raise NotFound.at("id")
    if not team.is_active:
        raise Conflict("The team is scheduled for deletion already")
    if parts.has_documents(tx, team.id):
        raise BusinessRule("The team has documents: it cannot be deleted")
    connected = [name for name in BLOCKING if name in parts.connected(tx, team.id)]
    if connected:
        raise BusinessRule("The team has connected integrations: disconnect them first", details=connected)
    removal = Removal(at_ms + GRACE_MS, at_ms, caller.user_id)
    store.save(tx, replace(team, status=store.PENDING_DELETION, removal=removal, updated_ms=at_ms))
    store.end_onboarding(tx, team.id)
    store_people.dissolve(tx, team.id, at_ms)
    audit.append(tx, caller.scope, Action.TEAM_DELETE, team.id, caller.actor, at_ms)
    return {"id": team.id, "status": store.PENDING_DELETION, "scheduled_deletion": removal_json(removal)}


async def remove_due(parts: TeamParts) -> int:
    """Teams whose day has come are gone, with all that is theirs but the audit log; how many."""
    now_ms = parts.clock.now_ms()
    due = await parts.database.read(lambda tx: store.due_for_removal(tx, now_ms))
    removed = 0
    for team_id in due:
        removed += await parts.database.write(lambda tx, team_id=team_id: _remove(tx, parts, team_id, now_ms))  # type: ignore[misc]
    return removed


def _remove(tx: Tx, parts: TeamParts, team_id: str, now_ms: int) -> bool:
    team = store.lock(tx, team_id)
    if team is None or team.is_active:
        return False
    if parts.has_documents(tx, team_id):  # made in the seconds in which another replica still knew it as active
        log.error("team_not_removed", team=team_id, reason="it has documents")
        return False
    store_removal.erase(tx, team_id)
    scope = TeamScope(team_id, livemode=False)
    audit.append(tx, scope, Action.TEAM_DELETE, team_id, SERVER, now_ms, outcome="removed")
    return True
