"""Sessions of people in the hosted pages: an opaque cookie, a token per form bound to it. Only digests are stored."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from timbra.platform.db import Tx
from timbra.platform.ids import new_token
from timbra.users import store
from timbra.users.links import HOUR_MS, MINUTE_MS, digest

COOKIE: Final = "timbra_session"
LIFE_MS: Final = 3 * 24 * HOUR_MS
IDLE_MS: Final = 8 * HOUR_MS
TOUCH_MS: Final = MINUTE_MS  # how often the time of last use is written


@dataclass(frozen=True, slots=True)
class Session:
    """A session just begun: the only time its token is readable."""

    token: str
    user_id: str


def begin(tx: Tx, user_id: str, *, at_ms: int) -> Session:
    """The user is signed in until the session ends, at the latest after 3 days."""
    token = "us_" + new_token()
    store.add_session(tx, digest(token), user_id, at_ms=at_ms, expires_ms=at_ms + LIFE_MS)
    return Session(token, user_id)


def user_of(tx: Tx, token: str, *, at_ms: int) -> str | None:
    """The user of a living session, None for any other token; 8 hours without use end it. Needs a writing unit."""
    found = store.session(tx, digest(token))
    if found is None:
        return None
    user_id, used_ms, expires_ms = found
    if at_ms >= expires_ms or at_ms - used_ms >= IDLE_MS:
        store.end_session(tx, digest(token))
        return None
    if at_ms - used_ms >= TOUCH_MS:
        store.touch_session(tx, digest(token), at_ms)
    return user_id


def end(tx: Tx, token: str) -> None:
    """Signed out."""
    store.end_session(tx, digest(token))


def end_all(tx: Tx, user_id: str) -> None:
    """Signed out everywhere."""
    store.end_sessions(tx, user_id)


def cookie(token: str, *, is_secure: bool) -> str:
    """The Set-Cookie value of a session (contract portals.md section 2)."""
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={token}; Path=/; Max-Age={LIFE_MS // 1000}; HttpOnly; SameSite=Lax{secure}"


@dataclass(frozen=True, slots=True)
class FormTokens:
    """CSRF tokens: each good for one form of one session. ``key``: 32 bytes derived for this use alone."""

    key: bytes

    def mint(self, session_token: str, form: str) -> str:
        """The hidden field of ``form`` (a path such as ``/team/settings``)."""
        return hmac.digest(self.key, f"{form}\n{session_token}".encode(), hashlib.sha256).hex()

    def holds(self, session_token: str, form: str, given: str) -> bool:
        """Whether the field came back from that very form of that very session."""
        return hmac.compare_digest(self.mint(session_token, form).encode(), given.encode())
