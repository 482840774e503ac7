"""HTTP of the sandbox: behaviour of the simulated PACs and receivers, the team's clock, the documents at the simulated SAT.

Test mode only. The page at ``/sandbox`` does the same with a browser (``pages``).
"""

from typing import Any

from timbra.http.caller import Caller
from timbra.http.fields import Choice
from timbra.http.query import ListQuery
from timbra.http.routing import Router
from timbra.platform.keyset import Slice
from timbra.sandbox import clock, documents, settings
from timbra.sandbox.parts import SandboxParts
from timbra.sandbox.schemas import ChangeSandbox, MoveClock, ReceiverAnswer

BEHAVIOUR = {
    "pacs": {"sandbox_backup": {"behaviour": "rejects", "code": "CFDI40147", "calls": 1}},
    "receiver": {"behaviour": "silent"},
}
FILTERS = {"cancellation": Choice("asked", "never")}


def routes(parts: SandboxParts) -> Router:
    """The operations on the sandbox."""
    router = Router(tag="Sandbox", area="invoices")

    def shown(state: settings.State) -> dict[str, Any]:
        return {"clock": clock.now(parts), **state.to_wire()}

    @router.get("/sandbox", "Sandbox retrieved successfully")
    async def get_sandbox(caller: Caller) -> dict[str, Any]:
        return shown(await settings.state(parts, caller))

    @router.put("/sandbox", "Sandbox updated successfully", example=BEHAVIOUR)
    async def change_sandbox(caller: Caller, body: ChangeSandbox) -> dict[str, Any]:
        pacs = {name: control.control() if control is not None else None for name, control in (body.pacs or {}).items()}
        receiver = body.receiver.behaviour if body.receiver is not None else None
        return shown(await settings.change(parts, caller, pacs, receiver))

    @router.delete("/sandbox", "Sandbox behaves normally again")
    async def reset_sandbox(caller: Caller) -> dict[str, Any]:
        return shown(await settings.reset(parts, caller))

    @router.post("/sandbox/clock", "Clock moved successfully", example={"working_days": 3})
    async def move_clock(caller: Caller, body: MoveClock) -> dict[str, Any]:
        done = await clock.move(parts, caller, body.move())
        return {"clock": clock.now(parts), "done": done}

    _documents(router, parts)
    return router


def _documents(router: Router, parts: SandboxParts) -> None:
    """What the simulated SAT knows."""

    @router.get("/sandbox/documents", "Documents retrieved successfully", filters=FILTERS, orders=("timestamp",))
    async def list_documents(caller: Caller, listing: ListQuery) -> Slice[Any]:
        word = listing.filters.get("cancellation")
        found = await documents.page(parts, caller, listing.window, is_asked=None if word is None else word == "asked")
        return found.map(documents.Document.to_wire)

    @router.post("/sandbox/documents/{id}/answer", "Receiver answered successfully")
    async def answer_request(caller: Caller, body: ReceiverAnswer, id: str) -> dict[str, Any]:  # noqa: A002
        return (await documents.answer(parts, caller, id, body.answer)).to_wire()
