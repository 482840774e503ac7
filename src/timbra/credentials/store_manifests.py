"""All SQL of signed manifests."""

from sqlalchemy import func, select

from timbra.credentials.tables import manifests
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


def last_signed_ms(tx: Tx, scope: TeamScope) -> int | None:
    """When the team last signed one in this mode."""
    mine = (manifests.c.team_id == scope.team_id, manifests.c.livemode == scope.livemode)
    signed_ms: int | None = tx.execute(select(func.max(manifests.c.signed_ms)).where(*mine)).scalar_one()
    return signed_ms
