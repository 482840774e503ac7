"""What wiring puts together for webhooks: their parts, and their schedules."""

from timbra.platform.addresses import Allowed
from timbra.platform.clock import Clock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.egress import Egress
from timbra.platform.jobs import Jobs
from timbra.platform.mail import Outbox
from timbra.platform.vault import Vault
from timbra.webhooks import signing
from timbra.webhooks.keeping import end_lost_tests, forget_old
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.signing import Secrets
from timbra.webhooks.switch_off import switch_off_failing


def webhook_parts(settings: Settings, database: Database, clock: Clock, vault: Vault, mail: Outbox) -> WebhookParts:
    """The room's parts; the calls go to URLs that teams have given."""
    egress = Egress(Allowed.of(settings.webhook_allow_private_hosts))
    return WebhookParts(database, clock, egress, Secrets(vault.opener(signing.PURPOSE)), mail)


def schedule_webhooks(jobs: Jobs, parts: WebhookParts) -> None:
    """What is not done by a courier, which each worker has."""

    async def tidy_up() -> None:
        await switch_off_failing(parts)
        await end_lost_tests(parts)

    async def forget() -> None:
        await forget_old(parts)

    jobs.every("webhooks.tidy_up", "31 */10 * * * *", tidy_up)
    jobs.every("webhooks.forget_old", "53 3 * * *", forget)
