"""Links to the page where the owner of a team uploads its certificate (contract teams.md section 11)."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from timbra.http.caller import Caller
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_secret, new_token
from timbra.platform.scope import TeamScope
from timbra.teams import store

LIFE_MS: Final = 7 * 24 * 3_600_000
CHECK_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Session:
    """What an open link allows: the slot of this team and mode, in the name of who made it."""

    scope: TeamScope
    made_by: str
    expires_ms: int


def open_link(tx: Tx, portal_url: str, scope: TeamScope, caller: Caller, *, at_ms: int) -> str:
    """A new link that lives 7 days; the team's earlier ones are ended. Only digests are stored."""
    session_id, check = f"ob_{new_token()}", new_secret(CHECK_BYTES).hex()
    store.replace_onboarding(
        tx,
        {
            "team_id": scope.team_id,
            "session_sha256": _digest(session_id),
            "check_sha256": _digest(check),
            "livemode": scope.livemode,
            "made_by": caller.user_id,
            "created_ms": at_ms,
            "expires_ms": at_ms + LIFE_MS,
        },
    )
    audit.append(tx, scope, Action.TEAM_ONBOARDING_URL, scope.team_id, caller.actor, at_ms)
    return f"{portal_url}/onboarding?{urlencode({'sessionId': session_id, 'c': check})}"


def session(tx: Tx, session_id: str, check: str, *, now_ms: int) -> Session | None:
    """What a link opens; None when it is unknown, ended or expired."""
    row = store.onboarding(tx, _digest(session_id))
    if row is None or row.expires_ms <= now_ms or not hmac.compare_digest(bytes(row.check_sha256), _digest(check)):
        return None
    return Session(TeamScope(row.team_id, row.livemode), row.made_by, row.expires_ms)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
