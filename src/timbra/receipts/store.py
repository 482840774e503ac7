"""All SQL of single receipts and their lists."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, insert, select, update

from timbra.platform import json
from timbra.platform.db import Tx
from timbra.platform.folding import sort_key
from timbra.platform.keyset import Slice, Window, fetch
from timbra.platform.scope import TeamScope
from timbra.platform.search import marks
from timbra.receipts.model import Receipt, Status
from timbra.receipts.tables import receipts

SEARCHED_AS: Final = "receipt"
_NAMES: Final = tuple(field.name for field in fields(Receipt))
_JSON: Final = ("client", "items", "payments", "invoices", "metadata", "emails")
_JSON_OR_NULL: Final = ("invoice_config", "error", "reinvoice", "stamping")
_TUPLES: Final = ("payments", "invoices", "emails")
COLUMNS: Final = [receipts.c[name] for name in _NAMES]


def in_scope(scope: TeamScope) -> ColumnElement[bool]:
    """Rows of the team and mode."""
    return and_(receipts.c.team_id == scope.team_id, receipts.c.livemode == scope.livemode)


def receipt_of(row: Any) -> Receipt:
    """The receipt of a row that begins with COLUMNS."""
    values = dict(zip(_NAMES, row, strict=False))
    for name in _JSON:
        values[name] = json.loads(values[name].encode())
    for name in _JSON_OR_NULL:
        values[name] = None if values[name] is None else json.loads(values[name].encode())
    for name in _TUPLES:
        values[name] = tuple(values[name])
    return Receipt(**values)


def _row(receipt: Receipt) -> dict[str, Any]:
    row = {name: getattr(receipt, name) for name in _NAMES}
    for name in _JSON:
        row[name] = json.dumps(row[name])
    for name in _JSON_OR_NULL:
        row[name] = None if row[name] is None else json.dumps(row[name])
    row["client_sort"] = sort_key(receipt.client["legal_name"] or receipt.client["name"])
    return row


def add(tx: Tx, scope: TeamScope, receipt: Receipt, code_sha256: bytes) -> None:
    """The receipt is stored; its page is found by the digest of its code."""
    assert receipt.scope == scope, "a receipt belongs to its scope"
    tx.execute(insert(receipts), {**_row(receipt), "code_sha256": code_sha256})
    marks.changed(tx, scope, SEARCHED_AS, [receipt.id])


def save(tx: Tx, scope: TeamScope, receipt: Receipt) -> None:
    """Every field of a receipt that exists is replaced."""
    tx.execute(update(receipts).where(in_scope(scope), receipts.c.id == receipt.id).values(_row(receipt)))
    marks.changed(tx, scope, SEARCHED_AS, [receipt.id])


_GET = select(*COLUMNS).where(
    receipts.c.team_id == bindparam("team"),
    receipts.c.id == bindparam("id"),
    receipts.c.livemode == bindparam("mode"),
)


def get(tx: Tx, scope: TeamScope, receipt_id: str) -> Receipt | None:
    """The receipt of that id, None when it is not of this team and mode."""
    row = tx.execute(_GET, {"team": scope.team_id, "id": receipt_id, "mode": scope.livemode}).one_or_none()
    return receipt_of(row) if row else None


def lock(tx: Tx, scope: TeamScope, receipt_id: str) -> Receipt | None:
    """Like ``get``; other writers of this receipt wait until the transaction ends."""
    where = {"team": scope.team_id, "id": receipt_id, "mode": scope.livemode}
    row = tx.execute(_GET.with_for_update(), where).one_or_none()
    return receipt_of(row) if row else None


def find_by_key(tx: Tx, scope: TeamScope, key: str) -> Receipt | None:
    """The receipt that was made with this body ``idempotency_key``."""
    found = select(*COLUMNS).where(in_scope(scope), receipts.c.idempotency_key == key)
    row = tx.execute(found).one_or_none()
    return receipt_of(row) if row else None


def find_by_code(tx: Tx, digest: bytes) -> Receipt | None:
    """The receipt of any team whose code has this digest. The caller acts for the server."""
    row = tx.execute(select(*COLUMNS).where(receipts.c.code_sha256 == digest)).one_or_none()
    return receipt_of(row) if row else None


def has_any(tx: Tx, team_id: str) -> bool:
    """Whether the team has a receipt in either mode."""
    return bool(tx.execute(select(exists().where(receipts.c.team_id == team_id))).scalar_one())


def page(tx: Tx, scope: TeamScope, window: Window, filters: Mapping[str, Any]) -> Slice[Receipt]:
    """A page of receipts. filters: equal columns, by name."""
    conditions = [receipts.c[name] == value for name, value in filters.items()]
    found = fetch(
        tx,
        select(*COLUMNS).where(in_scope(scope), *conditions),
        window,
        orders={"timestamp": receipts.c.created_ms, "name": receipts.c.client_sort},
        identity=receipts.c.id,
        metadata=receipts.c.metadata,
    )
    return found.map(receipt_of)


def stamped_by(tx: Tx, scope: TeamScope, invoice_id: str) -> list[Receipt]:
    """The receipts that wait for the document of this ``inv_`` id, in the order of their ids, locked."""
    found = select(*COLUMNS).where(in_scope(scope), receipts.c.stamping_id == invoice_id).order_by(receipts.c.id)
    return [receipt_of(row) for row in tx.execute(found.with_for_update())]


def _stampable(scope: TeamScope, client_id: str, failed_before_ms: int) -> ColumnElement[bool]:
    return and_(
        in_scope(scope),
        receipts.c.client_id == client_id,
        receipts.c.status == Status.PENDING.value,
        receipts.c.stamping_id.is_(None),
        func.coalesce(receipts.c.error_ms, 0) <= failed_before_ms,
    )


def stampable(tx: Tx, scope: TeamScope, client_id: str, failed_before_ms: int, limit: int) -> list[str]:
    """Ids of pending receipts of the client that nobody holds and that have not failed since, oldest first."""
    found = select(receipts.c.id).where(_stampable(scope, client_id, failed_before_ms))
    found = found.order_by(receipts.c.created_ms, receipts.c.id).limit(limit)
    return list(tx.execute(found).scalars())


def count_stampable(tx: Tx, scope: TeamScope, client_id: str, failed_before_ms: int) -> int:
    """How many ``stampable`` would give without a limit."""
    counted = select(func.count()).select_from(receipts).where(_stampable(scope, client_id, failed_before_ms))
    return int(tx.execute(counted).scalar_one())


def those(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> list[Receipt]:
    """The receipts of these ids, unordered."""
    found: list[Receipt] = []
    for start in range(0, len(ids), 500):
        rows = tx.execute(select(*COLUMNS).where(in_scope(scope), receipts.c.id.in_(ids[start : start + 500])))
        found += [receipt_of(row) for row in rows]
    return found
