"""What the verbs of this room work with; ``wiring`` puts it together once."""

from dataclasses import dataclass

from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.egress import Egress
from timbra.platform.mail import Outbox
from timbra.webhooks.signing import Secrets


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """Everything the room needs from outside. The clock is the machine's: receivers live by it."""

    database: Database
    clock: Clock
    egress: Egress
    secrets: Secrets
    mail: Outbox
