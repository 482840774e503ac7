"""Run by Alembic, always with a connection given by ``platform.migrate``, whose transaction this is part of."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from timbra.migrations.tables import metadata

connection = context.config.attributes["connection"]
is_sqlite = connection.dialect.name == "sqlite"


ENGINES_OWN = "search_index"  # the full-text index is an object of each engine's own kind, written by hand


def is_ours(_object: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """On SQLite the background engine's tables lie beside ours; on PostgreSQL they have a schema of their own."""
    return name != ENGINES_OWN and not (is_sqlite and type_ == "table" and reflected and compare_to is None)


def plain_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Our column types are written as what the database stores, so that old steps do not change with the code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl).__name__}()"
    return False


context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    render_item=plain_type,
    include_object=is_ours,
)
context.run_migrations()
