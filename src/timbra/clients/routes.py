"""HTTP of clients (contract clients.md section 2)."""

from functools import partial
from typing import Any

from timbra.catalogs.fields import TaxId
from timbra.cfdi.catalogs import Catalogs
from timbra.clients import create, store, update
from timbra.clients.model import Client
from timbra.clients.schemas import CreateClient, UpdateClient
from timbra.http.caller import Caller
from timbra.http.envelope import Answer, JSONReply
from timbra.http.errors import NotFound
from timbra.http.fields import Choice, Text
from timbra.http.idempotency import Claim
from timbra.http.query import ListQuery
from timbra.http.routing import Router
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.keyset import Slice

FILTERS = {
    "email": Text(max=254),
    "tax_id": TaxId(),
    "is_valid": Choice("true", "false", "null", also={"1": "true", "0": "false"}),
}
MESSAGES = {
    "created": "Client created successfully",
    "updated": "Client updated successfully",
    "found": "Client retrieved successfully",
}
NEW_CLIENT = {
    "name": "Universidad Robótica", "email": "pagos@ure.example", "legal_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA",
    "tax_id": "URE180429TM6", "tax_system": "601", "use": "G03", "address": {"zip": "86991"},
    "metadata": {"crm_id": "8812"},
}  # fmt: skip
CHANGED_CLIENT = {"phone": "+52 55 1234 5678", "address": {"street": "Hidalgo", "exterior": "10"}}


def routes(db: Database, clock: Clock, catalogs: Catalogs) -> Router:
    """The operations on clients."""
    router = Router(tag="Clients", area="clients")

    @router.get("/clients", "Clients retrieved successfully", filters=FILTERS)
    async def list_clients(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            return store.page(tx, caller.scope, listing.window, listing.filters).map(Client.to_wire)

        return await db.read(unit)

    @router.post("/clients", MESSAGES["created"], success=201, also=(200,), example=NEW_CLIENT)
    async def create_client(caller: Caller, body: CreateClient, claim: Claim) -> JSONReply:
        def unit(tx: Tx) -> Answer:
            outcome = create.create(tx, caller, body, catalogs=catalogs, at_ms=clock.now_ms())
            status = 201 if outcome.what == "created" else 200
            return Answer(outcome.client.to_wire(), MESSAGES[outcome.what], status)

        return await claim.once(db, unit)

    @router.get("/clients/{id}", MESSAGES["found"])
    async def get_client(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002 (the path names it)
        client = await db.read(lambda tx: store.get(tx, caller.scope, id))
        if client is None:
            raise NotFound
        return client.to_wire()

    @router.put("/clients/{id}", MESSAGES["updated"], example=CHANGED_CLIENT)
    async def update_client(caller: Caller, body: UpdateClient, id: str) -> dict[str, Any]:  # noqa: A002
        changes, at_ms = body.changes(), clock.now_ms()
        unit = partial(update.update, caller=caller, client_id=id, changes=changes, catalogs=catalogs, at_ms=at_ms)
        return (await db.write(unit)).to_wire()

    @router.delete("/clients/{id}", "Client deleted successfully")
    async def delete_client(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        await db.write(partial(update.delete, caller=caller, client_id=id, at_ms=clock.now_ms()))
        return {"id": id, "deleted": True}

    return router
