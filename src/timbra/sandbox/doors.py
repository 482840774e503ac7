"""Ways into the control page: a test key typed in, or a link that the command line prints. Both open a session.

Links and sessions are signed texts with an end; nothing is stored. The session of a key ends with the key.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from timbra.http.caller import Access, Authenticator, Caller, Identity, Role, identify
from timbra.http.errors import InvalidToken
from timbra.platform import json
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store, store_keys

LINK_S = 24 * 3600
SESSION_S = 12 * 3600
ACCESS = Access("invoices", write=True, role=Role.EDITOR)
LINK, SESSION = "link", "session"


@dataclass(frozen=True)
class Doors:
    """Makes and checks links and sessions. ``key``: 32 bytes derived for this use alone."""

    key: bytes
    origin: str
    clock: Clock
    database: Database
    authenticator: Authenticator

    def link(self, team_id: str, origin: str) -> str:
        """A URL that opens the team's control page, for a day."""
        return f"{origin}/sandbox?pass={self._sign(LINK, team_id, '', LINK_S)}"

    async def by_key(self, token: str, *, request_id: str, ip: str | None) -> str:
        """A session for whoever holds the test key. Raises InvalidToken, InsufficientPermissions."""
        identity = await self.authenticator.authenticate(token)
        if identity.livemode:
            raise InvalidToken("A live key does not open the sandbox: use a test key")
        await identify(self.authenticator, identity, ACCESS, team=None, path_team=None, request_id=request_id, ip=ip)
        return self._sign(SESSION, identity.team_id, identity.key_id, SESSION_S)

    async def by_link(self, text: str) -> str:
        """A session for whoever has the link. Raises InvalidToken."""
        team_id, _ = self._read(LINK, text)
        return self._sign(SESSION, team_id, "", SESSION_S)

    async def caller(self, text: str, *, request_id: str, ip: str | None) -> Caller:
        """Who acts in the session. Raises InvalidToken when it is over, or its key or team is."""
        team_id, key_id = self._read(SESSION, text)
        now_ms = self.clock.now_ms()

        def unit(tx: Tx) -> Identity:
            team = store.team(tx, team_id)
            key = store_keys.api_key(tx, key_id) if key_id else None
            if team is None or not team.is_active or (key_id and (key is None or _is_over(key, now_ms))):
                raise InvalidToken
            user_id = key.created_by if key is not None else team.owner
            scopes = frozenset(key.scopes) if key is not None else frozenset({"*"})
            return Identity(key_id, team_id, False, user_id, team.billing_account, scopes)

        identity = await self.database.look(unit)
        return Caller(
            scope=TeamScope(team_id, livemode=False),
            home_team=team_id,
            key_id=key_id or "sandbox_link",
            user_id=identity.user_id,
            billing_account=identity.billing_account,
            scopes=identity.scopes,
            role=Role.EDITOR,
            request_id=request_id,
            ip=ip,
        )

    def _sign(self, kind: str, team_id: str, key_id: str, life_s: int) -> str:
        ends_s = self.clock.now_ms() // 1000 + life_s
        content = base64.urlsafe_b64encode(json.dumps([team_id, key_id, ends_s])).decode().rstrip("=")
        return f"{content}.{self._signature(kind, content)}"

    def _read(self, kind: str, text: str) -> tuple[str, str]:
        content, _, signature = text.partition(".")
        if not hmac.compare_digest(self._signature(kind, content).encode(), signature.encode()):
            raise InvalidToken
        padding = "=" * (-len(content) % 4)
        team_id, key_id, ends_s = json.loads(base64.urlsafe_b64decode(content + padding))
        if ends_s <= self.clock.now_ms() // 1000:
            raise InvalidToken
        return team_id, key_id

    def _signature(self, kind: str, content: str) -> str:
        return hmac.digest(self.key, f"{kind}\n{content}".encode(), hashlib.sha256).hex()


def _is_over(key: store_keys.ApiKey, now_ms: int) -> bool:
    status = key.status(now_ms)
    return status in (store_keys.KeyStatus.REVOKED, store_keys.KeyStatus.EXPIRED)
