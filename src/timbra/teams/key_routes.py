"""HTTP of API keys (contract auth.md section 2)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from timbra.http.body import Command
from timbra.http.caller import Access, Caller, Role
from timbra.http.envelope import JSONReply
from timbra.http.errors import BusinessRule, FieldError, InsufficientPermissions, Invalid, NotFound
from timbra.http.fields import Choice, Flag, Instant, QueryFlag, Text, Whole
from timbra.http.idempotency import Claim
from timbra.http.query import ListQuery
from timbra.http.routing import Router
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.keyset import Slice
from timbra.platform.mail import Outbox
from timbra.platform.scope import TeamScope
from timbra.teams import keys, store, store_keys
from timbra.teams.keys import TokenKeys
from timbra.teams.owner_mail import tell_owner
from timbra.teams.scopes import ALL, KNOWN, covers
from timbra.teams.store_keys import ApiKey, KeyStatus

KEYS_MAX = 50
EXPIRES_AFTER_MS = 60_000
TOKEN = ("data.token",)
ANY_KEY = Access("keys", write=True, role=Role.ADMIN)

_Scopes = Annotated[list[Annotated[str, Choice(*KNOWN)]], Field(min_length=1, max_length=len(KNOWN))]


class CreateKey(Command):
    """POST /api-keys."""

    name: Annotated[str, Text(max=64)]
    livemode: Flag | None = None
    scopes: _Scopes = [ALL]  # noqa: RUF012 (pydantic copies defaults)
    expires_at: Annotated[int | None, Instant()] = None


class RotateKey(Command):
    """POST /api-keys/{id}/rotate."""

    overlap_seconds: Annotated[int, Whole(min=0, max=86_400)] = 3_600
    expires_at: Annotated[int | None, Instant()] = None


def routes(db: Database, clock: Clock, tokens: TokenKeys, mail: Outbox, forget_records: Callable[[], None]) -> Router:
    """The operations on keys of the effective team. forget_records: told when a key ends sooner than was known."""
    router = Router(tag="API keys", area="keys")
    filters = {"livemode": QueryFlag(), "status": Choice(*KeyStatus)}

    @router.get("/api-keys", "API keys retrieved successfully", role=Role.ADMIN, filters=filters, orders=("timestamp",))
    async def list_keys(caller: Caller, listing: ListQuery) -> Slice[Any]:
        at_ms = clock.now_ms()
        mode = listing.filters.get("livemode")
        if mode and not caller.scope.livemode:
            raise InsufficientPermissions
        livemode = mode if caller.scope.livemode else False
        status = listing.filters.get("status")

        def unit(tx: Tx) -> Slice[Any]:
            found = store_keys.page(
                tx, caller.scope.team_id, listing.window, livemode=livemode, status=status, now_ms=at_ms
            )
            return found.map(lambda key: to_wire(key, at_ms))

        return await db.read(unit)

    @router.post("/api-keys", "API key created successfully", role=Role.ADMIN, success=201, mode_is_free=True)
    async def create_key(caller: Caller, body: CreateKey, claim: Claim) -> JSONReply:
        at_ms = clock.now_ms()
        return await claim.once(db, lambda tx: _create(tx, tokens, mail, caller, body, at_ms), secret_paths=TOKEN)

    @router.post("/api-keys/{id}/rotate", "API key rotated successfully", role=Role.ADMIN, success=201)
    async def rotate_key(caller: Caller, body: RotateKey, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        at_ms = clock.now_ms()
        reply = await claim.once(db, lambda tx: _rotate(tx, tokens, mail, caller, id, body, at_ms), secret_paths=TOKEN)
        forget_records()
        return reply

    @router.delete("/api-keys/{id}", "API key revoked successfully", area=None, role=Role.ADMIN)
    async def revoke_key(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        at_ms = clock.now_ms()
        revoked = await db.write(lambda tx: _revoke(tx, mail, caller, id, at_ms))
        forget_records()
        return revoked

    return router


def _create(tx: Tx, tokens: TokenKeys, mail: Outbox, caller: Caller, body: CreateKey, at_ms: int) -> dict[str, Any]:
    livemode = caller.scope.livemode if body.livemode is None else body.livemode
    scopes = tuple(dict.fromkeys(body.scopes))
    if (livemode and not caller.scope.livemode) or not covers(caller.scopes, scopes):
        raise InsufficientPermissions
    _refuse_past(body.expires_at, at_ms)
    scope = TeamScope(caller.scope.team_id, livemode)
    if store_keys.count_unrevoked(tx, scope, at_ms) >= KEYS_MAX:
        raise BusinessRule(f"A team has at most {KEYS_MAX} keys that are not revoked in each mode")
    team = store.team(tx, scope.team_id)
    assert team is not None, "the effective team exists"
    key, token = keys.create(
        tx,
        tokens,
        team,
        livemode=livemode,
        name=body.name,
        user_id=caller.user_id,
        at_ms=at_ms,
        scopes=scopes,
        expires_ms=body.expires_at,
        actor=caller.actor,
    )
    tell_owner(tx, mail, scope, "api_key_created", {"key_id": key.key_id, "key_name": key.name}, at_ms)
    return {**to_wire(key, at_ms), "token": token}


def _rotate(
    tx: Tx, tokens: TokenKeys, mail: Outbox, caller: Caller, name: str, body: RotateKey, at_ms: int
) -> dict[str, Any]:
    old = _manageable(tx, caller, name)
    _refuse_past(body.expires_at, at_ms)
    expires_ms = body.expires_at if body.expires_at is not None else old.expires_ms
    overlap_ms = body.overlap_seconds * 1000
    key, token = keys.rotate(
        tx, tokens, old, overlap_ms=overlap_ms, expires_ms=expires_ms, actor=caller.actor, at_ms=at_ms
    )
    ends_at = datetime.fromtimestamp((at_ms + overlap_ms) // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    values = {"key_id": key.key_id, "key_name": key.name, "old_key_id": old.key_id, "ends_at": ends_at}
    tell_owner(tx, mail, TeamScope(key.team_id, key.livemode), "api_key_rotated", values, at_ms)
    return {**to_wire(key, at_ms), "token": token}


def _revoke(tx: Tx, mail: Outbox, caller: Caller, name: str, at_ms: int) -> dict[str, Any]:
    key = _manageable(tx, caller, name)
    if keys.revoke(tx, key, caller.actor, at_ms):
        values = {"key_id": key.key_id, "key_name": key.name}
        tell_owner(tx, mail, TeamScope(key.team_id, key.livemode), "api_key_revoked", values, at_ms)
    ended_ms = key.ended_ms(at_ms)
    revoked_ms = at_ms if ended_ms is None else ended_ms
    return {"id": key.id, "status": KeyStatus.REVOKED, "revoked_at": revoked_ms // 1000}


def _manageable(tx: Tx, caller: Caller, name: str) -> ApiKey:
    """The team's key, locked. A key may end itself; anything else needs a caller with at least its mode and scopes."""
    key = store_keys.lock_api_key(tx, caller.scope.team_id, name)
    is_own = key is not None and key.key_id == caller.key_id
    if not is_own and not caller.may(ANY_KEY):
        raise InsufficientPermissions
    if key is None:
        raise NotFound
    if (key.livemode and not caller.scope.livemode) or not covers(caller.scopes, key.scopes):
        raise InsufficientPermissions
    return key


def _refuse_past(expires_ms: int | None, at_ms: int) -> None:
    if expires_ms is not None and expires_ms < at_ms + EXPIRES_AFTER_MS:
        problem = FieldError("expires_at", "min", "must be at least 60 seconds ahead", at_ms // 1000 + 60 + 1)
        raise Invalid([problem])


def to_wire(key: ApiKey, now_ms: int) -> dict[str, Any]:
    """The key as the API shows it; its token is nowhere."""
    return {
        "id": key.id,
        "key_id": key.key_id,
        "name": key.name,
        "team": key.team_id,
        "livemode": key.livemode,
        "scopes": list(key.scopes),
        "status": key.status(now_ms),
        "created_by": key.created_by,
        "created_at": key.created_ms // 1000,
        "expires_at": _seconds(key.expires_ms),
        "last_used_at": _seconds(key.last_used_ms),
        "revokes_at": _seconds(key.revokes_ms),
        "revoked_at": _seconds(key.ended_ms(now_ms)),
        "rotated_to": key.rotated_to,
        "rotated_from": key.rotated_from,
    }


def _seconds(at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms // 1000
