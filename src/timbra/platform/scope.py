"""Whose data a statement may touch: the first argument of every store function."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TeamScope:
    """The effective team and mode of a call. Made by ``timbra.teams`` once per request, or read back from a stored row."""

    team_id: str
    livemode: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, for the audit log: a key and its user, or the server itself (both None)."""

    key_id: str | None = None
    user_id: str | None = None
    role: str | None = None
    home_team: str | None = None
    request_id: str | None = None
    ip: str | None = None


SERVER = Actor()
