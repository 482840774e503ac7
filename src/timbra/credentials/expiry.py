"""Warnings before a CSD ends: an event 60, 30, 7 and 1 days before, mail to the owner 30 and 7 days before."""

from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from timbra.credentials import store
from timbra.credentials.connect import tell
from timbra.credentials.parts import CredentialParts
from timbra.credentials.store import Ending
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams.owner_mail import tell_owner

DAYS = (60, 30, 7, 1)
MAIL_DAYS = (30, 7)
DAY_MS = 86_400_000
ZONE = ZoneInfo("America/Mexico_City")


async def warn(parts: CredentialParts, scope: TeamScope | None = None) -> int:
    """Owners know of every CSD in use that ends soon; how many warnings were given now. Each is given once.

    scope: of this team alone, by its own clock. After a pause of the server only the latest of the warnings that became due is given.
    """
    now_ms = parts.clock.now_ms()
    ending = await parts.database.read(lambda tx: store.ending(tx, now_ms, now_ms + max(DAYS) * DAY_MS, scope))
    given = 0
    for csd in ending:
        given += await parts.database.write(partial(_warn, parts=parts, csd=csd, now_ms=now_ms))
    return given


def _warn(tx: Tx, parts: CredentialParts, csd: Ending, now_ms: int) -> bool:
    left_ms = csd.not_after_ms - now_ms
    due = [days for days in DAYS if left_ms <= days * DAY_MS]
    fresh = [days for days in due if store.note_warning(tx, csd, days, now_ms)]
    if not due or due[-1] not in fresh:
        return False
    tell(tx, parts, csd.scope, "teams.sat.expiring", now_ms)
    if due[-1] in MAIL_DAYS:
        last_day = datetime.fromtimestamp(csd.not_after_ms // 1000, UTC).astimezone(ZONE)
        values = {
            "certificate_number": csd.number,
            "tax_id": csd.rfc,
            "days": -(-left_ms // DAY_MS),  # a begun day counts
            "expires_on": f"{last_day:%Y-%m-%d}",
        }
        tell_owner(tx, parts.mail, csd.scope, "csd_expiring", values, now_ms)
    return True
