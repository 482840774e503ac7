"""Searching payments (contract search.md). Until this room stores payments there are none to be found."""

from collections.abc import Sequence
from typing import Any

from timbra.http import searching
from timbra.http.caller import Caller
from timbra.http.fields import Choice, Code, Text
from timbra.http.routing import Router
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search.kinds import Entry, Kind
from timbra.platform.search.service import Search
from timbra.receipts.search import FIELDS

STATUS_WORDS = {"cancelled": "canceled", "paid": "succeeded", "completed": "succeeded"}
STATUSES = ("requires_payment_method", "pending", "processing", "failed", "succeeded", "refunded", "canceled")
FILTERS = searching.Filters(
    {
        "status": Choice(*STATUSES, also=STATUS_WORDS),
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


KIND = Kind("payment", FIELDS, read=_read, after=_after, scopes=_scopes, count=_count)


def routes(search: Search) -> Router:
    """The search of payments."""
    router = Router(tag="Payments", area="payments")
    searching.declare(router, "/payments/search", "Payments retrieved successfully", search, KIND, _load, FILTERS)
    return router


def _load(_tx: Tx, _caller: Caller, _ids: Sequence[str]) -> list[dict[str, Any]]:
    return []
