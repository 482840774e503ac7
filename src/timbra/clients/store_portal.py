"""All SQL of the links to the customer portal."""

from typing import NamedTuple

from sqlalchemy import delete, insert, select

from timbra.clients.tables import client_portal_links as links
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


class PortalLink(NamedTuple):
    """Whose portal a token opens."""

    scope: TeamScope
    client_id: str
    expires_ms: int


def add(tx: Tx, scope: TeamScope, client_id: str, digest: bytes, *, at_ms: int, expires_ms: int) -> None:
    """The token of this digest opens the client's portal until it expires."""
    row = {"team_id": scope.team_id, "token_sha256": digest, "livemode": scope.livemode, "client_id": client_id}
    tx.execute(insert(links), {**row, "created_ms": at_ms, "expires_ms": expires_ms})


def find(tx: Tx, digest: bytes) -> PortalLink | None:
    """The link of any team whose token has this digest. The caller acts for the server: no team is known yet."""
    row = tx.execute(select(links).where(links.c.token_sha256 == digest)).one_or_none()
    return None if row is None else PortalLink(TeamScope(row.team_id, row.livemode), row.client_id, row.expires_ms)


def end(tx: Tx, scope: TeamScope, client_id: str) -> None:
    """No link of the client opens anything any more."""
    tx.execute(delete(links).where(links.c.team_id == scope.team_id, links.c.client_id == client_id))


def forget_expired(tx: Tx, now_ms: int) -> None:
    """No row is left of a link that opens nothing."""
    tx.execute(delete(links).where(links.c.expires_ms <= now_ms))
