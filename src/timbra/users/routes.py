"""HTTP of users (contract users.md section 2)."""

from typing import Any, Final

from timbra.http.caller import Caller, Role
from timbra.http.envelope import JSONReply
from timbra.http.fields import Email
from timbra.http.idempotency import Claim
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.platform.db import Tx, UniqueViolation
from timbra.platform.keyset import Slice
from timbra.platform.tenancy import server_wide
from timbra.teams import store_people
from timbra.teams.store_people import User
from timbra.users import access, change
from timbra.users.bodies import CreateUser, LoginLink, ResetPassword, UpdateUser
from timbra.users.parts import UserParts
from timbra.users.wire import row_json, user_json

ADMIN: Final = {"role": Role.ADMIN}
RESET: Final = "Password reset email sent"
LINK_SECRETS: Final = ("data.url", "data.link", "data.token")


def routes(parts: UserParts) -> Router:
    """The operations on users. Their rows belong to an account: every one of them looks at several teams."""
    router = Router(tag="Users", area="users")
    _rows(router, parts)
    _access(router, parts)
    return router


def _rows(router: Router, parts: UserParts) -> None:
    @router.get("/users", "Users retrieved successfully", filters={"email": Email()})
    async def list_users(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            page = store_people.page(tx, change.sight_of(tx, caller), listing.window, listing.filters)
            roles = store_people.roles_in(tx, caller.scope.team_id)
            return page.map(lambda user: row_json(user, roles.get(user.id)))

        with server_wide():
            return await parts.database.read(unit)

    @router.get("/users/{id}", "User retrieved successfully")
    async def get_user(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002 (the path names it)
        def unit(tx: Tx) -> dict[str, Any]:
            return user_json(tx, access.visible(tx, caller, "id", user_id=id), caller.scope.team_id)

        with server_wide():
            return await parts.database.read(unit)

    @router.post("/users", "User created successfully", **ADMIN, success=201)
    async def create_user(caller: Caller, body: CreateUser, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()
        try:
            with server_wide():
                return await claim.once(parts.database, lambda tx: change.create(tx, parts, caller, body, at_ms=at_ms))
        except UniqueViolation:  # the same address, made meanwhile
            raise change.registered() from None

    @router.put("/users/{id}", "User updated successfully", **ADMIN)
    async def update_user(caller: Caller, body: UpdateUser, id: str) -> dict[str, Any]:  # noqa: A002
        at_ms = parts.clock.now_ms()
        with server_wide():
            return await parts.database.write(lambda tx: change.update(tx, caller, id, body, at_ms=at_ms))


def _access(router: Router, parts: UserParts) -> None:
    async def counted(call: Call, caller: Caller, path: str, **whom: str) -> User:
        with server_wide():
            user = await parts.database.read(lambda tx: access.visible(tx, caller, path, **whom))
        await call.take("credential", user.id)
        return user

    async def reset(caller: Caller, claim: Claim, user: User) -> JSONReply:
        at_ms = parts.clock.now_ms()
        return await claim.once(parts.database, lambda tx: access.reset_password(tx, parts, caller, user, at_ms=at_ms))

    @router.post("/users/reset-password", RESET, **ADMIN)
    async def reset_by_email(call: Call, caller: Caller, body: ResetPassword, claim: Claim) -> JSONReply:
        return await reset(caller, claim, await counted(call, caller, "email", email=body.email))

    @router.post("/users/reset-password/{id}", RESET, **ADMIN)
    async def reset_by_id(call: Call, caller: Caller, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        return await reset(caller, claim, await counted(call, caller, "id", user_id=id))

    @router.post("/users/login-link", "Login link generated successfully", **ADMIN)
    async def login_link(call: Call, caller: Caller, body: LoginLink, claim: Claim) -> JSONReply:
        user = await counted(call, caller, "user_id", user_id=body.user_id)
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> dict[str, Any]:
            link = access.login_link(tx, parts, caller, user, at_ms=at_ms)
            shown = {"url": link.url, "link": link.url, "token": link.token}
            return shown | {"expires_at": link.expires_ms // 1000}

        with server_wide():
            return await claim.once(parts.database, unit, secret_paths=LINK_SECRETS)
