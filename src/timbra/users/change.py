"""Make and change users."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from timbra.http.caller import Caller
from timbra.http.errors import AlreadyExists, FieldError, Invalid, NotFound, OperationNotAllowed
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.teams import members, store, store_people
from timbra.teams.change import differences
from timbra.teams.store_people import API, Membership, Sight, User
from timbra.users import links
from timbra.users.bodies import CreateUser, UpdateUser
from timbra.users.links import Purpose
from timbra.users.parts import UserParts
from timbra.users.wire import user_json

PLAIN: Final = ("first_name", "last_name", "phone", "company_role")
LANGUAGE: Final = "es"


def sight_of(tx: Tx, caller: Caller) -> Sight:
    """Whose users the key can see: all of its account when its team has Connect, else those of the effective team."""
    home = store.team(tx, caller.home_team)
    assert home is not None, "a caller has a team"
    return Sight(home.billing_account, caller.scope.team_id, home.connect_enabled and caller.crosses_teams)


def create(tx: Tx, parts: UserParts, caller: Caller, body: CreateUser, *, at_ms: int) -> dict[str, Any]:
    """The new user, invited by mail to set a password. Raises AlreadyExists for a known address, Invalid."""
    team = store.team(tx, caller.scope.team_id)
    assert team is not None, "a scope names a team"
    blank = User(
        id=new_id("user"),
        billing_account=team.billing_account,
        email=body.email,
        name=_local_part(body.email),
        created_ms=at_ms,
        updated_ms=at_ms,
        origin=API,
        made_by_team=team.id,
    )
    user = _changed(blank, body.changes())
    if store_people.is_registered(tx, user.email):
        raise registered()
    store_people.add(tx, user)
    audit.append(tx, caller.scope, Action.USER_CREATE, user.id, caller.actor, at_ms)
    if body.auto_join:
        members.join(tx, caller, Membership(team.id, user.id, body.role), at_ms=at_ms)
    link = links.make(tx, parts.portal_url, user.id, Purpose.PASSWORD, at_ms=at_ms, life_ms=links.INVITATION_MS)
    values = {
        "name": user.name,
        "team": team.name,
        "url": link.url,
        "days": links.INVITATION_MS // (24 * links.HOUR_MS),
    }
    mail_id = parts.mail.enqueue(
        tx, caller.scope, kind="user_invited", to=user.email, language=LANGUAGE, values=values, at_ms=at_ms
    )
    return user_json(tx, user, team.id) | {"invitation_sent": mail_id is not None}


def registered() -> AlreadyExists:
    """The refusal of an address that somebody has, in whatever account."""
    problem = FieldError("email", "duplicate", "is registered already")
    return AlreadyExists(problem.text, fields=[problem])


def update(tx: Tx, caller: Caller, user_id: str, body: UpdateUser, *, at_ms: int) -> dict[str, Any]:
    """The user after a partial update. Raises NotFound, OperationNotAllowed for another address, Invalid."""
    user = store_people.lock_visible(tx, sight_of(tx, caller), user_id)
    if user is None:
        raise NotFound.at("id")
    if body.email is not None and body.email.lower() != user.email.lower():
        problem = FieldError("email", "immutable", "cannot be changed", user.email)
        raise OperationNotAllowed(problem.text, fields=[problem])
    after = _changed(user, body.changes())
    before = user_json(tx, user, caller.scope.team_id)
    if after == user:
        return before
    after = replace(after, updated_ms=at_ms)
    store_people.save(tx, after)
    shown = user_json(tx, after, caller.scope.team_id)
    changes = differences(before, shown)
    audit.append(tx, caller.scope, Action.USER_UPDATE, user.id, caller.actor, at_ms, changes=changes)
    return shown


def _changed(user: User, changes: Mapping[str, Any]) -> User:
    after = replace(user, **{name: changes[name] for name in PLAIN if name in changes})
    if "address" in changes:
        after = replace(after, address=user.address.merged(changes["address"]))
    problem = after.address.zip_problem()
    if problem is not None:
        raise Invalid([problem])
    if (after.first_name, after.last_name) == (user.first_name, user.last_name):
        return after
    full = " ".join(part for part in (after.first_name, after.last_name) if part)
    return replace(after, name=full or _local_part(after.email))


def _local_part(email: str) -> str:
    return email.partition("@")[0][:200]
