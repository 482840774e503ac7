"""All SQL of clients. Deleted rows stay, and no function here shows them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select, update

from timbra.catalogs.address import Address
from timbra.cfdi.text import clean_rfc
from timbra.clients.model import Client
from timbra.clients.tables import clients
from timbra.platform import json, locks
from timbra.platform.db import Tx
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch, metadata_equals
from timbra.platform.scope import TeamScope
from timbra.platform.search import marks

NAME_KEY_LENGTH = 300
SEARCHED_AS = "client"
STATUSES = {"true": "valid", "false": "invalid", "null": "unverified"}


def _where(scope: TeamScope) -> tuple[ColumnElement[bool], ...]:
    return (
        clients.c.team_id == scope.team_id,
        clients.c.livemode == scope.livemode,
        clients.c.deleted.is_(False),
    )


def _visible(scope: TeamScope) -> Select[Any]:
    return select(clients).where(*_where(scope))


def _name_key(name: str) -> str:
    return name.lower()[:NAME_KEY_LENGTH]


def _row(client: Client) -> dict[str, Any]:
    return {
        "team_id": client.team_id,
        "id": client.id,
        "livemode": client.livemode,
        "deleted": False,
        "created_ms": client.created_ms,
        "updated_ms": client.updated_ms,
        "owner": client.owner,
        "origin": client.origin,
        "name": client.name,
        "company": client.company,
        "email": client.email,
        "phone": client.phone,
        "bcc": json.dumps(client.bcc),
        "legal_name": client.legal_name,
        "tax_id": client.tax_id,
        "tax_system": client.tax_system,
        "use": client.use,
        "address": json.dumps(client.address.to_wire()),
        "metadata": json.dumps(client.metadata),
        "defaults": json.dumps(client.defaults),
        "colombian": json.dumps(client.colombian),
        "status": client.status,
        "status_message": client.status_message,
        "sat_status": None if client.sat_status is None else json.dumps(client.sat_status),
        "name_key": _name_key(client.display_name),
        "email_key": client.email.lower()[:254] if client.email else None,
        "sort_name": sort_key(client.legal_name or client.display_name),
    }


def client_of(row: Any) -> Client:
    """The client of a row of the table."""
    return Client(
        id=row.id,
        team_id=row.team_id,
        livemode=row.livemode,
        owner=row.owner,
        origin=row.origin,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        name=row.name,
        company=row.company,
        email=row.email,
        phone=row.phone,
        bcc=tuple(json.loads(row.bcc.encode())),
        legal_name=row.legal_name,
        tax_id=row.tax_id,
        tax_system=row.tax_system,
        use=row.use,
        address=Address(**json.loads(row.address.encode())),
        metadata=json.loads(row.metadata.encode()),
        defaults=json.loads(row.defaults.encode()),
        colombian=json.loads(row.colombian.encode()),
        status=row.status,
        status_message=row.status_message,
        sat_status=json.loads(row.sat_status.encode()) if row.sat_status else None,
    )


def add(tx: Tx, scope: TeamScope, client: Client) -> None:
    """The client is stored."""
    assert (client.team_id, client.livemode) == (scope.team_id, scope.livemode), "a client belongs to its scope"
    tx.execute(insert(clients), _row(client))
    marks.changed(tx, scope, SEARCHED_AS, [client.id])


_GET = select(clients).where(
    clients.c.team_id == bindparam("team"),
    clients.c.id == bindparam("id"),
    clients.c.livemode == bindparam("mode"),
    clients.c.deleted.is_(False),
)


def get(tx: Tx, scope: TeamScope, client_id: str) -> Client | None:
    """The client of that id, None when it is deleted or not of this team and mode."""
    where = {"team": scope.team_id, "id": client_id, "mode": scope.livemode}
    row = tx.execute(_GET, where).one_or_none()
    return client_of(row) if row else None


def lock(tx: Tx, scope: TeamScope, client_id: str) -> Client | None:
    """Like ``get``; other writers of this client wait until the transaction ends."""
    row = tx.execute(_visible(scope).where(clients.c.id == client_id).with_for_update()).one_or_none()
    return client_of(row) if row else None


def save(tx: Tx, scope: TeamScope, client: Client) -> None:
    """Every field of a client that exists is replaced."""
    row = _row(client)
    tx.execute(update(clients).where(*_where(scope), clients.c.id == client.id).values(row))
    marks.changed(tx, scope, SEARCHED_AS, [client.id])


def mark_deleted(tx: Tx, scope: TeamScope, client_id: str, at_ms: int) -> None:
    """The client is gone from every read, match and search."""
    gone = update(clients).where(*_where(scope), clients.c.id == client_id)
    tx.execute(gone.values(deleted=True, updated_ms=at_ms))
    marks.changed(tx, scope, SEARCHED_AS, [client_id])


def _matches(tx: Tx, key: str, value: str) -> ColumnElement[bool]:
    match key:
        case "id":
            return clients.c.id == value
        case "tax_id":
            return clients.c.tax_id == clean_rfc(value)
        case "email":
            return clients.c.email_key == value.lower()
        case "name":
            return clients.c.name_key == _name_key(value)
    return metadata_equals(tx.dialect, clients.c.metadata, key.removeprefix("metadata."), value)


def find(tx: Tx, scope: TeamScope, key: str, value: str, limit: int) -> list[Client]:
    """Clients whose ``tax_id``, ``email``, ``name``, ``id`` or ``metadata.<key>`` is the value, oldest first."""
    found = _visible(scope).where(_matches(tx, key, value)).order_by(clients.c.created_ms, clients.c.id)
    return [client_of(row) for row in tx.execute(found.limit(limit))]


def oldest_with(tx: Tx, scope: TeamScope, tax_id: str | None, email: str | None) -> Client | None:
    """The oldest client with exactly this RFC and this address, absent ones included; one of the two is given."""
    assert tax_id or email, "neither RFC nor e-mail would match every client without them"
    # coalesce keeps the planner off the index entries of all the clients that lack the field
    same_tax_id = clients.c.tax_id == tax_id if tax_id else func.coalesce(clients.c.tax_id, "") == ""
    same_email = clients.c.email_key == email.lower() if email else func.coalesce(clients.c.email_key, "") == ""
    found = _visible(scope).where(same_tax_id, same_email).order_by(clients.c.created_ms, clients.c.id)
    row = tx.execute(found.limit(1)).one_or_none()
    return client_of(row) if row else None


def hold(tx: Tx, scope: TeamScope, key: str, value: str) -> None:
    """Find-or-create calls with the same key and value wait until this transaction ends."""
    shape = clean_rfc(value) if key == "tax_id" else value.lower()
    locks.hold(tx, scope, f"client.{key}", shape)


def page(tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any]) -> Slice[Client]:
    """A page of clients. filters: ``email``, ``tax_id``, ``is_valid`` (``true false null``)."""
    matching = _visible(scope)
    if "email" in filters:
        matching = matching.where(clients.c.email_key == filters["email"].lower())
    if "tax_id" in filters:
        matching = matching.where(clients.c.tax_id == filters["tax_id"])
    if "is_valid" in filters:
        matching = matching.where(clients.c.status == STATUSES[filters["is_valid"]])
    found = fetch(
        tx,
        matching,
        window,
        orders={"timestamp": clients.c.created_ms, "name": clients.c.sort_name},
        identity=clients.c.id,
        metadata=clients.c.metadata,
    )
    return found.map(client_of)


def count(tx: Tx, scope: TeamScope, key: str, value: str) -> int:
    """How many clients ``find`` would give without a limit."""
    counted = select(func.count()).select_from(clients).where(*_where(scope), _matches(tx, key, value))
    return int(tx.execute(counted).scalar_one())
