"""What the verbs of this room work with; ``wiring`` puts it together once."""

from dataclasses import dataclass

from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.mail import Outbox


@dataclass(frozen=True, slots=True)
class UserParts:
    """Everything the room needs from outside."""

    database: Database
    clock: Clock
    mail: Outbox
    portal_url: str  # origin of the hosted pages
