"""One-time links: random tokens of which only digests are stored."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from timbra.platform.db import Tx
from timbra.platform.ids import new_token
from timbra.users import store

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
INVITATION_MS: Final = 7 * 24 * HOUR_MS
SIGNUP_MS: Final = 24 * HOUR_MS
RESET_MS: Final = HOUR_MS
LOGIN_MS: Final = 15 * MINUTE_MS


class Purpose(StrEnum):
    """What a token is good for."""

    PASSWORD = "password"  # noqa: S105 (a purpose, not a secret)
    LOGIN = "login"


_PREFIX: Final = {Purpose.PASSWORD: "pw_", Purpose.LOGIN: "ll_"}
_PAGE: Final = {Purpose.PASSWORD: "set-password", Purpose.LOGIN: "login"}


@dataclass(frozen=True, slots=True)
class Link:
    """A link just made: the only time its token is readable."""

    url: str
    token: str
    expires_ms: int


def make(tx: Tx, portal_url: str, user_id: str, purpose: Purpose, *, at_ms: int, life_ms: int) -> Link:
    """A link of the hosted pages that works once and lives ``life_ms``."""
    token = _PREFIX[purpose] + new_token()
    store.add_token(tx, digest(token), user_id, purpose.value, at_ms=at_ms, expires_ms=at_ms + life_ms)
    return Link(f"{portal_url}/{_PAGE[purpose]}?{urlencode({'token': token})}", token, at_ms + life_ms)


def digest(token: str) -> bytes:
    """What is stored of a token: 256 bits of entropy need no salt."""
    return hashlib.sha256(token.encode()).digest()
