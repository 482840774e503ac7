"""The SQL that removes a team for good."""

from typing import Final

from sqlalchemy import delete

from timbra.platform.db import Tx, metadata
from timbra.teams.tables import teams

KEPT: Final = frozenset({"audit_log", "audit_heads"})  # the log outlives what it tells of


def erase(tx: Tx, team_id: str) -> None:
    """No table but those of the audit log has a row of the team.

    Read from the metadata, children first, so that a new room's tables are never forgotten. Tables that refuse DELETE
    hold nothing of a team without documents.
    """
    for table in reversed(metadata.sorted_tables):
        if "team_id" in table.c and table.name not in KEPT:
            tx.execute(delete(table).where(table.c.team_id == team_id))
    tx.execute(delete(teams).where(teams.c.id == team_id))
