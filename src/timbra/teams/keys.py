"""API keys: Ed25519 JWTs whose record in the database is the authority (contract auth.md sections 1 and 2)."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from ulid import ULID

from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import store_keys as store
from timbra.teams.store import Team
from timbra.teams.store_keys import ApiKey, SigningKey

ALGORITHM = "EdDSA"
LEEWAY_S = 30


class InvalidToken(Exception):
    """The token opens nothing; why is never told."""


class KeyOpener(Protocol):
    """Seals and opens the private halves (``wiring`` binds it to this purpose)."""

    def seal(self, context: str, plain: bytes) -> str: ...

    def open(self, context: str, sealed: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Claims:
    """What a well-signed token says of itself."""

    key_id: str
    team_id: str
    livemode: bool


class TokenKeys:
    """Signs with the newest key, verifies with all of them. Call ``load`` before use and after a rotation."""

    def __init__(self, opener: KeyOpener, clock: Clock, issuer: str) -> None:
        self._opener = opener
        self._clock = clock
        self._issuer = issuer
        self._public: dict[str, Ed25519PublicKey] = {}
        self._newest: tuple[str, Ed25519PrivateKey] | None = None

    def load(self, database: Database) -> None:
        """The keys of the database are in memory; the first start makes one."""
        keys = database.write_sync(self._ensure)
        self._public = {key.kid: Ed25519PublicKey.from_public_bytes(key.public_key) for key in keys}
        newest = keys[0]
        private = self._opener.open(newest.kid, newest.sealed_private_key)
        self._newest = (newest.kid, Ed25519PrivateKey.from_private_bytes(private))

    def _ensure(self, tx: Tx) -> list[SigningKey]:
        keys = store.signing_keys_all(tx)
        if keys:
            return keys
        private = Ed25519PrivateKey.generate()
        kid = str(ULID())
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = SigningKey(kid, public, self._opener.seal(kid, raw))
        store.add_signing_key(tx, key, self._clock.now_ms())
        return [key]

    def mint(self, claims: Claims, issued_ms: int, expires_ms: int | None) -> str:
        """A token with the claims of auth.md section 1."""
        assert self._newest is not None, "load() comes first"
        kid, private = self._newest
        payload: dict[str, object] = {
            "iss": self._issuer,
            "iat": issued_ms // 1000,
            "team": claims.team_id,
            "livemode": claims.livemode,
            "key_id": claims.key_id,
        }
        if expires_ms is not None:
            payload["exp"] = expires_ms // 1000
        return jwt.encode(payload, private, algorithm=ALGORITHM, headers={"kid": kid})

    def verify(self, token: str) -> Claims:
        """What the token says, its signature being ours. Raises InvalidToken."""
        try:
            header = jwt.get_unverified_header(token)
            public = self._public[header["kid"]]
            payload = jwt.decode(
                token,
                public,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "iat", "team", "livemode", "key_id"], "verify_aud": False},
            )
            key_id, team_id, livemode = payload["key_id"], payload["team"], payload["livemode"]
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise InvalidToken from error
        if not (isinstance(key_id, str) and isinstance(team_id, str) and isinstance(livemode, bool)):
            raise InvalidToken
        return Claims(key_id, team_id, livemode)


def fingerprint(token: str) -> bytes:
    """What is stored of a token: 256 bits of entropy need no salt."""
    return hashlib.sha256(token.encode()).digest()


def create(
    tx: Tx, keys: TokenKeys, team: Team, *, livemode: bool, name: str, user_id: str, at_ms: int
) -> tuple[ApiKey, str]:
    """A new key of the team, and its token, which is never readable again."""
    prefix = "sk_live" if livemode else "sk_test"
    key_ulid = new_id("key")
    key_id = f"{prefix}_{key_ulid.removeprefix('key_')}"
    token = keys.mint(Claims(key_id, team.id, livemode), at_ms, None)
    record = ApiKey(
        id=key_ulid,
        key_id=key_id,
        team_id=team.id,
        livemode=livemode,
        name=name,
        scopes=("*",),
        token_sha256=fingerprint(token),
        created_by=user_id,
        created_ms=at_ms,
        expires_ms=None,
        revoked_ms=None,
    )
    store.add_api_key(tx, record)
    actor = Actor(user_id=user_id, role="owner", home_team=team.id)
    audit.append(tx, TeamScope(team.id, livemode), Action.API_KEY_CREATE, record.id, actor, at_ms)
    return record, token


def revoke(tx: Tx, key: ApiKey, actor: Actor, at_ms: int) -> bool:
    """The key opens nothing any more, everywhere within 5 s. False when it was revoked before."""
    done = store.revoke_api_key(tx, key.team_id, key.key_id, at_ms)
    if done:
        audit.append(tx, TeamScope(key.team_id, key.livemode), Action.API_KEY_REVOKE, key.id, actor, at_ms)
    return done


def token_again(keys: TokenKeys, key: ApiKey) -> str | None:
    """The token of a key as it was first given out, when the signing key is still the newest; None otherwise.

    Ed25519 is deterministic: equal claims give the equal token. Only for whoever runs the server (``timbra demo``).
    """
    token = keys.mint(Claims(key.key_id, key.team_id, key.livemode), key.created_ms, key.expires_ms)
    return token if fingerprint(token) == key.token_sha256 else None
