"""Whoever a verb of this room acts as when no request is at hand."""

from dataclasses import dataclass

from timbra.http.caller import Caller, Role
from timbra.platform.scope import SERVER, Actor, TeamScope
from timbra.teams.store import Team


@dataclass(frozen=True, slots=True)
class ActingCaller(Caller):
    """A caller for the audit log's sake: ``by`` is what it will say."""

    by: Actor = SERVER

    @property
    def actor(self) -> Actor:
        """Who it was."""
        return self.by


def acting(scope: TeamScope, owner: str, billing_account: str = "", by: Actor = SERVER) -> ActingCaller:
    """The server at work for a team. owner: whose the documents are that it makes."""
    return ActingCaller(scope, scope.team_id, "", owner, billing_account, frozenset("*"), Role.ADMIN, "", by=by)


def acting_for_team(team: Team, *, livemode: bool) -> ActingCaller:
    """The server at work for the team in one mode."""
    return acting(TeamScope(team.id, livemode), team.owner, team.billing_account)
