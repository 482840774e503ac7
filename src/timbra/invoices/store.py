"""SQL of invoices: insert, find, list. What stamping, credits and cancelling change is in the stores named after them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from timbra.invoices.complements.model import PAYS
from timbra.invoices.model import FileKind, InvoiceRecord, RelationRow, Status
from timbra.invoices.tables import invoice_counts, invoice_files, invoice_relations, invoices
from timbra.platform.db import Tx, insert_on
from timbra.platform.scope import TeamScope
from timbra.platform.search import marks

SEARCHED_AS = "invoice"
_FIELDS = [field.name for field in fields(InvoiceRecord)]
COLUMNS = [invoices.c[name] for name in _FIELDS]
_RECORD: Select[Any] = select(*COLUMNS)

# Statements of every issued document are built once: building one costs ten times its execution.
_MINE = and_(invoices.c.team_id == bindparam("team"), invoices.c.livemode == bindparam("mode"))
_BY_ID = _RECORD.where(_MINE, invoices.c.id == bindparam("value"))
_BY_UUID = _RECORD.where(_MINE, invoices.c.uuid == bindparam("value"))
_ID_BY_UUID = select(invoices.c.id).where(_MINE, invoices.c.uuid == bindparam("value"))
_BY_KEY = _RECORD.where(_MINE, invoices.c.unique_key == bindparam("value"))
# Conditions of partial indexes stand in the text: for a parameter the planner does not know that the index serves.
IS_PENDING = invoices.c.status == literal_column("'pending'")
HAS_FOLIO = invoices.c.folio > literal_column("0")
_TWIN = _RECORD.where(
    _MINE,
    IS_PENDING,
    literal_column("was_answered_503"),
    invoices.c.fingerprint == bindparam("value"),
    invoices.c.kind == bindparam("kind"),
).limit(1)
_FOLIO = select(invoices.c.id).where(
    _MINE, invoices.c.series == bindparam("series"), invoices.c.folio == bindparam("folio"), HAS_FOLIO
)
_INSERT = insert(invoices)
_INSERT_FILE = insert(invoice_files)


def in_scope(scope: TeamScope) -> Any:
    """Rows of the team and mode."""
    return and_(invoices.c.team_id == scope.team_id, invoices.c.livemode == scope.livemode)


def by_id(scope: TeamScope, invoice_id: str) -> Any:
    """The row with this ``inv_`` id."""
    return and_(in_scope(scope), invoices.c.id == invoice_id)


def record_of(row: Any) -> InvoiceRecord:
    """The frozen record of a row of all columns."""
    return InvoiceRecord(*row)


def _one(tx: Tx, statement: Select[Any], scope: TeamScope, value: str, **more: str) -> InvoiceRecord | None:
    row = tx.execute(statement, {"team": scope.team_id, "mode": scope.livemode, "value": value, **more}).one_or_none()
    return record_of(row) if row else None


def find(tx: Tx, scope: TeamScope, any_id: str) -> InvoiceRecord | None:
    """The invoice with this uuid (any letter case) or ``inv_`` id."""
    if any_id.startswith("inv_"):
        return _one(tx, _BY_ID, scope, any_id)
    return _one(tx, _BY_UUID, scope, any_id.lower())


def id_of(tx: Tx, scope: TeamScope, uuid: str) -> str | None:
    """The ``inv_`` id of the invoice with this uuid (lower case)."""
    where = {"team": scope.team_id, "mode": scope.livemode, "value": uuid}
    return tx.execute(_ID_BY_UUID, where).scalar_one_or_none()


def is_failed(tx: Tx, scope: TeamScope, invoice_id: str) -> bool:
    """True for a document that was refused for good."""
    failed = select(invoices.c.id).where(by_id(scope, invoice_id), invoices.c.status == Status.FAILED)
    return tx.execute(failed).first() is not None


def find_anywhere(tx: Tx, invoice_id: str) -> InvoiceRecord | None:
    """The invoice with this ``inv_`` id, whose ever it is: only for links that carry our signature."""
    row = tx.execute(_RECORD.where(invoices.c.id == invoice_id)).one_or_none()
    return record_of(row) if row else None


def find_many(tx: Tx, scope: TeamScope, uuids: Sequence[str]) -> dict[str, InvoiceRecord]:
    """Own invoices among ``uuids`` (lower case), by uuid."""
    found: dict[str, InvoiceRecord] = {}
    for start in range(0, len(uuids), 500):
        part = uuids[start : start + 500]
        for row in tx.execute(_RECORD.where(in_scope(scope), invoices.c.uuid.in_(part))):
            record = record_of(row)
            found[record.uuid or ""] = record
    return found


def find_by_key(tx: Tx, scope: TeamScope, key: str) -> InvoiceRecord | None:
    """The living invoice that was made with this body ``idempotency_key``."""
    return _one(tx, _BY_KEY, scope, key)


def find_twin(tx: Tx, scope: TeamScope, kind: str, fingerprint: str) -> InvoiceRecord | None:
    """A pending invoice of the same kind and body whose caller was told 503: a repeat without a key means this one."""
    return _one(tx, _TWIN, scope, fingerprint, kind=kind)


def is_folio_taken(tx: Tx, scope: TeamScope, series: str, folio: int) -> bool:
    """True when a document of the series holds the number."""
    where = {"team": scope.team_id, "mode": scope.livemode, "series": series, "folio": folio}
    return tx.execute(_FOLIO, where).first() is not None


def insert_pending(tx: Tx, record: InvoiceRecord, sealed: bytes, relations: Sequence[RelationRow]) -> None:
    """The document, its frozen bytes and its relations are stored; it counts as pending."""
    tx.execute(_INSERT, {name: getattr(record, name) for name in _FIELDS})
    add_file(tx, record, FileKind.SEALED, sealed)
    if relations:
        rows = [
            {
                "team_id": record.team_id,
                "invoice_id": record.id,
                "position": position,
                "livemode": record.livemode,
                "relationship": relation.relationship,
                "uuid": relation.uuid,
            }
            for position, relation in enumerate(relations)
        ]
        tx.execute(insert(invoice_relations), rows)
    count(tx, record, Status.PENDING, 1)
    marks.changed(tx, record.scope, SEARCHED_AS, [record.id])


def add_file(tx: Tx, record: InvoiceRecord, kind: FileKind, content: bytes, generation: int | None = None) -> None:
    """The bytes are stored for good, with their digest. ``generation``: the document's, unless an acuse has its own."""
    tx.execute(
        _INSERT_FILE,
        {
            "team_id": record.team_id,
            "invoice_id": record.id,
            "kind": kind.value,
            "generation": record.generation if generation is None else generation,
            "sha256": hashlib.sha256(content).digest(),
            "content": content,
        },
    )


