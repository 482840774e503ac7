"""The wall between teams that stands behind the stores: whose rows a unit of work may touch.

A request acts for one team, background work for the team of the document at hand; the server itself (sign-in, sweeps,
schedules) acts for none. While a team is open, every statement on a table of teams' rows must carry that team's id: the
guard refuses any other before it runs, on both engines. On PostgreSQL row-level security stands behind the guard, for
roles that are no superuser. See docs/decisions/0013-tenant-wall.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import MetaData

from timbra.platform.scope import TeamScope

SERVER: Final = "*"

_team: ContextVar[str] = ContextVar("team", default=SERVER)
_mode: ContextVar[bool | None] = ContextVar("mode", default=None)


class ForeignStatement(Exception):
    """A statement that forgot whose rows it is about. It was not run."""


def open_team() -> str:
    """The team that is acted for, ``*`` for the server itself."""
    return _team.get()


def is_test() -> bool:
    """Whether a team's test mode is acted for: there its own clock counts (``platform.team_clock``)."""
    return _mode.get() is False


@contextmanager
def acting_for(whom: str | TeamScope) -> Iterator[None]:
    """What happens inside concerns rows of this team only.

    Give the scope wherever the mode is known: a team's id alone leaves the clock of the server in force.
    """
    team_id, livemode = (whom, None) if isinstance(whom, str) else (whom.team_id, whom.livemode)
    team, mode = _team.set(team_id), _mode.set(livemode)
    try:
        yield
    finally:
        _mode.reset(mode)
        _team.reset(team)


def server_wide() -> Any:
    """What happens inside concerns rows of several teams, on purpose."""
    return acting_for(SERVER)


class Guard:
    """Judges statements by their text and parameters; what it learnt of a text is kept."""

    def __init__(self, metadata: MetaData) -> None:
        self._metadata = metadata
        self._judged: dict[str, bool] = {}

    def check(self, statement: str, parameters: Any, *, is_many: bool) -> None:
        """Raises ForeignStatement unless the statement is about the open team, or about no team's rows."""
        team = _team.get()
        if team == SERVER or not self._touches_teams(statement):
            return
        for given in parameters if is_many else (parameters,):
            values = given.values() if isinstance(given, Mapping) else given
            if team not in values:
                raise ForeignStatement(f"no team in: {statement[:200]}")

    def _touches_teams(self, statement: str) -> bool:
        known = self._judged.get(statement)
        if known is None:
            words = set(statement.replace("(", " ").replace(".", " ").replace(",", " ").replace('"', " ").split())
            known = any(table in words for table in team_tables(self._metadata))
            if len(self._judged) < 5_000:
                self._judged[statement] = known
        return known


def team_tables(metadata: MetaData) -> Sequence[str]:
    """Tables whose rows belong to a team."""
    return [table.name for table in metadata.sorted_tables if "team_id" in table.columns]
