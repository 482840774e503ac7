"""All SQL of services. Deleted rows stay, and no function here shows them."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select, update

from timbra.catalogs.taxes import LineTaxes, from_stored, to_wire
from timbra.http.search_fields import METADATA_PREFIX, scalar_text
from timbra.platform import json, locks
from timbra.platform.db import Tx
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch, metadata_text
from timbra.platform.scope import TeamScope
from timbra.services.model import Service
from timbra.services.tables import services

IDS_PER_STATEMENT = 500
VALUES_PER_STATEMENT = 1_000

Sought = tuple[str, str]
"""Key and value of a search, as the table keeps the value."""


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
        "taxes": _taxes_text(service.taxes),
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
        taxes=_taxes_of(row.taxes),
        metadata=json.loads(row.metadata.encode()) if row.metadata != "{}" else {},
    )


# The services of a team have few lists of taxes between them, and documents read thousands of services.
@lru_cache(maxsize=1_000)
def _taxes_text(taxes: LineTaxes) -> str:
    return json.dumps([to_wire(tax) for tax in taxes]).decode()


@lru_cache(maxsize=1_000)
def _taxes_of(text: str) -> LineTaxes:
    return from_stored(json.loads(text.encode()))


def add(tx: Tx, scope: TeamScope, *added: Service) -> None:
    """The services are stored."""
    for service in added:
        assert (service.team_id, service.livemode) == (scope.team_id, scope.livemode), "a service belongs to its scope"
    tx.execute(insert(services), [_row(service) for service in added])


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


def sought(key: str, value: str) -> Sought:
    """What ``find`` compares when ``key`` is to be ``value``: descriptions by their digest, without case."""
    return key, _digest(value) if key == "description" else value


def sought_by(service: Service, key: str) -> Sought | None:
    """The search that finds this service by ``key``; None when none does."""
    if key.startswith(METADATA_PREFIX):
        value = scalar_text(service.metadata.get(key.removeprefix(METADATA_PREFIX)))
    else:
        value = getattr(service, key)
    return None if value is None else sought(key, value)


def find(tx: Tx, scope: TeamScope, wanted: Collection[Sought], limit: int) -> dict[Sought, list[Service]]:
    """Services by what each search asks for, oldest first, at most ``limit`` for one; a statement serves 1,000 searches.

    Keys: ``sku``, ``id``, ``description`` (no case), ``metadata.<key>``.
    """
    found: dict[Sought, list[Service]] = {one: [] for one in wanted}
    for key in sorted({key for key, _ in wanted}):
        values = sorted(value for other, value in wanted if other == key)
        for start in range(0, len(values), VALUES_PER_STATEMENT):
            part = values[start : start + VALUES_PER_STATEMENT]
            for row in tx.execute(_matching(tx, scope, key, part, limit)):
                found[key, row.sought].append(_service(row))
    return found


def _matching(tx: Tx, scope: TeamScope, key: str, values: Sequence[str], limit: int) -> Select[Any]:
    compared = _compared(tx, key)
    age = (services.c.created_ms, services.c.id)
    place = func.row_number().over(partition_by=compared, order_by=age).label("place")
    found = _visible(scope).where(compared.in_(values)).add_columns(compared.label("sought"), place).subquery()
    return select(found).where(found.c.place <= limit).order_by(found.c.place)


def _compared(tx: Tx, key: str) -> ColumnElement[str]:
    if key == "description":
        return services.c.description_key
    if key.startswith(METADATA_PREFIX):
        return metadata_text(tx.dialect, services.c.metadata, key.removeprefix(METADATA_PREFIX))
    return services.c[key]


def hold(tx: Tx, scope: TeamScope, wanted: Collection[Sought]) -> None:
    """Find-or-create calls that ask for one of these wait until this transaction ends."""
    locks.hold_all(tx, scope, ((f"service.{key}", value) for key, value in wanted))


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
