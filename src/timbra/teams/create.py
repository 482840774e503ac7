"""Make a team in the billing account of the calling one."""

from dataclasses import dataclass, replace
from typing import Any

from timbra.http.caller import Caller
from timbra.http.errors import InsufficientPermissions, NotFound
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams import onboarding, store, store_people
from timbra.teams.bodies import CreateTeam
from timbra.teams.change import changed, fallback_name, refuse_problems
from timbra.teams.found import blank, open_team
from timbra.teams.parts import TeamParts
from timbra.teams.store import Team
from timbra.teams.store_people import OWNER, Membership
from timbra.teams.wire import team_json


@dataclass(frozen=True, slots=True)
class _Master:
    """The calling team, whose account the new one joins."""

    team: Team
    roles: dict[str, str]


def create(tx: Tx, parts: TeamParts, caller: Caller, body: CreateTeam, *, at_ms: int) -> dict[str, Any]:
    """The new team as the API shows it, with its event and audit row.

    Raises InsufficientPermissions when the key's team has no Connect, NotFound for an unknown member, Invalid.
    """
    home, master = store.team(tx, caller.home_team), store.team(tx, caller.scope.team_id)
    assert home is not None, "a caller has a team"
    assert master is not None, "a scope names a team"
    team = _team(master, caller, body, at_ms)
    refuse_problems(team)
    if not home.connect_enabled:
        raise InsufficientPermissions("The key's team has no Connect: it cannot make teams")
    members = _members(tx, _Master(master, store_people.roles_in(tx, master.id)), team, body)
    open_team(tx, team)
    for member in members:
        store_people.set_role(tx, member, at_ms)
    made = TeamScope(team.id, caller.scope.livemode)
    shown = team_json(tx, parts, team, livemode=made.livemode)
    events.append(tx, caller.scope, "teams.created", team.id, json.dumps(shown), at_ms)
    audit.append(tx, made, Action.TEAM_CREATE, team.id, caller.actor, at_ms)
    if body.generate_onboarding_url:
        shown["onboarding_url"] = onboarding.open_link(tx, parts.portal_url, made, caller, at_ms=at_ms)
    return shown


def _team(master: Team, caller: Caller, body: CreateTeam, at_ms: int) -> Team:
    team = changed(blank(master.billing_account, caller.user_id, "", at_ms), body.changes())
    return team if team.name else replace(team, name=fallback_name(team))


def _members(tx: Tx, master: _Master, team: Team, body: CreateTeam) -> list[Membership]:
    """Who joins besides the owner. Roles of the request win over those in the calling team."""
    roles: dict[str, str] = {}
    if body.add_master_team_members:
        roles = {user: "admin" if role == OWNER else role for user, role in master.roles.items()}
    for position, member in enumerate(body.add_members):
        if store_people.in_account(tx, team.billing_account, member.id) is None:
            raise NotFound.at(f"add_members[{position}].id")
        roles[member.id] = member.role
    return [Membership(team.id, user, role) for user, role in roles.items() if user != team.owner]
