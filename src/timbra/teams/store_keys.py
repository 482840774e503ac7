"""All SQL of API keys and of the keys that sign them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, not_, or_, select, update

from timbra.platform import json, locks
from timbra.platform.db import Tx
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope
from timbra.teams.tables import api_keys, signing_keys


class KeyStatus(StrEnum):
    """What a key is good for."""

    ACTIVE = "active"
    SCHEDULED_REVOCATION = "scheduled_revocation"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The record behind a token: the authority on what the token may do. ``revokes_ms``: end of a rotation's overlap."""

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
    last_used_ms: int | None = None
    revokes_ms: int | None = None
    rotated_to: str | None = None
    rotated_from: str | None = None

    def ended_ms(self, now_ms: int) -> int | None:
        """When the key was revoked, None while it is not."""
        if self.revoked_ms is not None:
            return self.revoked_ms
        return self.revokes_ms if self.revokes_ms is not None and self.revokes_ms <= now_ms else None

    def status(self, now_ms: int) -> KeyStatus:
        """What the key is good for now."""
        if self.ended_ms(now_ms) is not None:
            return KeyStatus.REVOKED
        if self.expires_ms is not None and self.expires_ms <= now_ms:
            return KeyStatus.EXPIRED
        return KeyStatus.ACTIVE if self.revokes_ms is None else KeyStatus.SCHEDULED_REVOCATION


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs tokens; the private half is under the vault."""

    kid: str
    public_key: bytes
    sealed_private_key: str


_FIELDS = tuple(ApiKey.__slots__)
_COLUMNS = [api_keys.c[name] for name in _FIELDS]


def _api_key(row: Any) -> ApiKey:
    values = {name: getattr(row, name) for name in _FIELDS}
    values["scopes"] = tuple(json.loads(row.scopes.encode()))
    values["token_sha256"] = bytes(row.token_sha256)
    return ApiKey(**values)


def api_key(tx: Tx, key_id: str) -> ApiKey | None:
    row = tx.execute(select(*_COLUMNS).where(api_keys.c.key_id == key_id)).one_or_none()
    return _api_key(row) if row else None


def api_keys_of(tx: Tx, team_id: str) -> list[ApiKey]:
    rows = tx.execute(select(*_COLUMNS).where(api_keys.c.team_id == team_id).order_by(api_keys.c.id))
    return [_api_key(row) for row in rows]


def lock_api_key(tx: Tx, team_id: str, name: str) -> ApiKey | None:
    """The team's key with that id or key_id, of either mode; other writers of it wait until the transaction ends."""
    named = or_(api_keys.c.id == name, api_keys.c.key_id == name)
    row = tx.execute(select(*_COLUMNS).where(api_keys.c.team_id == team_id, named).with_for_update()).one_or_none()
    return _api_key(row) if row else None


def page(
    tx: Tx, team_id: str, window: Window, *, livemode: bool | None, status: KeyStatus | None, now_ms: int
) -> Slice[ApiKey]:
    """A page of the team's keys, of both modes when ``livemode`` is None."""
    matching = select(*_COLUMNS).where(api_keys.c.team_id == team_id)
    if livemode is not None:
        matching = matching.where(api_keys.c.livemode == livemode)
    if status is not None:
        matching = matching.where(_is(status, now_ms))
    orders: dict[str, ColumnElement[Any]] = {"timestamp": api_keys.c.created_ms}
    return fetch(tx, matching, window, orders=orders, identity=api_keys.c.id).map(_api_key)


def _is(status: KeyStatus, now_ms: int) -> ColumnElement[bool]:
    """``ApiKey.status`` as a condition."""
    revoked = or_(api_keys.c.revoked_ms.is_not(None), func.coalesce(api_keys.c.revokes_ms, now_ms + 1) <= now_ms)
    if status is KeyStatus.REVOKED:
        return revoked
    expired = func.coalesce(api_keys.c.expires_ms, now_ms + 1) <= now_ms
    if status is KeyStatus.EXPIRED:
        return and_(not_(revoked), expired)
    is_scheduled = api_keys.c.revokes_ms.is_not(None)
    wanted = is_scheduled if status is KeyStatus.SCHEDULED_REVOCATION else not_(is_scheduled)
    return and_(not_(revoked), not_(expired), wanted)


def count_unrevoked(tx: Tx, scope: TeamScope, now_ms: int) -> int:
    """Keys of the team and mode that are not revoked; nobody else adds one until the transaction ends."""
    locks.hold(tx, scope, "api_keys", "")
    unrevoked = not_(_is(KeyStatus.REVOKED, now_ms))
    mine = (api_keys.c.team_id == scope.team_id, api_keys.c.livemode == scope.livemode, unrevoked)
    return int(tx.execute(select(func.count()).select_from(api_keys).where(*mine)).scalar_one())


def add_api_key(tx: Tx, key: ApiKey) -> None:
    row = {name: getattr(key, name) for name in _FIELDS}
    tx.execute(insert(api_keys), row | {"scopes": json.dumps(list(key.scopes))})


def revoke_api_key(tx: Tx, team_id: str, key_id: str, at_ms: int) -> bool:
    """True when a key of the team, not revoked before, is revoked now."""
    found = tx.execute(
        update(api_keys)
        .where(api_keys.c.team_id == team_id, api_keys.c.key_id == key_id, api_keys.c.revoked_ms.is_(None))
        .values(revoked_ms=at_ms)
    )
    return found.rowcount == 1


def schedule_revocation(tx: Tx, key: ApiKey, revokes_ms: int, rotated_to: str) -> None:
    """The key works until ``revokes_ms``; ``rotated_to`` takes its place."""
    found = update(api_keys).where(api_keys.c.team_id == key.team_id, api_keys.c.id == key.id)
    tx.execute(found.values(revokes_ms=revokes_ms, rotated_to=rotated_to))


def set_last_used(tx: Tx, minutes: Mapping[str, int]) -> None:
    """Keys by ``key_id`` were used in those minutes (ms); a later use that is recorded already stays."""
    for key_id, minute in sorted(minutes.items()):
        earlier = func.coalesce(api_keys.c.last_used_ms, 0) < minute
        tx.execute(update(api_keys).where(api_keys.c.key_id == key_id, earlier).values(last_used_ms=minute))


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
