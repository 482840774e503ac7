"""Searches and lists of clients run on their indexes, also on a database that was never analysed."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from timbra.clients import store
from timbra.platform.db import Database, Tx
from timbra.platform.keyset import Window
from timbra.platform.scope import TeamScope

SCOPE = TeamScope("team_1", livemode=False)


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda tx: store.page(tx, SCOPE, Window(), {}), "created_ms_id"),
        (lambda tx: store.page(tx, SCOPE, Window(order_by="name", after=("a", "b")), {}), "sort_name_id"),
        (lambda tx: store.page(tx, SCOPE, Window(), {"tax_id": "X"}), "ix_clients_tax_id"),
        (lambda tx: store.page(tx, SCOPE, Window(), {"email": "a@b.mx"}), "ix_clients_email_key"),
        (lambda tx: store.find(tx, SCOPE, "tax_id", "X", 10), "ix_clients_tax_id"),
        (lambda tx: store.find(tx, SCOPE, "email", "a@b.mx", 10), "ix_clients_email_key"),
        (lambda tx: store.find(tx, SCOPE, "name", "Ana", 10), "ix_clients_name_key"),
        (lambda tx: store.oldest_with(tx, SCOPE, "X", None), "ix_clients_tax_id"),
        (lambda tx: store.oldest_with(tx, SCOPE, None, "a@b.mx"), "ix_clients_email_key"),
    ],
)
def test_the_index_is_used(database: Database, question: Callable[[Tx], Any], index: str) -> None:
    if not database.is_sqlite:
        pytest.skip("plans are SQLite's; PostgreSQL plans by statistics")
    asked: list[tuple[str, Any]] = []
    event.listen(database.reader, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    database.read_sync(question)
    statement, parameters = next(found for found in asked if found[0].startswith("SELECT"))

    plan = database.read_sync(
        lambda tx: tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    )

    assert len(plan) == 1
    assert index in plan[0][-1]
