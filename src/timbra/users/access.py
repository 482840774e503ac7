"""Getting in: links that set a password or sign in, and what using them does (contract users.md section 2)."""

from typing import Any, Final

from timbra.http.caller import Caller
from timbra.http.errors import InsufficientPermissions, NotFound, OperationNotAllowed
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import store_people
from timbra.teams.store_people import API, OWNER, SIGNUP, User
from timbra.users import links, sessions, store
from timbra.users.change import LANGUAGE, sight_of
from timbra.users.links import Link, Purpose
from timbra.users.parts import UserParts
from timbra.users.sessions import Session

BY_API: Final = (API, SIGNUP)


def visible(tx: Tx, caller: Caller, path: str, *, user_id: str | None = None, email: str | None = None) -> User:
    """The user of that id or address, when the key can see it. Raises NotFound at ``path``."""
    sight = sight_of(tx, caller)
    if user_id is not None:
        user = store_people.visible(tx, sight, user_id)
    else:
        user = store_people.visible_by_email(tx, sight, email or "")
    if user is None:
        raise NotFound.at(path)
    return user


def reset_password(tx: Tx, parts: UserParts, caller: Caller, user: User, *, at_ms: int) -> dict[str, Any]:
    """A mail with a link that sets a new password is on its way; the old password stays good until it is used."""
    link = links.make(tx, parts.portal_url, user.id, Purpose.PASSWORD, at_ms=at_ms, life_ms=links.RESET_MS)
    values = {"name": user.name, "url": link.url, "minutes": links.RESET_MS // links.MINUTE_MS}
    mail_id = parts.mail.enqueue(
        tx, caller.scope, kind="password_reset", to=user.email, language=LANGUAGE, values=values, at_ms=at_ms
    )
    audit.append(tx, caller.scope, Action.USER_RESET_PASSWORD, user.id, caller.actor, at_ms)
    return {"id": user.id, "email": user.email, "email_sent": mail_id is not None}


def login_link(tx: Tx, parts: UserParts, caller: Caller, user: User, *, at_ms: int) -> Link:
    """A link that signs the user in once. Raises OperationNotAllowed, InsufficientPermissions."""
    if user.origin not in BY_API:
        raise OperationNotAllowed("Login links are for users made by POST /users or signup")
    _refuse_foreign_owner(tx, caller, user)
    audit.append(tx, caller.scope, Action.USER_LOGIN_LINK, user.id, caller.actor, at_ms)
    return links.make(tx, parts.portal_url, user.id, Purpose.LOGIN, at_ms=at_ms, life_ms=links.LOGIN_MS)


def _refuse_foreign_owner(tx: Tx, caller: Caller, user: User) -> None:
    sight = sight_of(tx, caller)
    if sight.whole_account:
        return
    owned = {team for team, _, role in store_people.teams_of(tx, user.id, sight.billing_account) if role == OWNER}
    if owned - {caller.scope.team_id}:
        raise InsufficientPermissions("The user owns a team that the key cannot act on")


def set_password(tx: Tx, token: str, password_hash: str, *, at_ms: int) -> str | None:
    """The user whose password this is from now on, every other open link and every session ended; None for a token of no use."""
    user_id = store.take_token(tx, links.digest(token), Purpose.PASSWORD.value, at_ms)
    if user_id is None:
        return None
    store.end_tokens(tx, user_id)
    sessions.end_all(tx, user_id)
    store_people.set_password(tx, user_id, password_hash, at_ms)
    _log(tx, user_id, at_ms)
    return user_id


def sign_in(tx: Tx, token: str, *, at_ms: int) -> Session | None:
    """The session of the user whom a login link signs in, this once; None for a token of no use."""
    user_id = store.take_token(tx, links.digest(token), Purpose.LOGIN.value, at_ms)
    if user_id is None:
        return None
    store_people.mark_login(tx, user_id, at_ms)
    return sessions.begin(tx, user_id, at_ms=at_ms)


def _log(tx: Tx, user_id: str, at_ms: int) -> None:
    """The audit log of each of the user's teams tells that the password is a new one."""
    user = store_people.user(tx, user_id)
    assert user is not None, "tokens belong to users"
    for team_id, _, role in store_people.teams_of(tx, user_id, user.billing_account or ""):
        actor = Actor(user_id=user_id, role=role, home_team=team_id)
        audit.append(tx, TeamScope(team_id, livemode=False), Action.USER_SET_PASSWORD, user_id, actor, at_ms)
