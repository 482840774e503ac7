"""All SQL of support documents."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, insert, select

from timbra.documents.model import Document
from timbra.documents.tables import support_documents as documents
from timbra.platform import locks
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


def _of(scope: TeamScope, kind: str, parent_id: str) -> tuple[Any, ...]:
    return (
        documents.c.team_id == scope.team_id,
        documents.c.livemode == scope.livemode,
        documents.c.parent_kind == kind,
        documents.c.parent_id == parent_id,
    )


def hold(tx: Tx, scope: TeamScope, kind: str, parent_id: str) -> None:
    """Nobody else adds a document to this object until the transaction ends."""
    locks.hold(tx, scope, f"documents.{kind}", parent_id)


def add(tx: Tx, scope: TeamScope, document: Document) -> None:
    """The document is there."""
    assert (document.team_id, document.livemode) == (scope.team_id, scope.livemode), "a document belongs to its scope"
    tx.execute(insert(documents), asdict(document))


def count(tx: Tx, scope: TeamScope, kind: str, parent_id: str) -> int:
    """How many documents the object has."""
    found = select(func.count()).select_from(documents).where(*_of(scope, kind, parent_id))
    return int(tx.execute(found).scalar_one())


def of_parent(tx: Tx, scope: TeamScope, kind: str, parent_id: str) -> list[Document]:
    """The documents of the object, newest first."""
    found = select(documents).where(*_of(scope, kind, parent_id))
    rows = tx.execute(found.order_by(documents.c.created_ms.desc(), documents.c.id.desc()))
    return [Document(**row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy calls it public)


def find_anywhere(tx: Tx, document_id: str) -> Document | None:
    """The document, for whoever holds a signed link to it."""
    row = tx.execute(select(documents).where(documents.c.id == document_id)).one_or_none()
    return None if row is None else Document(**row._mapping)  # noqa: SLF001


def known(tx: Tx, ids: Collection[str]) -> frozenset[str]:
    """Those of the ids that are documents, of whatever team."""
    return frozenset(tx.execute(select(documents.c.id).where(documents.c.id.in_(ids))).scalars())
