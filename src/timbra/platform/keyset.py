"""Pages of a select by key: order, position, creation window, metadata filters and the exact total, on both engines.

A store hands ``fetch`` its filtered statement and its order columns:

    stmt = select(clients).where(clients.c.team_id == scope.team_id, clients.c.livemode == scope.livemode)
    return fetch(tx, stmt, window, orders={"timestamp": clients.c.created_at, "name": clients.c.sort_name},
                 identity=clients.c.id, metadata=clients.c.metadata)

A text order column holds at most 60 characters (its value travels inside the cursor).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, String, Text, case, cast, column, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB

from timbra.platform.db import Tx

T = TypeVar("T")
U = TypeVar("U")

Position = tuple[Any, str]


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of a list is wanted. Instants are milliseconds, both bounds inclusive."""

    order_by: str = "timestamp"
    descending: bool = True
    after: Position | None = None
    limit: int = 10
    offset: int = 0
    created_from_ms: int | None = None
    created_to_ms: int | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page. ``last`` is the position of its last row when more rows follow, else None."""

    rows: list[T]
    total: int
    last: Position | None

    def map(self, shape: Callable[[T], U]) -> "Slice[U]":
        """The same page with every row shaped."""
        return Slice([shape(row) for row in self.rows], self.total, self.last)


def fetch(
    tx: Tx,
    statement: Select[Any],
    window: Window,
    *,
    orders: Mapping[str, ColumnElement[Any]],
    identity: ColumnElement[Any],
    metadata: ColumnElement[Any] | None = None,
    total: Callable[[], int] | None = None,
) -> Slice[Any]:
    """The page of ``statement`` that ``window`` names, with the exact number of rows that match.

    orders: column per ``order_by``; ``timestamp`` is the creation time in milliseconds and must be there.
    total: counts instead of ``count(*)`` when the store knows better.
    """
    matching = _filtered(tx, statement, window, orders["timestamp"], metadata)
    order = orders[window.order_by]
    page = matching.add_columns(order.label("_order"), identity.label("_id"))
    if window.after is not None:
        value, last_id = window.after
        here, there = tuple_(order, identity), tuple_(literal(value), literal(last_id))
        page = page.where(here < there if window.descending else here > there)
    direction = [order.desc(), identity.desc()] if window.descending else [order.asc(), identity.asc()]
    page = page.order_by(*direction).limit(window.limit + 1)
    if window.offset and window.after is None:
        page = page.offset(window.offset)
    rows = tx.execute(page).all()
    more = len(rows) > window.limit
    rows = rows[: window.limit]
    last = tuple(rows[-1])[-2:] if more else None
    return Slice(list(rows), total() if total else count(tx, matching), last)


def count(tx: Tx, statement: Select[Any]) -> int:
    """How many rows ``statement`` gives."""
    counted = select(func.count()).select_from(statement.order_by(None).subquery())
    return int(tx.execute(counted).scalar_one())


def _filtered(
    tx: Tx, statement: Select[Any], window: Window, created: ColumnElement[Any], metadata: ColumnElement[Any] | None
) -> Select[Any]:
    if window.created_from_ms is not None:
        statement = statement.where(created >= window.created_from_ms)
    if window.created_to_ms is not None:
        statement = statement.where(created <= window.created_to_ms)
    if metadata is not None:
        for key, text in window.metadata:
            statement = statement.where(metadata_equals(tx.dialect, metadata, key, text))
    return statement


def metadata_equals(dialect: str, stored: ColumnElement[Any], key: str, text: str) -> ColumnElement[bool]:
    """True where the entry ``key`` of a JSON object has the text form ``text``; objects and arrays never match."""
    return metadata_text(dialect, stored, key) == text


def metadata_text(dialect: str, stored: ColumnElement[Any], key: str) -> ColumnElement[str]:
    """Text form of the entry ``key`` of a JSON object; null where it is absent, null, an object or an array."""
    if dialect == "postgresql":
        document = cast(stored, JSONB)
        is_scalar = func.jsonb_typeof(document[key]).in_(("string", "number", "boolean"))
        return case((is_scalar, document[key].astext))
    entry = func.json_each(stored).table_valued(column("key", String), column("type", String), column("atom", Text))
    is_boolean = entry.c.type.in_(("true", "false"))
    is_scalar = entry.c.type.in_(("text", "integer", "real"))
    form = case((is_boolean, entry.c.type), (is_scalar, cast(entry.c.atom, Text)))
    return select(form).select_from(entry).where(entry.c.key == key).limit(1).scalar_subquery()
