"""SQL of the team that hears of the others of its account."""

from sqlalchemy import select

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams.tables import teams


def master_scope(tx: Tx, scope: TeamScope) -> TeamScope:
    """Where ``teams.*`` events of a team are told: the oldest team of its account that has Connect, else the team itself."""
    account = select(teams.c.billing_account).where(teams.c.id == scope.team_id).scalar_subquery()
    masters = select(teams.c.id).where(teams.c.billing_account == account, teams.c.connect_enabled)
    first = tx.execute(masters.order_by(teams.c.created_ms, teams.c.id).limit(1)).scalar_one_or_none()
    return TeamScope(first or scope.team_id, scope.livemode)
