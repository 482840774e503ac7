"""Who belongs to a team (contract teams.md section 8)."""

from typing import Any

from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.teams import store, store_people
from timbra.teams.store import Team
from timbra.teams.store_people import Membership, User


def add(tx: Tx, caller: Caller, user_id: str, role: str, *, at_ms: int) -> dict[str, Any]:
    """The user is in the team with this role. Raises NotFound, BusinessRule for the owner."""
    team, user = _both(tx, caller, user_id)
    if user_id == team.owner:
        raise BusinessRule("id: the owner's role cannot change")
    join(tx, caller, Membership(team.id, user_id, role), at_ms=at_ms)
    return {"team": team.id, "id": user.id, "email": user.email, "role": role}


def join(tx: Tx, caller: Caller, member: Membership, *, at_ms: int) -> None:
    """The membership is stored with its audit row; nothing happens when it is there already."""
    before = store_people.role_in(tx, member.team_id, member.user_id)
    if before == member.role:
        return
    store_people.set_role(tx, member, at_ms)
    changes = {"role": {"old": before, "new": member.role}}
    audit.append(tx, caller.scope, Action.TEAM_MEMBER_ADD, member.user_id, caller.actor, at_ms, changes=changes)


def remove(tx: Tx, caller: Caller, user_id: str, *, at_ms: int) -> dict[str, Any]:
    """The user is not in the team any more. Raises NotFound, BusinessRule for the owner."""
    team, user = _both(tx, caller, user_id)
    if user_id == team.owner:
        raise BusinessRule("id: the owner cannot be removed")
    if not store_people.remove_member(tx, team.id, user.id):
        raise NotFound.at("id")
    audit.append(tx, caller.scope, Action.TEAM_MEMBER_REMOVE, user.id, caller.actor, at_ms)
    return {"team": team.id, "id": user.id, "removed": True}


def _both(tx: Tx, caller: Caller, user_id: str) -> tuple[Team, User]:
    team = store.lock(tx, caller.scope.team_id)
    if team is None:
        raise NotFound
    user = store_people.in_account(tx, team.billing_account, user_id)
    if user is None:
        raise NotFound.at("id")
    return team, user
