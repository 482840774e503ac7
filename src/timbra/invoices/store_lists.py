"""SQL of lists of invoices: pages by filters, newest or by name."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from timbra.invoices import store
from timbra.invoices.complements import store as applications
from timbra.invoices.model import InvoiceRecord, Status
from timbra.invoices.tables import invoices
from timbra.platform.db import Tx
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope

LISTED = (Status.PENDING, Status.VALID, Status.CANCELED)


def page(tx: Tx, scope: TeamScope, kind: str, window: Window, filters: Mapping[str, Any]) -> Slice[InvoiceRecord]:
    """One page of the documents of a kind. Without other filters than a status the total comes from the counters."""
    asked = filters.get("status")
    statuses = [asked] if asked in _STATES else list(LISTED)
    listed = asked != Status.FAILED
    statement = select(*store.COLUMNS).where(
        store.in_scope(scope),
        invoices.c.kind == kind,
        invoices.c.is_listed == listed,
        *_conditions(scope, filters),
    )
    is_plain = not (set(filters) - {"status"}) and asked not in ("paid", "unpaid") and not window.metadata
    is_plain = is_plain and window.created_from_ms is None and window.created_to_ms is None
    slice_ = fetch(
        tx,
        statement,
        window,
        orders={"timestamp": invoices.c.created_ms, "name": invoices.c.client_sort},
        identity=invoices.c.id,
        metadata=invoices.c.metadata,
        total=(lambda: store.counted(tx, scope, kind, statuses)) if is_plain else None,
    )
    return slice_.map(lambda row: InvoiceRecord(*row[: len(store.COLUMNS)]))


_STATES = frozenset(Status)
_EQUAL = {
    "client_id": invoices.c.client_id,
    "series": invoices.c.series,
    "payment_method": invoices.c.payment_method,
    "currency": invoices.c.currency,
    "tax_id": invoices.c.receiver_rfc,
    "email": invoices.c.client_email,
    "folio_number": invoices.c.folio,
    "payment_form": invoices.c.payment_form,
}


def _conditions(scope: TeamScope, filters: Mapping[str, Any]) -> list[Any]:
    conditions: list[Any] = [column == filters[name] for name, column in _EQUAL.items() if name in filters]
    if "invoice_id" in filters:
        conditions.append(applications.pays(scope, filters["invoice_id"]))
    status = filters.get("status")
    if status in _STATES:
        conditions.append(invoices.c.status == status)
    elif status == "unpaid":
        conditions += [
            invoices.c.status == Status.VALID,
            invoices.c.payment_method == "PPD",
            invoices.c.last_balance > 0,
        ]
    elif status == "paid":
        conditions += [invoices.c.status == Status.VALID, invoices.c.last_balance == 0]
    return conditions
