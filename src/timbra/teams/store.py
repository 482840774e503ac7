"""All SQL of teams. Series, people and keys have stores of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select, update

from timbra.catalogs.address import Address
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch
from timbra.teams.settings import TeamSettings
from timbra.teams.tables import billing_accounts, onboarding_sessions, subscriptions, teams

ACTIVE, PENDING_DELETION = "active", "pending_deletion"


@dataclass(frozen=True, slots=True)
class Removal:
    """A team on its way out: gone for good at ``at_ms``."""

    at_ms: int
    flagged_ms: int
    flagged_by: str


@dataclass(frozen=True, slots=True)
class Team:
    """An issuer: who it is to SAT, its brand and its settings."""

    id: str
    billing_account: str
    owner: str
    name: str
    legal_name: str | None
    tax_id: str | None
    tax_system: str | None
    address: Address
    brand: Mapping[str, Any]
    support_email: str | None
    support_phone: str | None
    metadata: Mapping[str, Any]
    settings: TeamSettings
    connect_enabled: bool
    account_type: str
    status: str
    removal: Removal | None
    created_ms: int
    updated_ms: int

    @property
    def zip(self) -> str | None:
        """Place of issue of this team's documents."""
        return self.address.zip

    @property
    def is_active(self) -> bool:
        """Whether it may do more than be read."""
        return self.status == ACTIVE


def _team(row: Any) -> Team:
    removal = Removal(row.removal_ms, row.flagged_ms, row.flagged_by) if row.removal_ms is not None else None
    return Team(
        id=row.id,
        billing_account=row.billing_account,
        owner=row.owner,
        name=row.name,
        legal_name=row.legal_name,
        tax_id=row.tax_id,
        tax_system=row.tax_system,
        address=Address(**json.loads(row.address.encode())),
        brand=json.loads(row.brand.encode()),
        support_email=row.support_email,
        support_phone=row.support_phone,
        metadata=json.loads(row.metadata.encode()),
        settings=TeamSettings(row.settings),
        connect_enabled=row.connect_enabled,
        account_type=row.account_type,
        status=row.status,
        removal=removal,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )


def _row(team: Team) -> dict[str, Any]:
    removal = team.removal
    return {
        "id": team.id,
        "billing_account": team.billing_account,
        "owner": team.owner,
        "name": team.name,
        "sort_name": sort_key(team.name),
        "legal_name": team.legal_name,
        "tax_id": team.tax_id,
        "tax_system": team.tax_system,
        "address": json.dumps(team.address.to_wire()),
        "brand": json.dumps(team.brand),
        "support_email": team.support_email,
        "support_phone": team.support_phone,
        "metadata": json.dumps(team.metadata),
        "settings": json.dumps(team.settings.stored),
        "portal_slug": team.settings["customer_portal_id"],
        "connect_enabled": team.connect_enabled,
        "account_type": team.account_type,
        "status": team.status,
        "removal_ms": removal.at_ms if removal else None,
        "flagged_ms": removal.flagged_ms if removal else None,
        "flagged_by": removal.flagged_by if removal else None,
        "created_ms": team.created_ms,
        "updated_ms": team.updated_ms,
    }


def _one(tx: Tx, statement: Select[Any]) -> Team | None:
    row = tx.execute(statement).one_or_none()
    return _team(row) if row else None


def team(tx: Tx, team_id: str) -> Team | None:
    """The team of that id, whatever its status."""
    return _one(tx, select(teams).where(teams.c.id == team_id))


def lock(tx: Tx, team_id: str) -> Team | None:
    """Like ``team``; other writers of this team wait until the transaction ends."""
    return _one(tx, select(teams).where(teams.c.id == team_id).with_for_update())


def first_team(tx: Tx) -> Team | None:
    """The oldest team of the server: the one ``timbra demo`` made."""
    return _one(tx, select(teams).order_by(teams.c.created_ms, teams.c.id).limit(1))


def with_portal(tx: Tx, slug: str) -> Team | None:
    """The team whose customer portal has this name."""
    return _one(tx, select(teams).where(teams.c.portal_slug == slug))


def page(
    tx: Tx, window: Window, filters: Mapping[str, Any], *, billing_account: str | None, team_id: str
) -> Slice[Team]:
    """A page of the account's teams, or of the one team when no account is given. filters: ``status``, ``tax_id``."""
    whose = teams.c.billing_account == billing_account if billing_account is not None else teams.c.id == team_id
    matching = select(teams).where(whose, *(teams.c[name] == value for name, value in filters.items()))
    orders = {"timestamp": teams.c.created_ms, "name": teams.c.sort_name}
    return fetch(tx, matching, window, orders=orders, identity=teams.c.id, metadata=teams.c.metadata).map(_team)


def due_for_removal(tx: Tx, now_ms: int) -> list[str]:
    """Ids of the teams whose last day has come."""
    due = select(teams.c.id).where(teams.c.status == PENDING_DELETION, teams.c.removal_ms <= now_ms)
    return list(tx.execute(due.order_by(teams.c.removal_ms, teams.c.id)).scalars())


def add(tx: Tx, new: Team) -> None:
    """The team is stored."""
    tx.execute(insert(teams), _row(new))


def save(tx: Tx, changed: Team) -> None:
    """Every field of a team that exists is replaced."""
    tx.execute(update(teams).where(teams.c.id == changed.id).values(_row(changed)))


def add_account(
    tx: Tx, account_id: str, name: str, at_ms: int, *, partner_ref: str | None = None, metadata: Mapping[str, Any]
) -> None:
    """The billing account is stored; it has neither teams nor users yet."""
    row = {"id": account_id, "name": name, "partner_ref": partner_ref, "metadata": json.dumps(metadata)}
    tx.execute(insert(billing_accounts), {**row, "created_ms": at_ms})


def add_subscription(tx: Tx, subscription: Mapping[str, Any]) -> None:
    """The account's plan is stored. subscription: every column of the table by name."""
    tx.execute(insert(subscriptions), dict(subscription))


def set_settings(tx: Tx, team_id: str, stored: bytes, at_ms: int) -> None:
    """The settings that differ from the defaults are these."""
    slug = TeamSettings(stored)["customer_portal_id"]
    changes = {"settings": stored, "portal_slug": slug, "updated_ms": at_ms}
    tx.execute(update(teams).where(teams.c.id == team_id).values(changes))


def replace_onboarding(tx: Tx, session: Mapping[str, Any]) -> None:
    """The team's only open onboarding link is this one. session: every column of the table by name."""
    end_onboarding(tx, session["team_id"])
    tx.execute(insert(onboarding_sessions), dict(session))


def end_onboarding(tx: Tx, team_id: str) -> None:
    """No onboarding link of the team opens anything."""
    tx.execute(onboarding_sessions.delete().where(onboarding_sessions.c.team_id == team_id))


def onboarding(tx: Tx, session_sha256: bytes) -> Any | None:
    """The row of an onboarding link, expired or not."""
    found = select(onboarding_sessions).where(onboarding_sessions.c.session_sha256 == session_sha256)
    return tx.execute(found).one_or_none()
