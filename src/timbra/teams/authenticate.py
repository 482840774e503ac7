"""From a token to the effective team: the only place that reads the ``team`` parameter (contract auth.md sections 1, 4)."""

import hmac
from dataclasses import dataclass

from timbra.http.caller import Access, Identity
from timbra.http.errors import FieldError, Forbidden, InsufficientPermissions, Invalid, InvalidToken, NotFound
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store, store_keys
from timbra.teams.keys import InvalidToken as TokenRefused
from timbra.teams.keys import TokenKeys, fingerprint
from timbra.teams.store import Team
from timbra.teams.store_keys import ApiKey

RECORD_CACHE_MS = 5_000  # a revocation holds everywhere within this time
CACHE_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    identity: Identity
    expires_ms: int | None
    read_ms: int


class TeamAuthenticator:
    """Checks tokens against their records, which are the authority; an answer is reused for at most 5 s."""

    def __init__(self, database: Database, keys: TokenKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._status: dict[str, str] = {}  # of the teams of known keys

    async def authenticate(self, token: str) -> Identity:
        """The key behind a token. Raises InvalidToken, one text for every cause."""
        return (await self._record(token)).identity

    async def _record(self, token: str) -> _Known:
        digest = fingerprint(token)
        now_ms = self._clock.now_ms()
        known = self._known.get(digest)
        if known is None or now_ms - known.read_ms >= RECORD_CACHE_MS:
            known = await self._read(token, digest, now_ms)
        if known.expires_ms is not None and known.expires_ms <= now_ms:
            raise InvalidToken
        return known

    async def _read(self, token: str, digest: bytes, now_ms: int) -> _Known:
        self._known.pop(digest, None)
        try:
            claims = self._keys.verify(token)
        except TokenRefused:
            raise InvalidToken from None

        def unit(tx: Tx) -> tuple[ApiKey | None, Team | None]:
            return store_keys.api_key(tx, claims.key_id), store.team(tx, claims.team_id)

        key, home = await self._database.read(unit)
        if key is None or home is None or key.revoked_ms is not None:
            raise InvalidToken
        if not hmac.compare_digest(key.token_sha256, digest):
            raise InvalidToken
        if (key.team_id, key.livemode) != (claims.team_id, claims.livemode):
            raise InvalidToken
        identity = Identity(
            key_id=key.key_id,
            team_id=key.team_id,
            livemode=key.livemode,
            user_id=key.created_by,
            billing_account=home.billing_account,
            scopes=frozenset(key.scopes),
        )
        known = _Known(identity, key.expires_ms, now_ms)
        if len(self._known) >= CACHE_ENTRIES:
            self._known.clear()
            self._status.clear()
        self._known[digest] = known
        self._status[home.id] = home.status
        return known

    async def effective_team(
        self, identity: Identity, access: Access, *, team: str | None, path_team: str | None
    ) -> TeamScope:
        """Whose data the call acts on. Raises NotFound, InsufficientPermissions, Forbidden."""
        if path_team and team not in (None, identity.team_id, path_team):
            raise Invalid([FieldError("team", "conflict", "must be empty, the key's own team or the team of the path")])
        asked = path_team or team or identity.team_id
        if asked == identity.team_id:
            if access.write and self._status.get(asked) != "active":
                raise Forbidden
            return TeamScope(asked, identity.livemode)
        return await self._other_team(identity, asked, "id" if path_team else "team")

    async def _other_team(self, identity: Identity, asked: str, path: str) -> TeamScope:
        home, target = await self._database.read(lambda tx: (store.team(tx, identity.team_id), store.team(tx, asked)))
        if home is None or target is None or target.billing_account != home.billing_account:
            raise NotFound.at(path)
        is_scoped_out = "*" not in identity.scopes and "connect" not in identity.scopes
        if not home.connect_enabled or is_scoped_out:
            raise InsufficientPermissions
        if target.status != "active":
            raise Forbidden
        return TeamScope(asked, identity.livemode)
