"""All SQL of a team's accounts at stamping providers."""

from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from timbra.credentials.tables import pac_connections
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class StoredPac:
    """One account; the credentials are sealed. Instants are ms UTC."""

    provider: str
    position: int
    sealed_credentials: str = field(repr=False)
    created_ms: int
    updated_ms: int
    tested_ms: int | None


_COLUMNS = [pac_connections.c[one.name] for one in fields(StoredPac)]


def _mine(scope: TeamScope) -> ColumnElement[bool]:
    return and_(pac_connections.c.team_id == scope.team_id, pac_connections.c.livemode == scope.livemode)


def connections(tx: Tx, scope: TeamScope) -> list[StoredPac]:
    """The accounts of the team and mode, in the order in which they are asked."""
    rows = tx.execute(
        select(*_COLUMNS).where(_mine(scope)).order_by(pac_connections.c.position, pac_connections.c.provider)
    )
    return [StoredPac(**row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy's public name)


def put(tx: Tx, scope: TeamScope, provider: str, sealed: str, at_ms: int) -> None:
    """The account is kept: a new one is asked last, a known one gets these credentials and counts as untested."""
    known = and_(_mine(scope), pac_connections.c.provider == provider)
    changed = tx.execute(
        update(pac_connections).where(known).values(sealed_credentials=sealed, updated_ms=at_ms, tested_ms=None)
    )
    if changed.rowcount == 1:
        return
    last = tx.execute(select(func.coalesce(func.max(pac_connections.c.position), 0)).where(_mine(scope))).scalar_one()
    tx.execute(
        insert(pac_connections),
        {
            "team_id": scope.team_id,
            "livemode": scope.livemode,
            "provider": provider,
            "position": int(last) + 1,
            "sealed_credentials": sealed,
            "created_ms": at_ms,
            "updated_ms": at_ms,
            "tested_ms": None,
        },
    )


def remove(tx: Tx, scope: TeamScope, provider: str) -> bool:
    """The account and its credentials are gone; False when there was none."""
    gone = tx.execute(delete(pac_connections).where(_mine(scope), pac_connections.c.provider == provider))
    return gone.rowcount == 1


def set_positions(tx: Tx, scope: TeamScope, providers: list[str], at_ms: int) -> None:
    """They are asked in this order."""
    for position, provider in enumerate(providers, start=1):
        tx.execute(
            update(pac_connections)
            .where(_mine(scope), pac_connections.c.provider == provider)
            .values(position=position, updated_ms=at_ms)
        )


def note_tested(tx: Tx, scope: TeamScope, provider: str, at_ms: int) -> None:
    """The account stamped and cancelled a document at ``at_ms``."""
    tx.execute(
        update(pac_connections).where(_mine(scope), pac_connections.c.provider == provider).values(tested_ms=at_ms)
    )


def live_accounts(tx: Tx) -> dict[str, int]:
    """How many teams have a live account, by provider."""
    provider = pac_connections.c.provider
    counted = select(provider, func.count().label("teams")).where(pac_connections.c.livemode)
    rows: Any = tx.execute(counted.group_by(provider).order_by(provider))
    return {row.provider: int(row.teams) for row in rows}


def has_live(tx: Tx) -> bool:
    """Whether any team has an account for live mode."""
    return bool(live_accounts(tx))
