"""All SQL of people and their memberships."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, delete, exists, insert, or_, select, update

from timbra.catalogs.address import Address
from timbra.platform import json
from timbra.platform.db import Tx, insert_or
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch
from timbra.teams.tables import memberships, teams, users

CONSOLE, API, SIGNUP = "console", "api", "signup"
OWNER = "owner"


@dataclass(frozen=True, slots=True)
class User:
    """A person who acts for teams of one billing account. ``name`` is what is shown."""

    id: str
    billing_account: str | None
    email: str
    name: str
    created_ms: int
    updated_ms: int
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    company_role: str | None = None
    address: Address = field(default_factory=Address)
    origin: str = CONSOLE
    made_by_team: str | None = None
    last_login_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's role in a team."""

    team_id: str
    user_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose users a key can see and act on: all of an account, or those of one team (contract users.md section 2)."""

    billing_account: str
    team_id: str
    whole_account: bool


_COLUMNS = [users.c[name] for name in User.__slots__]


def _user(row: Any) -> User:
    values = {name: getattr(row, name) for name in User.__slots__}
    return User(**{**values, "address": Address(**json.loads(row.address.encode()))})


def _row(user: User) -> dict[str, Any]:
    values = {name: getattr(user, name) for name in User.__slots__}
    return {
        **values,
        "address": json.dumps(user.address.to_wire()),
        "email_key": user.email.lower(),
        "sort_name": sort_key(user.name),
    }


def _one(tx: Tx, statement: Select[Any]) -> User | None:
    row = tx.execute(statement).one_or_none()
    return _user(row) if row else None


def user(tx: Tx, user_id: str) -> User | None:
    """The person of that id, in whatever account."""
    return _one(tx, select(*_COLUMNS).where(users.c.id == user_id))


def is_registered(tx: Tx, email: str) -> bool:
    """Whether the address belongs to somebody, in whatever account."""
    return tx.execute(select(users.c.id).where(users.c.email_key == email.lower())).one_or_none() is not None


def in_account(tx: Tx, billing_account: str, user_id: str) -> User | None:
    """The person of that id when the account has it."""
    return _one(tx, select(*_COLUMNS).where(users.c.id == user_id, users.c.billing_account == billing_account))


def _visible(sight: Sight) -> Select[Any]:
    account = select(*_COLUMNS).where(users.c.billing_account == sight.billing_account)
    if sight.whole_account:
        return account
    mine = exists().where(memberships.c.user_id == users.c.id, memberships.c.team_id == sight.team_id)
    anywhere = exists().where(memberships.c.user_id == users.c.id)
    return account.where(or_(mine, (users.c.made_by_team == sight.team_id) & ~anywhere))


def visible(tx: Tx, sight: Sight, user_id: str) -> User | None:
    """The person of that id when the key can see it."""
    return _one(tx, _visible(sight).where(users.c.id == user_id))


def lock_visible(tx: Tx, sight: Sight, user_id: str) -> User | None:
    """Like ``visible``; other writers of this person wait until the transaction ends."""
    return _one(tx, _visible(sight).where(users.c.id == user_id).with_for_update())


def visible_by_email(tx: Tx, sight: Sight, email: str) -> User | None:
    """The person with that address when the key can see it."""
    return _one(tx, _visible(sight).where(users.c.email_key == email.lower()))


def page(tx: Tx, sight: Sight, window: Window, filters: Mapping[str, Any]) -> Slice[User]:
    """A page of the people a key can see. filters: ``email``."""
    matching = _visible(sight)
    if "email" in filters:
        matching = matching.where(users.c.email_key == filters["email"].lower())
    orders = {"timestamp": users.c.created_ms, "name": users.c.sort_name}
    return fetch(tx, matching, window, orders=orders, identity=users.c.id).map(_user)


def add(tx: Tx, new: User) -> None:
    """The person is stored, with no password that opens anything."""
    tx.execute(insert(users), _row(new))


def save(tx: Tx, changed: User) -> None:
    """Every field of a person that exists is replaced."""
    tx.execute(update(users).where(users.c.id == changed.id).values(_row(changed)))


def set_password(tx: Tx, user_id: str, password_hash: str, at_ms: int) -> None:
    """The hash of the password that signs the person in from now on."""
    tx.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash, updated_ms=at_ms))


def password_of(tx: Tx, email: str) -> tuple[str, str | None] | None:
    """(user id, password hash) of an address, None when nobody has it."""
    row = tx.execute(select(users.c.id, users.c.password_hash).where(users.c.email_key == email.lower())).one_or_none()
    return (row.id, row.password_hash) if row else None


def mark_login(tx: Tx, user_id: str, at_ms: int) -> None:
    """The person signed in."""
    tx.execute(update(users).where(users.c.id == user_id).values(last_login_ms=at_ms))


# --- memberships ---------------------------------------------------------------------------------------------------


def set_role(tx: Tx, member: Membership, at_ms: int) -> None:
    """The person is in the team, with this role."""
    row = {"team_id": member.team_id, "user_id": member.user_id, "role": member.role, "created_ms": at_ms}
    added = insert_or(tx, memberships).on_conflict_do_update(
        index_elements=["team_id", "user_id"], set_={"role": member.role}
    )
    tx.execute(added, row)


def remove_member(tx: Tx, team_id: str, user_id: str) -> bool:
    """The person is not in the team any more; False when it was not before."""
    gone = delete(memberships).where(memberships.c.team_id == team_id, memberships.c.user_id == user_id)
    return tx.execute(gone).rowcount == 1


def role_in(tx: Tx, team_id: str, user_id: str) -> str | None:
    """The person's role in the team."""
    mine = (memberships.c.team_id == team_id, memberships.c.user_id == user_id)
    return tx.execute(select(memberships.c.role).where(*mine)).scalar_one_or_none()


def roles_in(tx: Tx, team_id: str) -> dict[str, str]:
    """Role by user id of a team."""
    rows = tx.execute(select(memberships.c.user_id, memberships.c.role).where(memberships.c.team_id == team_id))
    return {row.user_id: row.role for row in rows}


def members(tx: Tx, team_id: str) -> list[tuple[User, str]]:
    """(person, role), in the order they joined."""
    joined = select(*_COLUMNS, memberships.c.role).join(memberships, memberships.c.user_id == users.c.id)
    rows = tx.execute(joined.where(memberships.c.team_id == team_id).order_by(memberships.c.created_ms, users.c.id))
    return [(_user(row), row.role) for row in rows]


def teams_of(tx: Tx, user_id: str, billing_account: str) -> list[tuple[str, str, str]]:
    """(team id, team name, role) of a person in an account, oldest team first."""
    joined = select(teams.c.id, teams.c.name, memberships.c.role).join(memberships, memberships.c.team_id == teams.c.id)
    mine = joined.where(memberships.c.user_id == user_id, teams.c.billing_account == billing_account)
    return [(row.id, row.name, row.role) for row in tx.execute(mine.order_by(teams.c.created_ms, teams.c.id))]


def dissolve(tx: Tx, team_id: str, at_ms: int) -> None:
    """Nobody is in the team any more, and who was in no other has lost the billing account."""
    leaving = list(tx.execute(select(memberships.c.user_id).where(memberships.c.team_id == team_id)).scalars())
    tx.execute(delete(memberships).where(memberships.c.team_id == team_id))
    anywhere = exists().where(memberships.c.user_id == users.c.id)
    lost = update(users).where(users.c.id.in_(leaving), ~anywhere)
    tx.execute(lost.values(billing_account=None, updated_ms=at_ms))
