"""What the verbs of this room work with; ``wiring`` puts it together once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from timbra.pac.sandbox.controls import Controls
from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.due import Due
from timbra.platform.scope import TeamScope
from timbra.platform.team_clock import TeamClock


@dataclass(frozen=True, slots=True)
class SandboxParts:
    """Everything the room needs from outside."""

    database: Database
    clock: TeamClock
    machine: Clock
    controls: Controls
    pacs: Sequence[str]  # names of the simulated PACs, in failover order
    due: Due  # done for the team when its clock was moved
    follow: Callable[[TeamScope, str], Awaitable[None]]  # looks at the cancellation of the document with this inv_ id
