"""HTTP of clients (contract clients.md section 2)."""

import asyncio
from functools import partial
from typing import Any

from timbra.catalogs.fields import TaxId
from timbra.cfdi.zones import CENTRAL
from timbra.clients import create, csf, portal_link, store, update, validate
from timbra.clients.model import Client
from timbra.clients.parts import ClientParts
from timbra.clients.portal_link import PortalFor
from timbra.clients.schemas import CreateClient, UpdateClient
from timbra.http.caller import Caller
from timbra.http.envelope import Answer, JSONReply
from timbra.http.errors import NotFound
from timbra.http.fields import Choice, Text
from timbra.http.idempotency import Claim
from timbra.http.multipart import Upload
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.platform.db import Tx
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
LINK_SECRETS = ("data.url", "data.token")
NEW_CLIENT = {
    "name": "Universidad Robótica", "email": "pagos@ure.example", "legal_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA",
    "tax_id": "URE180429TM6", "tax_system": "601", "use": "G03", "address": {"zip": "86991"},
    "metadata": {"crm_id": "8812"},
}  # fmt: skip
CHANGED_CLIENT = {"phone": "+52 55 1234 5678", "address": {"street": "Hidalgo", "exterior": "10"}}


def routes(parts: ClientParts) -> Router:
    """The operations on clients."""
    router = Router(tag="Clients", area="clients")
    _reading(router, parts)
    _writing(router, parts)
    _beyond(router, parts)
    return router


def _reading(router: Router, parts: ClientParts) -> None:
    @router.get("/clients", "Clients retrieved successfully", filters=FILTERS)
    async def list_clients(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            return store.page(tx, caller.scope, listing.window, listing.filters).map(Client.to_wire)

        return await parts.database.read(unit)

    @router.get("/clients/{id}", MESSAGES["found"])
    async def get_client(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002 (the path names it)
        client = await parts.database.read(lambda tx: store.get(tx, caller.scope, id))
        if client is None:
            raise NotFound
        return client.to_wire()


def _writing(router: Router, parts: ClientParts) -> None:
    @router.post("/clients", MESSAGES["created"], success=201, also=(200,), example=NEW_CLIENT)
    async def create_client(caller: Caller, body: CreateClient, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> Answer:
            outcome = create.create(tx, caller, body, catalogs=parts.catalogs, at_ms=at_ms, screening=parts.screening)
            status = 201 if outcome.what == "created" else 200
            return Answer(outcome.client.to_wire(), MESSAGES[outcome.what], status)

        return await claim.once(parts.database, unit)

    @router.put("/clients/{id}", MESSAGES["updated"], example=CHANGED_CLIENT)
    async def update_client(caller: Caller, body: UpdateClient, id: str) -> dict[str, Any]:  # noqa: A002
        changes, at_ms = body.changes(), parts.clock.now_ms()

        def unit(tx: Tx) -> Client:
            return update.update(
                tx, caller, id, changes, catalogs=parts.catalogs, at_ms=at_ms, screening=parts.screening
            )

        return (await parts.database.write(unit)).to_wire()

    @router.delete("/clients/{id}", "Client deleted successfully")
    async def delete_client(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        await parts.database.write(partial(update.delete, caller=caller, client_id=id, at_ms=parts.clock.now_ms()))
        return {"id": id, "deleted": True}


def _beyond(router: Router, parts: ClientParts) -> None:
    turns = asyncio.Semaphore(csf.AT_ONCE)

    @router.post("/clients/validate/{id}", "Client validated successfully", asks_outside=True)
    async def validate_client(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        return await validate.validate(parts, caller, id)

    @router.post("/clients/customerportal", "Customer portal access created successfully")
    async def customer_portal(caller: Caller, body: PortalFor, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> dict[str, Any]:
            made = portal_link.mint(tx, caller, body, portal_url=parts.portal_url, at_ms=at_ms)
            return {
                "url": made.url,
                "token": made.token,
                "expires_at": made.expires_ms // 1000,
                "client": made.client_id,
            }

        return await claim.once(parts.database, unit, secret_paths=LINK_SECRETS)

    @router.post("/clients/csf", MESSAGES["created"], success=201, also=(200,), filters={"client_id": Text(max=160)})
    async def read_csf(call: Call, caller: Caller, form: Upload, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()
        paper = await csf.read(form, turns)
        client_id = call.filters.get("client_id")

        def unit(tx: Tx) -> Answer:
            outcome = csf.keep(tx, parts, caller, paper, client_id=client_id, at_ms=at_ms)
            status = 201 if outcome.what == "created" else 200
            shown = outcome.client.to_wire() | {"csf": csf.shown(paper, parts.clock.today(CENTRAL))}
            return Answer(shown, MESSAGES[outcome.what], status)

        return await claim.once(parts.database, unit)
