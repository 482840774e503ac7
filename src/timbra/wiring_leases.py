"""Leases of dead processes end when the only process of a database starts."""

from timbra.http.idempotency import Idempotency
from timbra.invoices import store_cancel, store_stamping
from timbra.platform.db import Tx
from timbra.webhooks import store_lanes


def void_leases(tx: Tx, process: str, idempotency: Idempotency) -> None:
    """Nothing is held any more but by ``process``. Only for SQLite, where no other process works on the database."""
    store_stamping.void_foreign_leases(tx, process)
    store_cancel.void_claims(tx)
    idempotency.void_runs(tx)
    store_lanes.void_leases(tx)
