"""Searching documents of types I, E, P and T (contract search.md)."""

from collections.abc import Sequence
from typing import Any

from timbra.http import searching
from timbra.http.caller import Caller
from timbra.http.fields import Choice, Code, Rule, Text
from timbra.http.routing import Router
from timbra.invoices import store, store_search
from timbra.invoices.model import Status
from timbra.invoices.parts import InvoiceParts
from timbra.invoices.routes import FILTERS as LIST_FILTERS
from timbra.invoices.store_search import Searched
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.json import Raw
from timbra.platform.scope import TeamScope
from timbra.platform.search.kinds import Entry, Field, Form, Kind
from timbra.platform.search.service import Search

RULES: dict[str, Rule] = {
    "status": LIST_FILTERS["status"],
    "client_id": Text(max=160),
    "currency": Code(max=3),
    "invoice_type": Choice("I", "E", "P", "T"),
}


def _entry(row: Searched) -> Entry:
    document = json.loads(row.document.encode())
    number = str(row.folio) if row.folio else None
    texts: dict[str, Sequence[str | None]] = {
        "uuid": (row.uuid,),
        "series_folio": (f"{row.series}-{number}" if number else None,),
        "client.tax_id": (row.receiver_rfc,),
        "client.legal_name": (row.client_name,),
        "client.name": (document["client"]["name"],),
        "client.email": (row.client_email,),
        "items.description": tuple(item["description"] for item in document["items"]),
        "series": (row.series,),
        "folio_number": (number,),
    }
    filters = {
        "status": _states(row),
        "client_id": (row.client_id,) if row.client_id else (),
        "currency": (row.currency,),
        "invoice_type": (row.kind,),
    }
    given = {name: [value for value in values if value] for name, values in texts.items()}
    return Entry(row.id, row.created_ms, given, filters)


def _states(row: Searched) -> Sequence[str]:
    """Every value of the filter ``status`` that the document answers to, as in lists."""
    if row.status != Status.VALID:
        return (row.status,)
    if row.last_balance == 0:
        return (row.status, "paid")
    return (row.status, "unpaid") if row.payment_method == "PPD" else (row.status,)


def _read(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Entry]:
    return [_entry(row) for row in store_search.those(tx, scope, ids)]


def _after(tx: Tx, scope: TeamScope, last: str, limit: int) -> list[Entry]:
    return [_entry(row) for row in store_search.after(tx, scope, last, limit)]


KIND = Kind(
    store.SEARCHED_AS,
    (
        Field(1, "uuid", 8, Form.ID),
        Field(2, "series_folio", 8, Form.JOINED),
        Field(3, "client.tax_id", 6, Form.CODE),
        Field(4, "client.legal_name", 5),
        Field(5, "client.name", 5),
        Field(6, "client.email", 3, Form.EMAIL),
        Field(7, "items.description", 1),
        Field(8, "series", 2),
        Field(9, "folio_number", 4),
    ),
    read=_read,
    after=_after,
    scopes=store_search.scopes,
    count=store_search.count,
)


def routes(search: Search, parts: InvoiceParts) -> Router:
    """The search of documents; failed ones only when they are asked for."""
    router = Router(tag="Invoices", area="invoices")

    def load(tx: Tx, caller: Caller, ids: Sequence[str]) -> list[Raw]:
        by_id = {record.id: record for record in store_search.records(tx, caller.scope, ids)}
        found: list[Any] = [by_id[invoice_id] for invoice_id in ids if invoice_id in by_id]
        related = store.related_ids(tx, found)
        return [parts.printer.show(record, related[record.id]) for record in found]

    filters = searching.Filters(RULES, {"status": Status.FAILED.value})
    searching.declare(router, "/invoices/search", "Invoices retrieved successfully", search, KIND, load, filters)
    return router
