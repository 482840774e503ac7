"""The search and its operations, put together for ``wiring``."""

from timbra.clients import search as clients
from timbra.http.routing import Router
from timbra.invoices import search as invoices
from timbra.invoices.parts import InvoiceParts
from timbra.payments import search as payments
from timbra.platform.db import Database
from timbra.platform.search.service import Search
from timbra.receipts import search as receipts
from timbra.receipts.parts import ReceiptParts


def search_of(database: Database) -> Search:
    """The search over everything that can be searched."""
    return Search(database, [clients.KIND, invoices.KIND, payments.KIND, receipts.KIND])


def search_routes(search: Search, parts: InvoiceParts, sales: ReceiptParts) -> list[Router]:
    """One operation for each kind."""
    return [
        clients.routes(search),
        invoices.routes(search, parts),
        payments.routes(search),
        receipts.routes(search, sales),
    ]
