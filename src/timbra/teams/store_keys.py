"""All SQL of API keys and of the keys that sign them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from timbra.platform import json
from timbra.platform.db import Tx
from timbra.teams.tables import api_keys, signing_keys


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The record behind a token: the authority on what the token may do."""

    id: str
    key_id: str
    team_id: str
    livemode: bool
    name: str
    scopes: tuple[str, ...]
    token_sha256: bytes
    created_by: str
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs tokens; the private half is under the vault."""

    kid: str
    public_key: bytes
    sealed_private_key: str


def _api_key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        key_id=row.key_id,
        team_id=row.team_id,
        livemode=row.livemode,
        name=row.name,
        scopes=tuple(json.loads(row.scopes.encode())),
        token_sha256=bytes(row.token_sha256),
        created_by=row.created_by,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        revoked_ms=row.revoked_ms,
    )


def api_key(tx: Tx, key_id: str) -> ApiKey | None:
    row = tx.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
    return _api_key(row) if row else None


def api_keys_of(tx: Tx, team_id: str) -> list[ApiKey]:
    rows = tx.execute(select(api_keys).where(api_keys.c.team_id == team_id).order_by(api_keys.c.id))
    return [_api_key(row) for row in rows]


def add_api_key(tx: Tx, key: ApiKey) -> None:
    tx.execute(
        insert(api_keys),
        {
            "team_id": key.team_id,
            "id": key.id,
            "key_id": key.key_id,
            "livemode": key.livemode,
            "name": key.name,
            "scopes": json.dumps(list(key.scopes)),
            "token_sha256": key.token_sha256,
            "created_by": key.created_by,
            "created_ms": key.created_ms,
            "expires_ms": key.expires_ms,
            "revoked_ms": key.revoked_ms,
        },
    )


def revoke_api_key(tx: Tx, team_id: str, key_id: str, at_ms: int) -> bool:
    """True when a key of the team, not revoked before, is revoked now."""
    found = tx.execute(
        update(api_keys)
        .where(api_keys.c.team_id == team_id, api_keys.c.key_id == key_id, api_keys.c.revoked_ms.is_(None))
        .values(revoked_ms=at_ms)
    )
    return found.rowcount == 1


def signing_keys_all(tx: Tx) -> list[SigningKey]:
    """Newest first."""
    rows = tx.execute(select(signing_keys).order_by(signing_keys.c.created_ms.desc(), signing_keys.c.kid.desc()))
    return [SigningKey(row.kid, bytes(row.public_key), row.sealed_private_key) for row in rows]


def add_signing_key(tx: Tx, key: SigningKey, at_ms: int) -> None:
    tx.execute(
        insert(signing_keys),
        {
            "kid": key.kid,
            "public_key": key.public_key,
            "sealed_private_key": key.sealed_private_key,
            "created_ms": at_ms,
        },
    )
