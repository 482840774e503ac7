"""Who is calling, and what a call needs: credential, effective team, scope and role.

``timbra.teams`` implements ``Authenticator``. A handler that declares a parameter ``caller: Caller`` gets the result;
``caller.scope`` is the first argument of every store function.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from timbra.http.errors import InsufficientPermissions, InvalidToken, Unauthorized
from timbra.platform.scope import Actor, TeamScope

AREAS_OUTSIDE_READ = frozenset({"users", "keys"})


class Role(IntEnum):
    """What a person or key may do; a higher role includes the lower ones."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3
    OWNER = 4


@dataclass(frozen=True, slots=True)
class Access:
    """What an operation asks of its caller. ``area`` None: any valid key.

    while_pending: it also answers for the very team that waits for its deletion.
    """

    area: str | None
    write: bool = False
    role: Role = Role.VIEWER
    while_pending: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """A valid key: the record's facts, never the token's claims. ``scopes`` holds ``*`` for everything."""

    key_id: str
    team_id: str
    livemode: bool
    user_id: str
    billing_account: str
    scopes: frozenset[str] = frozenset({"*"})
    role: Role = Role.ADMIN


class Authenticator(Protocol):
    """Turns credentials into callers."""

    async def authenticate(self, token: str) -> Identity:
        """The key behind a token. Raises InvalidToken, one text for every cause."""
        ...

    async def effective_team(
        self, identity: Identity, access: Access, *, team: str | None, path_team: str | None
    ) -> TeamScope:
        """Whose data the call acts on.

        team: the query parameter; path_team: the id of a path that itself names a team. Raises NotFound,
        InsufficientPermissions, Forbidden.
        """
        ...

    async def note_crossing(self, caller: "Caller") -> None:
        """The audit log tells that the caller read another team's data; a write leaves a row of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated call. ``scope`` is the effective team with the key's mode."""

    scope: TeamScope
    home_team: str
    key_id: str
    user_id: str
    billing_account: str
    scopes: frozenset[str]
    role: Role
    request_id: str
    ip: str | None = None

    @property
    def actor(self) -> Actor:
        """The audit log's view of this caller."""
        return Actor(self.key_id, self.user_id, self.role.name.lower(), self.home_team, self.request_id, self.ip)

    @property
    def crosses_teams(self) -> bool:
        """Whether the key's scopes allow it to act on other teams."""
        return not self.scopes.isdisjoint(("*", "connect"))

    def may(self, access: Access) -> bool:
        """Whether scopes and role allow ``access``."""
        return self.role >= access.role and _scopes_allow(self.scopes, access)


def _scopes_allow(scopes: frozenset[str], access: Access) -> bool:
    if access.area is None or "*" in scopes or f"{access.area}:write" in scopes:
        return True
    if access.write:
        return False
    return f"{access.area}:read" in scopes or ("read" in scopes and access.area not in AREAS_OUTSIDE_READ)


def token_of(authorization: str | None) -> str:
    """The token of an Authorization header, with or without ``Bearer``. Raises Unauthorized, InvalidToken."""
    words = (authorization or "").split()
    if not words:
        raise Unauthorized
    if words[0].lower() == "bearer":
        words = words[1:]
    if len(words) != 1:
        raise InvalidToken
    return words[0]


async def identify(
    authenticator: Authenticator,
    identity: Identity,
    access: Access,
    *,
    team: str | None,
    path_team: str | None,
    request_id: str,
    ip: str | None,
) -> Caller:
    """The caller of an operation: team resolved, then role and scope checked. Raises InsufficientPermissions."""
    scope = await authenticator.effective_team(identity, access, team=team or None, path_team=path_team)
    caller = Caller(
        scope=scope,
        home_team=identity.team_id,
        key_id=identity.key_id,
        user_id=identity.user_id,
        billing_account=identity.billing_account,
        scopes=identity.scopes,
        role=identity.role,
        request_id=request_id,
        ip=ip,
    )
    if not caller.may(access):
        raise InsufficientPermissions
    if scope.team_id != identity.team_id and not access.write:
        await authenticator.note_crossing(caller)
    return caller
