"""Searching receipts (contract search.md)."""

from collections.abc import Iterable, Sequence
from typing import Any

from timbra.http import searching
from timbra.http.caller import Caller
from timbra.http.fields import Choice, Code, Text
from timbra.http.routing import Router
from timbra.platform.db import Tx
from timbra.platform.json import number_text
from timbra.platform.scope import TeamScope
from timbra.platform.search.kinds import Entry, Field, Form, Kind
from timbra.platform.search.service import Search
from timbra.receipts import store, store_search
from timbra.receipts.model import Receipt
from timbra.receipts.parts import ReceiptParts

# Payments are searched by the same fields.
FIELDS = (
    Field(1, "id", 8, Form.ID),
    Field(2, "client.tax_id", 6, Form.CODE),
    Field(3, "client.legal_name", 5),
    Field(4, "client.name", 5),
    Field(5, "client.email", 4, Form.EMAIL),
    Field(6, "items.description", 2),
    Field(7, "items.sku", 3, Form.JOINED),
    Field(8, "metadata", 2, Form.JOINED),
    Field(9, "idempotency_key", 6, Form.JOINED),
)
STATUS_WORDS = {"open": "pending", "invoiced": "completed", "stamped": "completed", "cancelled": "canceled"}
STATUS_RULE = Choice("pending", "expired", "completed", "canceled", also=STATUS_WORDS)
FILTERS = searching.Filters({"status": STATUS_RULE, "client_id": Text(max=160), "currency": Code(max=3)})


def _entry(receipt: Receipt) -> Entry:
    client = receipt.client
    texts: dict[str, Iterable[str | None]] = {
        "id": (receipt.id,),
        **{f"client.{name}": (client[name],) for name in ("tax_id", "legal_name", "name", "email")},
        "items.description": [item["description"] for item in receipt.items],
        "items.sku": [item["sku"] for item in receipt.items],
        "metadata": [_text(value) for value in receipt.metadata.values()],
        "idempotency_key": (receipt.idempotency_key,),
    }
    given = {name: [value for value in values if value] for name, values in texts.items()}
    filters = {"status": (receipt.status,), "client_id": (receipt.client_id,), "currency": (receipt.currency,)}
    return Entry(receipt.id, receipt.created_ms, given, filters)


def _text(value: Any) -> str | None:
    """Text form of a scalar; objects and arrays are not searched."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    return None if value is None or isinstance(value, list | dict) else number_text(value)


def _read(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Entry]:
    return [_entry(receipt) for receipt in store.those(tx, scope, ids)]


def _after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Entry]:
    return [_entry(receipt) for receipt in store_search.after(tx, scope, last, limit)]


KIND = Kind(store.SEARCHED_AS, FIELDS, read=_read, after=_after, scopes=store_search.scopes, count=store_search.count)


def routes(search: Search, parts: ReceiptParts) -> Router:
    """The search of receipts."""
    router = Router(tag="Receipts", area="receipts")

    def load(tx: Tx, caller: Caller, ids: Sequence[str]) -> list[Any]:
        by_id = {receipt.id: receipt for receipt in store.those(tx, caller.scope, ids)}
        return [parts.show(by_id[receipt_id]) for receipt_id in ids if receipt_id in by_id]

    searching.declare(router, "/receipts/search", "Receipts retrieved successfully", search, KIND, load, FILTERS)
    return router
