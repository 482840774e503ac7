"""Founding an account: billing account, owner, first team with its series and settings."""

from dataclasses import dataclass

from timbra.platform import audit, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import store
from timbra.teams.store import Team

FIRST_SERIES = ("A", "E", "P")


@dataclass(frozen=True, slots=True)
class NewTeam:
    """Who the first team of an account is."""

    name: str
    legal_name: str
    tax_id: str
    tax_system: str
    zip: str
    primary_color: str | None = None
    support_email: str | None = None


def found(tx: Tx, new: NewTeam, *, user_name: str, email: str, at_ms: int) -> Team:
    """The account, its owner and its team exist, with series A, E and P at 0 and Connect on."""
    account_id, user_id, team_id = new_id("ba"), new_id("user"), new_id("team")
    store.add_account(
        tx,
        {"id": account_id, "name": new.name, "created_ms": at_ms},
        {
            "id": user_id,
            "billing_account": account_id,
            "email": email,
            "name": user_name,
            "created_ms": at_ms,
        },
        {
            "id": team_id,
            "billing_account": account_id,
            "owner": user_id,
            "name": new.name,
            "legal_name": new.legal_name,
            "tax_id": new.tax_id,
            "tax_system": new.tax_system,
            "address": json.dumps({"country": "MEX", "zip": new.zip}),
            "brand": json.dumps({"alias": new.name, "primary_color": new.primary_color}),
            "support_email": new.support_email,
            "support_phone": None,
            "metadata": "{}",
            "settings": "{}",
            "connect_enabled": True,
            "account_type": "full",
            "status": "active",
            "created_ms": at_ms,
            "updated_ms": at_ms,
        },
    )
    for series in FIRST_SERIES:
        store.add_series(tx, team_id, series, at_ms)
    actor = Actor(user_id=user_id, role="owner", home_team=team_id)
    audit.append(tx, TeamScope(team_id, livemode=False), Action.TEAM_CREATE, team_id, actor, at_ms)
    team = store.team(tx, team_id)
    assert team is not None, "it was inserted above"
    return team
