"""HTTP of services (contract services.md section 2)."""

from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.http.caller import Caller
from timbra.http.envelope import JSONReply
from timbra.http.errors import NotFound
from timbra.http.fields import Text
from timbra.http.idempotency import Claim
from timbra.http.query import ListQuery
from timbra.http.routing import Router
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.keyset import Slice
from timbra.services import create, store, update
from timbra.services.model import Service
from timbra.services.schemas import CreateService, ProductKey, UpdateService
from timbra.teams import store as teams
from timbra.teams.settings import TeamSettings

FILTERS = {"sku": Text(max=100), "product_key": ProductKey}

NEW_SERVICE = {
    "description": "Consultoría", "unit_price": 1500, "product_key": "80141503", "unit_key": "E48", "sku": "CONS-01",
    "taxes": [{"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}],
}  # fmt: skip
CHANGED_SERVICE = {"unit_price": 1800}


def routes(db: Database, clock: Clock, catalogs: Catalogs) -> Router:
    """The operations on services."""
    router = Router(tag="Services", area="services")

    @router.get("/services", "Services retrieved successfully", filters=FILTERS)
    async def list_services(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            return store.page(tx, caller.scope, listing.window, listing.filters).map(Service.to_wire)

        return await db.read(unit)

    @router.post("/services", "Service created successfully", success=201, example=NEW_SERVICE)
    async def create_service(caller: Caller, body: CreateService, claim: Claim) -> JSONReply:
        fields, at_ms = dict(body), clock.now_ms()

        def unit(tx: Tx) -> dict[str, Any]:
            settings = _settings(tx, caller)
            service = create.add(tx, caller, fields, origin="api", settings=settings, catalogs=catalogs, at_ms=at_ms)
            return service.to_wire()

        return await claim.once(db, unit)

    @router.get("/services/{id}", "Service retrieved successfully")
    async def get_service(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002 (the path names it)
        service = await db.read(lambda tx: store.get(tx, caller.scope, id))
        if service is None:
            raise NotFound
        return service.to_wire()

    @router.put("/services/{id}", "Service updated successfully", example=CHANGED_SERVICE)
    async def update_service(caller: Caller, body: UpdateService, id: str) -> dict[str, Any]:  # noqa: A002
        changes, at_ms = body.changes(), clock.now_ms()

        def unit(tx: Tx) -> Service:
            settings = _settings(tx, caller)
            return update.update(tx, caller, id, changes, settings=settings, catalogs=catalogs, at_ms=at_ms)

        return (await db.write(unit)).to_wire()

    @router.delete("/services/{id}", "Service deleted successfully")
    async def delete_service(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        await db.write(lambda tx: update.delete(tx, caller, id, at_ms=clock.now_ms()))
        return {"id": id, "deleted": True}

    return router


def _settings(tx: Tx, caller: Caller) -> TeamSettings:
    team = teams.team(tx, caller.scope.team_id)
    assert team is not None, "a scope names a team"
    return team.settings