def file(tx: Tx, record: InvoiceRecord, kind: FileKind) -> bytes | None:
    """The newest bytes of this kind."""
    row = tx.execute(
        select(invoice_files.c.content, invoice_files.c.sha256)
        .where(
            invoice_files.c.team_id == record.team_id,
            invoice_files.c.invoice_id == record.id,
            invoice_files.c.kind == kind.value,
        )
        .order_by(invoice_files.c.generation.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    content = bytes(row.content)
    assert hashlib.sha256(content).digest() == bytes(row.sha256), "frozen bytes have changed"
    return content


def files(tx: Tx, record: InvoiceRecord) -> list[tuple[str, int, bytes]]:
    """(kind, generation, bytes) of everything that was frozen of the document, in order."""
    rows = tx.execute(
        select(invoice_files.c.kind, invoice_files.c.generation, invoice_files.c.content)
        .where(invoice_files.c.team_id == record.team_id, invoice_files.c.invoice_id == record.id)
        .order_by(invoice_files.c.kind, invoice_files.c.generation)
    )
    return [(row.kind, row.generation, bytes(row.content)) for row in rows]


def scopes_of(tx: Tx, any_id: str) -> list[TeamScope]:
    """Whose document it is, whatever the team. For the operator's own commands."""
    named = invoices.c.id == any_id if any_id.startswith("inv_") else invoices.c.uuid == any_id.lower()
    rows = tx.execute(select(invoices.c.team_id, invoices.c.livemode).where(named))
    return [TeamScope(row.team_id, row.livemode) for row in rows]


def has_file(tx: Tx, record: InvoiceRecord, kind: FileKind, generation: int) -> bool:
    """True when bytes of this kind and generation are stored."""
    known = select(invoice_files.c.generation).where(
        invoice_files.c.team_id == record.team_id,
        invoice_files.c.invoice_id == record.id,
        invoice_files.c.kind == kind.value,
        invoice_files.c.generation == generation,
    )
    return tx.execute(known).first() is not None


def recount(tx: Tx, record: InvoiceRecord, before: Status, after: Status) -> None:
    """The document counts as ``after`` from now on.

    Locks are taken in one order by everybody, so that no two transactions wait for each other: documents, series,
    counters, audit chain.
    """
    count(tx, record, before, -1)
    count(tx, record, after, 1)
    marks.changed(tx, record.scope, SEARCHED_AS, [record.id])


def count(tx: Tx, record: InvoiceRecord, status: Status, by: int) -> None:
    """The counter of (team, mode, kind, status) changes by ``by``."""
    tx.execute(
        _count(tx.dialect),
        {
            "team_id": record.team_id,
            "livemode": record.livemode,
            "kind": record.kind,
            "status": status.value,
            "documents": max(by, 0),
            "by": by,
        },
    )


@cache
def _count(dialect: str) -> Executable:
    return insert_on(dialect, invoice_counts).on_conflict_do_update(
        index_elements=["team_id", "livemode", "kind", "status"],
        set_={"documents": invoice_counts.c.documents + bindparam("by", type_=Integer)},
    )


def counted(tx: Tx, scope: TeamScope, kind: str, statuses: Iterable[str]) -> int:
    """How many documents of the kind are in one of the states, from the counters."""
    total = select(func.coalesce(func.sum(invoice_counts.c.documents), 0)).where(
        invoice_counts.c.team_id == scope.team_id,
        invoice_counts.c.livemode == scope.livemode,
        invoice_counts.c.kind == kind,
        invoice_counts.c.status.in_(list(statuses)),
    )
    return int(tx.execute(total).scalar_one())


def related_ids(tx: Tx, records: Sequence[InvoiceRecord]) -> dict[str, list[str]]:
    """Per ``inv_`` id the public ids of own documents related in either direction, without repeats.

    A complement also names the invoices of others that it pays.
    """
    if not records:
        return {}
    scope = records[0].scope
    ids = [record.id for record in records]
    uuids = {record.uuid: record.id for record in records if record.uuid}
    result: dict[str, list[str]] = {record.id: [] for record in records}
    for row in tx.execute(_OUTGOING, {"team": scope.team_id, "ids": ids}):
        _add(result[row.invoice_id], row.uuid)
    if uuids:
        where = {"team": scope.team_id, "mode": scope.livemode, "uuids": list(uuids)}
        for row in tx.execute(_INCOMING, where):
            _add(result[uuids[row.target]], row.source_uuid or row.source_id)
    return result


_OUTGOING = (
    select(invoice_relations.c.invoice_id, invoice_relations.c.uuid)
    .outerjoin(
        invoices,
        and_(
            invoices.c.team_id == invoice_relations.c.team_id,
            invoices.c.livemode == invoice_relations.c.livemode,
            invoices.c.uuid == invoice_relations.c.uuid,
        ),
    )
    .where(
        invoice_relations.c.team_id == bindparam("team"),
        invoice_relations.c.invoice_id.in_(bindparam("ids", expanding=True)),
        or_(invoices.c.id.is_not(None), invoice_relations.c.relationship == PAYS),
    )
    .order_by(invoice_relations.c.invoice_id, invoice_relations.c.position)
)
_INCOMING = (
    select(
        invoice_relations.c.uuid.label("target"),
        invoices.c.id.label("source_id"),
        invoices.c.uuid.label("source_uuid"),
    )
    .join(
        invoices,
        and_(
            invoices.c.team_id == invoice_relations.c.team_id,
            invoices.c.id == invoice_relations.c.invoice_id,
        ),
    )
    .where(
        invoice_relations.c.team_id == bindparam("team"),
        invoice_relations.c.livemode == bindparam("mode"),
        invoice_relations.c.uuid.in_(bindparam("uuids", expanding=True)),
        invoices.c.status != Status.FAILED,
    )
    .order_by(invoices.c.created_ms, invoices.c.id)
)


def _add(ids: list[str], one: str) -> None:
    if one not in ids:
        ids.append(one)


def within(scope: TeamScope | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions of the documents of one scope, none for those of all teams."""
    return () if scope is None else (invoices.c.team_id == scope.team_id, invoices.c.livemode == scope.livemode)


def relations_to(tx: Tx, scope: TeamScope, uuid: str) -> list[tuple[str, str, str]]:
    """(relationship, status, public id) of own pending or valid documents that relate to ``uuid``."""
    rows = tx.execute(
        select(
            invoice_relations.c.relationship,
            invoices.c.status,
            func.coalesce(invoices.c.uuid, invoices.c.id).label("public_id"),
        )
        .join(
            invoices,
            and_(
                invoices.c.team_id == invoice_relations.c.team_id,
                invoices.c.id == invoice_relations.c.invoice_id,
            ),
        )
        .where(
            invoice_relations.c.team_id == scope.team_id,
            invoice_relations.c.livemode == scope.livemode,
            invoice_relations.c.uuid == uuid,
            invoices.c.status.in_([Status.PENDING, Status.VALID]),
        )
        .order_by(invoices.c.created_ms)
    )
    return [(row.relationship, row.status, row.public_id) for row in rows]


def relations_of(tx: Tx, record: InvoiceRecord) -> list[RelationRow]:
    """What the document relates to, in order."""
    rows = tx.execute(
        select(invoice_relations.c.relationship, invoice_relations.c.uuid)
        .where(invoice_relations.c.team_id == record.team_id, invoice_relations.c.invoice_id == record.id)
        .order_by(invoice_relations.c.position)
    )
    return [RelationRow(row.relationship, row.uuid) for row in rows]


def set_answered_503(tx: Tx, record: InvoiceRecord) -> None:
    """A repeat of the body without a key will be answered with this document."""
    tx.execute(update(invoices).where(by_id(record.scope, record.id)).values(was_answered_503=True))
