"""All SQL of services. Deleted rows stay, and no function here shows them."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, select, update

from timbra.catalogs.taxes import from_stored, to_wire
from timbra.platform import json, locks
from timbra.platform.db import Tx
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch, metadata_equals
from timbra.platform.scope import TeamScope
from timbra.services.model import Service
from timbra.services.tables import services

IDS_PER_STATEMENT = 500


def _where(scope: TeamScope) -> tuple[ColumnElement[bool], ...]:
    return (
        services.c.team_id == scope.team_id,
        services.c.livemode == scope.livemode,
        services.c.deleted.is_(False),
    )


def _visible(scope: TeamScope) -> Select[Any]:
    return select(services).where(*_where(scope))


def _digest(description: str) -> str:
    return hashlib.sha256(description.lower().encode()).hexdigest()


def _row(service: Service) -> dict[str, Any]:
    return {
        "team_id": service.team_id,
        "id": service.id,
        "livemode": service.livemode,
        "deleted": False,
        "created_ms": service.created_ms,
        "updated_ms": service.updated_ms,
        "owner": service.owner,
        "origin": service.origin,
        "description": service.description,
        "unit_price": service.unit_price,
        "product_key": service.product_key,
        "unit_key": service.unit_key,
        "unit_name": service.unit_name,
        "sku": service.sku,
        "quantity": service.quantity,
        "taxability": service.taxability,
        "taxes": json.dumps([to_wire(tax) for tax in service.taxes]),
        "metadata": json.dumps(service.metadata),
        "description_key": _digest(service.description),
        "sort_name": sort_key(service.description),
    }


def _service(row: Any) -> Service:
    return Service(
        id=row.id,
        team_id=row.team_id,
        livemode=row.livemode,
        owner=row.owner,
        origin=row.origin,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        description=row.description,
        unit_price=row.unit_price,
        product_key=row.product_key,
        unit_key=row.unit_key,
        unit_name=row.unit_name,
        sku=row.sku,
        quantity=row.quantity,
        taxability=row.taxability,
        taxes=from_stored(json.loads(row.taxes.encode())),
        metadata=json.loads(row.metadata.encode()),
    )


def add(tx: Tx, scope: TeamScope, service: Service) -> None:
    """The service is stored."""
    assert (service.team_id, service.livemode) == (scope.team_id, scope.livemode), "a service belongs to its scope"
    tx.execute(insert(services), _row(service))


def get(tx: Tx, scope: TeamScope, service_id: str) -> Service | None:
    """The service of that id, None when it is deleted or not of this team and mode."""
    row = tx.execute(_visible(scope).where(services.c.id == service_id)).one_or_none()
    return _service(row) if row else None


def get_many(tx: Tx, scope: TeamScope, ids: Collection[str]) -> dict[str, Service]:
    """Those of the services that exist, by id."""
    wanted = sorted(ids)
    found: dict[str, Service] = {}
    for start in range(0, len(wanted), IDS_PER_STATEMENT):
        part = wanted[start : start + IDS_PER_STATEMENT]
        rows = tx.execute(_visible(scope).where(services.c.id.in_(part)))
        found.update((row.id, _service(row)) for row in rows)
    return found


def lock(tx: Tx, scope: TeamScope, service_id: str) -> Service | None:
    """Like ``get``; other writers of this service wait until the transaction ends."""
    row = tx.execute(_visible(scope).where(services.c.id == service_id).with_for_update()).one_or_none()
    return _service(row) if row else None


def save(tx: Tx, scope: TeamScope, service: Service) -> None:
    """Every field of a service that exists is replaced."""
    tx.execute(update(services).where(*_where(scope), services.c.id == service.id).values(_row(service)))


def mark_deleted(tx: Tx, scope: TeamScope, service_id: str, at_ms: int) -> None:
    """The service is gone from every read and match."""
    gone = update(services).where(*_where(scope), services.c.id == service_id)
    tx.execute(gone.values(deleted=True, updated_ms=at_ms))


def _matches(tx: Tx, key: str, value: str) -> ColumnElement[bool]:
    match key:
        case "id":
            return services.c.id == value
        case "sku":
            return services.c.sku == value
        case "description":
            return services.c.description_key == _digest(value)
    return metadata_equals(tx.dialect, services.c.metadata, key.removeprefix("metadata."), value)


def find(tx: Tx, scope: TeamScope, key: str, value: str, limit: int) -> list[Service]:
    """Services whose ``sku``, ``id``, ``description`` (no case) or ``metadata.<key>`` is the value, oldest first."""
    found = _visible(scope).where(_matches(tx, key, value)).order_by(services.c.created_ms, services.c.id)
    return [_service(row) for row in tx.execute(found.limit(limit))]


def hold(tx: Tx, scope: TeamScope, key: str, value: str) -> None:
    """Find-or-create calls with the same key and value wait until this transaction ends."""
    locks.hold(tx, scope, f"service.{key}", value.lower())


def page(tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any]) -> Slice[Service]:
    """A page of services. filters: ``sku``, ``product_key``."""
    matching = _visible(scope)
    for name in ("sku", "product_key"):
        if name in filters:
            matching = matching.where(services.c[name] == filters[name])
    found = fetch(
        tx,
        matching,
        window,
        orders={"timestamp": services.c.created_ms, "name": services.c.sort_name},
        identity=services.c.id,
        metadata=services.c.metadata,
    )
    return found.map(_service)
