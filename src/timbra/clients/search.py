"""Searching clients (contract search.md)."""

from collections.abc import Sequence
from typing import Any

from timbra.clients import store, store_search
from timbra.clients.model import Client
from timbra.http import searching
from timbra.http.caller import Caller
from timbra.http.routing import Router
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search.kinds import Entry, Field, Form, Kind
from timbra.platform.search.service import Search


def _entry(client: Client) -> Entry:
    texts = {
        "tax_id": client.tax_id,
        "legal_name": client.legal_name,
        "name": client.name,
        "company": client.company,
        "email": client.email,
        "phone": client.phone,
        "id": client.id,
    }
    return Entry(client.id, client.created_ms, {name: (text,) for name, text in texts.items() if text})


def _read(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Entry]:
    return [_entry(client) for client in store_search.those(tx, scope, ids)]


def _after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Entry]:
    return [_entry(client) for client in store_search.after(tx, scope, last, limit)]


KIND = Kind(
    store.SEARCHED_AS,
    (
        Field(1, "tax_id", 8, Form.CODE),
        Field(2, "legal_name", 5),
        Field(3, "name", 5),
        Field(4, "company", 4),
        Field(5, "email", 4, Form.EMAIL),
        Field(6, "phone", 2, Form.PHONE),
        Field(7, "id", 8, Form.ID),
    ),
    read=_read,
    after=_after,
    scopes=store_search.scopes,
    count=store_search.count,
)


def routes(search: Search) -> Router:
    """The search of clients."""
    router = Router(tag="Clients", area="clients")
    searching.declare(router, "/clients/search", "Clients retrieved successfully", search, KIND, _load)
    return router


def _load(tx: Tx, caller: Caller, ids: Sequence[str]) -> list[dict[str, Any]]:
    by_id = {client.id: client for client in store_search.those(tx, caller.scope, ids)}
    return [by_id[client_id].to_wire() for client_id in ids if client_id in by_id]
