"""API keys: Ed25519 JWTs whose record in the database is the authority (contract auth.md sections 1 and 2)."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from ulid import ULID

from timbra.http.errors import Conflict
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import store_keys as store
from timbra.teams.scopes import ALL
from timbra.teams.store import Team
from timbra.teams.store_keys import ApiKey, KeyStatus, SigningKey

ALGORITHM = "EdDSA"
LEEWAY_S = 30
TOKEN_MAX = 2_048
REQUIRED = ["iss", "iat", "team", "livemode", "key_id"]


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

    def mint(self, claims: Claims, issued_ms: int, expires_ms: int | None, scopes: tuple[str, ...] = (ALL,)) -> str:
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
        if ALL not in scopes:
            payload["scopes"] = list(scopes)
        return jwt.encode(payload, private, algorithm=ALGORITHM, headers={"kid": kid})

    def verify(self, token: str) -> Claims:
        """What the token says, its signature being ours and its end not reached. Raises InvalidToken."""
        if len(token) > TOKEN_MAX:
            raise InvalidToken
        try:
            header = jwt.get_unverified_header(token)
            public = self._public[header["kid"]]
            payload = jwt.decode(
                token,
                public,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                options={"require": REQUIRED, "verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
            key_id, team_id, livemode = payload["key_id"], payload["team"], payload["livemode"]
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise InvalidToken from error
        self._refuse_expired(payload.get("exp"))
        if not (isinstance(key_id, str) and isinstance(team_id, str) and isinstance(livemode, bool)):
            raise InvalidToken
        return Claims(key_id, team_id, livemode)

    def _refuse_expired(self, expires_s: object) -> None:
        """By this server's clock: the library would ask the machine's."""
        if expires_s is None:
            return
        if not isinstance(expires_s, int) or self._clock.now_ms() >= (expires_s + LEEWAY_S) * 1000:
            raise InvalidToken


def fingerprint(token: str) -> bytes:
    """What is stored of a token: 256 bits of entropy need no salt."""
    return hashlib.sha256(token.encode()).digest()


def create(
    tx: Tx,
    keys: TokenKeys,
    team: Team,
    *,
    livemode: bool,
    name: str,
    user_id: str,
    at_ms: int,
    scopes: tuple[str, ...] = (ALL,),
    expires_ms: int | None = None,
    actor: Actor | None = None,
) -> tuple[ApiKey, str]:
    """A new key of the team, and its token, which is never readable again."""
    record, token = _made(
        keys, team.id, livemode=livemode, name=name, user_id=user_id, at_ms=at_ms, scopes=scopes, expires_ms=expires_ms
    )
    store.add_api_key(tx, record)
    who = actor or Actor(user_id=user_id, role="owner", home_team=team.id)
    changes = {"key_id": record.key_id, "name": name, "scopes": list(scopes)}
    audit.append(tx, TeamScope(team.id, livemode), Action.API_KEY_CREATE, record.id, who, at_ms, changes=changes)
    return record, token


def _made(
    keys: TokenKeys,
    team_id: str,
    *,
    livemode: bool,
    name: str,
    user_id: str,
    at_ms: int,
    scopes: tuple[str, ...],
    expires_ms: int | None,
    rotated_from: str | None = None,
) -> tuple[ApiKey, str]:
    record_id = new_id("key")
    key_id = f"{'sk_live' if livemode else 'sk_test'}_{record_id.removeprefix('key_')}"
    token = keys.mint(Claims(key_id, team_id, livemode), at_ms, expires_ms, scopes)
    record = ApiKey(
        id=record_id,
        key_id=key_id,
        team_id=team_id,
        livemode=livemode,
        name=name,
        scopes=scopes,
        token_sha256=fingerprint(token),
        created_by=user_id,
        created_ms=at_ms,
        expires_ms=expires_ms,
        revoked_ms=None,
        rotated_from=rotated_from,
    )
    return record, token


def rotate(
    tx: Tx, keys: TokenKeys, old: ApiKey, *, overlap_ms: int, expires_ms: int | None, actor: Actor, at_ms: int
) -> tuple[ApiKey, str]:
    """A key like ``old`` with a token of its own; the old one ends after the overlap. Raises Conflict unless it is active."""
    status = old.status(at_ms)
    if status is not KeyStatus.ACTIVE:
        raise Conflict(f"The key is {status.value}, only an active one can be rotated")
    record, token = _made(
        keys,
        old.team_id,
        livemode=old.livemode,
        name=old.name,
        user_id=actor.user_id or old.created_by,
        at_ms=at_ms,
        scopes=old.scopes,
        expires_ms=expires_ms,
        rotated_from=old.id,
    )
    store.add_api_key(tx, record)
    store.schedule_revocation(tx, old, at_ms + overlap_ms, record.id)
    changes = {"rotated_to": record.id, "overlap_seconds": overlap_ms // 1000}
    scope = TeamScope(old.team_id, old.livemode)
    audit.append(tx, scope, Action.API_KEY_ROTATE, old.id, actor, at_ms, changes=changes)
    return record, token


def revoke(tx: Tx, key: ApiKey, actor: Actor, at_ms: int) -> bool:
    """The key opens nothing any more, everywhere within 5 s. False when it was revoked before."""
    if key.ended_ms(at_ms) is not None:
        return False
    done = store.revoke_api_key(tx, key.team_id, key.key_id, at_ms)
    if done:
        audit.append(tx, TeamScope(key.team_id, key.livemode), Action.API_KEY_REVOKE, key.id, actor, at_ms)
    return done


def token_again(keys: TokenKeys, key: ApiKey) -> str | None:
    """The token of a key as it was first given out, when the signing key is still the newest; None otherwise.

    Ed25519 is deterministic: equal claims give the equal token. Only for whoever runs the server (``timbra demo``).
    """
    token = keys.mint(Claims(key.key_id, key.team_id, key.livemode), key.created_ms, key.expires_ms, key.scopes)
    return token if fingerprint(token) == key.token_sha256 else None
