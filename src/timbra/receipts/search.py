"""Searching receipts (contract search.md). Until this room stores receipts there are none to be found."""

from collections.abc import Sequence
from typing import Any

from timbra.http import searching
from timbra.http.caller import Caller
from timbra.http.fields import Choice, Code, Text
from timbra.http.routing import Router
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search.kinds import Entry, Field, Form, Kind
from timbra.platform.search.service import Search

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
FILTERS = searching.Filters(
    {
        "status": Choice("pending", "expired", "completed", "canceled", also=STATUS_WORDS),
        "client_id": Text(max=160),
        "currency": Code(max=3),
    }
)


def _read(_tx: Tx, _scope: TeamScope, _ids: Sequence[str]) -> list[Entry]:
    return []


def _after(_tx: Tx, _scope: TeamScope, _last: str, _limit: int) -> list[Entry]:
    return []


def _scopes(_tx: Tx) -> list[TeamScope]:
    return []


def _count(_tx: Tx, _scope: TeamScope) -> int:
    return 0


KIND = Kind("receipt", FIELDS, read=_read, after=_after, scopes=_scopes, count=_count)


def routes(search: Search) -> Router:
    """The search of receipts."""
    router = Router(tag="Receipts", area="receipts")
    searching.declare(router, "/receipts/search", "Receipts retrieved successfully", search, KIND, _load, FILTERS)
    return router


def _load(_tx: Tx, _caller: Caller, _ids: Sequence[str]) -> list[dict[str, Any]]:
    return []
