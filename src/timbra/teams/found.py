"""Founding an account: billing account, owner, first team with its series and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from timbra.catalogs.address import Address
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import store, store_people, store_series
from timbra.teams.settings import TeamSettings
from timbra.teams.store import Team
from timbra.teams.store_people import CONSOLE, OWNER, Membership, User
from timbra.teams.store_series import Series

FIRST_SERIES = ("A", "E", "P")
FULL, API_ONLY = "full", "api_only"


@dataclass(frozen=True, slots=True)
class NewTeam:
    """Who the first team of an account is."""

    name: str
    legal_name: str | None
    tax_id: str
    tax_system: str | None
    zip: str | None
    primary_color: str | None = None
    support_email: str | None = None
    country: str = "MEX"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an account comes from: the operator's console unless told otherwise."""

    user: str = CONSOLE
    account_type: str = FULL
    action: Action = Action.TEAM_CREATE
    partner_ref: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def found(tx: Tx, new: NewTeam, *, user_name: str, email: str, at_ms: int, origin: Origin | None = None) -> Team:
    """The account, its owner and its team exist, with series A, E and P at 0 and Connect on.

    Raises UniqueViolation when the address is registered.
    """
    origin = origin or Origin()
    account_id = new_id("ba")
    owner = User(
        id=new_id("user"),
        billing_account=account_id,
        email=email,
        name=user_name,
        created_ms=at_ms,
        updated_ms=at_ms,
        origin=origin.user,
    )
    team = replace(
        blank(account_id, owner.id, new.name, at_ms),
        legal_name=new.legal_name,
        tax_id=new.tax_id,
        tax_system=new.tax_system,
        address=Address(country=new.country, zip=new.zip),
        brand={"alias": new.name, "primary_color": new.primary_color},
        support_email=new.support_email,
        connect_enabled=True,
        account_type=origin.account_type,
    )
    store.add_account(tx, account_id, new.name, at_ms, partner_ref=origin.partner_ref, metadata=origin.metadata)
    store_people.add(tx, owner)
    open_team(tx, team)
    actor = Actor(user_id=owner.id, role=OWNER, home_team=team.id)
    audit.append(tx, TeamScope(team.id, livemode=False), origin.action, team.id, actor, at_ms)
    return team


def blank(billing_account: str, owner: str, name: str, at_ms: int) -> Team:
    """A new active team of which only the name is known: default settings, Connect off."""
    return Team(
        id=new_id("team"),
        billing_account=billing_account,
        owner=owner,
        name=name,
        legal_name=None,
        tax_id=None,
        tax_system=None,
        address=Address(),
        brand={},
        support_email=None,
        support_phone=None,
        metadata={},
        settings=TeamSettings({}),
        connect_enabled=False,
        account_type=FULL,
        status=store.ACTIVE,
        removal=None,
        created_ms=at_ms,
        updated_ms=at_ms,
    )


def open_team(tx: Tx, team: Team) -> None:
    """The team is stored with its first series; its owner is a member."""
    store.add(tx, team)
    store_people.set_role(tx, Membership(team.id, team.owner, OWNER), team.created_ms)
    for name in FIRST_SERIES:
        store_series.add_if_new(tx, team.id, Series(name, 0, 0, team.created_ms))
