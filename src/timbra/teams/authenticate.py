"""From a token to the effective team: the only place that reads the ``team`` parameter (contract auth.md sections 1, 4)."""

import hmac
from dataclasses import dataclass

from timbra.http.caller import Access, Caller, Identity
from timbra.http.errors import FieldError, Forbidden, InsufficientPermissions, Invalid, InvalidToken, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store, store_keys
from timbra.teams.key_use import KeyUse
from timbra.teams.keys import LEEWAY_S, TokenKeys, fingerprint
from timbra.teams.keys import InvalidToken as TokenRefused
from timbra.teams.store import ACTIVE, Team
from timbra.teams.store_keys import ApiKey

RECORD_CACHE_MS = 5_000  # a revocation holds everywhere within this time
CACHE_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    identity: Identity
    ends_ms: int | None  # by expiry or at the end of a rotation
    read_ms: int


class TeamAuthenticator:
    """Checks tokens against their records, which are the authority; an answer is reused for at most 5 s."""

    def __init__(self, database: Database, keys: TokenKeys, clock: Clock, use: KeyUse) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._use = use
        self._known: dict[bytes, _Known] = {}
        self._status: dict[str, str] = {}  # of the teams of known keys

    async def authenticate(self, token: str) -> Identity:
        """The key behind a token. Raises InvalidToken, one text for every cause."""
        return (await self._record(token)).identity

    def forget_records(self) -> None:
        """A change of any key counts in this process from the next request on; elsewhere within 5 s."""
        self._known.clear()

    async def _record(self, token: str) -> _Known:
        digest = fingerprint(token)
        now_ms = self._clock.now_ms()
        known = self._known.get(digest)
        if known is None or now_ms - known.read_ms >= RECORD_CACHE_MS:
            known = await self._read(token, digest, now_ms)
        if known.ends_ms is not None and known.ends_ms <= now_ms:
            raise InvalidToken
        self._use.note(known.identity.key_id, now_ms)
        return known

    async def _read(self, token: str, digest: bytes, now_ms: int) -> _Known:
        self._known.pop(digest, None)
        try:
            claims = self._keys.verify(token)
        except TokenRefused:
            raise InvalidToken from None

        def unit(tx: Tx) -> tuple[ApiKey | None, Team | None]:
            return store_keys.api_key(tx, claims.key_id), store.team(tx, claims.team_id)

        key, home = await self._database.look(unit)
        if key is None or home is None or key.ended_ms(now_ms) is not None:
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
        known = _Known(identity, _ends_ms(key), now_ms)
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
        is_own = asked == identity.team_id
        if access.write and self._status.get(identity.team_id) != ACTIVE and not (is_own and access.while_pending):
            raise Forbidden
        if is_own:
            return TeamScope(asked, identity.livemode)
        return await self._other_team(identity, access, asked, "id" if path_team else "team")

    async def _other_team(self, identity: Identity, access: Access, asked: str, path: str) -> TeamScope:
        home, target = await self._database.read(lambda tx: (store.team(tx, identity.team_id), store.team(tx, asked)))
        if home is None or target is None or target.billing_account != home.billing_account:
            raise NotFound.at(path)
        if not home.connect_enabled or identity.scopes.isdisjoint(("*", "connect")):
            raise InsufficientPermissions
        if not target.is_active and not access.while_pending:
            raise Forbidden
        return TeamScope(asked, identity.livemode)

    async def note_crossing(self, caller: Caller) -> None:
        """The audit log of the team that was read tells who read it."""
        at_ms = self._clock.now_ms()

        def unit(tx: Tx) -> None:
            audit.append(tx, caller.scope, Action.TEAM_READ, caller.scope.team_id, caller.actor, at_ms)

        await self._database.write(unit)


def _ends_ms(key: ApiKey) -> int | None:
    """When the key stops working; expiry has the leeway of the token's own."""
    expires_ms = None if key.expires_ms is None else key.expires_ms + LEEWAY_S * 1000
    return min((end for end in (expires_ms, key.revokes_ms) if end is not None), default=None)
