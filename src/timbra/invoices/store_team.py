"""What teams ask about documents: SQL over all documents of a team."""

from sqlalchemy import exists, func, select

from timbra.invoices.store import HAS_FOLIO, in_scope
from timbra.invoices.tables import invoices
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


def has_any(tx: Tx, team_id: str) -> bool:
    """Whether the team has a document in either mode, refused ones included: each is a record to be kept."""
    found = select(exists().where(invoices.c.team_id == team_id))
    return bool(tx.execute(found).scalar_one())


def highest_folio(tx: Tx, scope: TeamScope, series: str) -> int:
    """The highest folio that a stamped or pending document of the series holds; 0 without any."""
    highest = select(func.max(invoices.c.folio)).where(in_scope(scope), invoices.c.series == series, HAS_FOLIO)
    return tx.execute(highest).scalar_one() or 0
