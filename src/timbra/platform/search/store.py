"""All SQL of the index. A ``Shelf`` names the index of one team, mode and kind."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Executable, Table, and_, bindparam, delete, insert, select, update

from timbra.platform.db import Tx, insert_on, insert_or
from timbra.platform.scope import TeamScope
from timbra.platform.search.tables import (
    search_documents,
    search_marks,
    search_postings,
    search_shelves,
    search_words,
)

FIRST_PAGE: Final = 100  # of a long read that often ends early
AT_ONCE: Final = 500  # values of one IN
LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The index of one team, mode and kind, in one edition."""

    scope: TeamScope
    kind: str
    edition: int

    @property
    def key(self) -> dict[str, Any]:
        """The columns that every row of the edition has."""
        return {
            "team_id": self.scope.team_id,
            "livemode": self.scope.livemode,
            "kind": self.kind,
            "edition": self.edition,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a document. ``words`` is empty where they were not asked for."""

    number: int
    object_id: str
    minus_created_ms: int
    words: str = ""


def _of(table: Table) -> Any:
    """Rows of the team, mode and kind that the parameters name."""
    return and_(*(table.c[name] == bindparam(name) for name in ("team_id", "livemode", "kind")))


def _in(table: Table) -> Any:
    """Rows of the edition that the parameters name."""
    return and_(_of(table), table.c.edition == bindparam("edition"))


# --- marks ------------------------------------------------------------------------------------------------------------

_MARK = insert(search_marks)
_MARKED = (
    select(search_marks.c.id, search_marks.c.object_id)
    .where(_of(search_marks))
    .order_by(search_marks.c.id)
    .limit(bindparam("most"))
)
_UNMARK = delete(search_marks).where(
    search_marks.c.team_id == bindparam("team"), search_marks.c.id.in_(bindparam("ids", expanding=True))
)
_WAITING = select(search_marks.c.team_id, search_marks.c.livemode, search_marks.c.kind).distinct().limit(100)


def mark(tx: Tx, scope: TeamScope, kind: str, marks: Sequence[tuple[str, str]]) -> None:
    """Entries of objects are out of date. marks: (fresh id, object id)."""
    tx.execute(
        _MARK,
        [
            {"team_id": scope.team_id, "livemode": scope.livemode, "kind": kind, "id": id_, "object_id": object_id}
            for id_, object_id in marks
        ],
    )


def marked(tx: Tx, scope: TeamScope, kind: str, most: int) -> list[tuple[str, str]]:
    """(id of the mark, id of the object), oldest first."""
    where = {"team_id": scope.team_id, "livemode": scope.livemode, "kind": kind, "most": most}
    return [(row.id, row.object_id) for row in tx.execute(_MARKED, where)]


def unmark(tx: Tx, scope: TeamScope, ids: Sequence[str]) -> None:
    """The marks are gone."""
    tx.execute(_UNMARK, {"team": scope.team_id, "ids": list(ids)})


def waiting(tx: Tx) -> list[tuple[TeamScope, str]]:
    """Teams, modes and kinds that have marks; for the server itself."""
    return [(TeamScope(row.team_id, row.livemode), row.kind) for row in tx.execute(_WAITING)]


# --- shelves ----------------------------------------------------------------------------------------------------------

_SHELF = select(search_shelves).where(_of(search_shelves))
_NO_SHELF = {
    "edition": 1,
    "next_number": 0,
    "building": None,
    "building_number": 0,
    "built_id": "",
    "built": 0,
}


def _shelf_key(scope: TeamScope, kind: str) -> dict[str, Any]:
    return {"team_id": scope.team_id, "livemode": scope.livemode, "kind": kind}


def look(tx: Tx, scope: TeamScope, kind: str) -> Any:
    """The row of the shelf, None while nothing was ever indexed there."""
    return tx.execute(_SHELF, _shelf_key(scope, kind)).one_or_none()


def lock(tx: Tx, scope: TeamScope, kind: str, *, wait: bool = True) -> dict[str, Any] | None:
    """The row of the shelf, made when it is not there; nobody else writes to the index until the transaction ends.

    None when somebody else does and ``wait`` is false.
    """
    key = _shelf_key(scope, kind)
    statement = _SHELF.with_for_update(skip_locked=not wait)
    row = tx.execute(statement, key).mappings().one_or_none()
    if row is None:
        tx.execute(insert_or(tx, search_shelves).on_conflict_do_nothing(), {**key, **_NO_SHELF})
        row = tx.execute(statement, key).mappings().one_or_none()
    return dict(row) if row is not None else None


def save(tx: Tx, shelf: Mapping[str, Any]) -> None:
    """The row is as given."""
    key = ("team_id", "livemode", "kind")
    where = and_(*(search_shelves.c[name] == shelf[name] for name in key))
    tx.execute(update(search_shelves).where(where).values({n: v for n, v in shelf.items() if n not in key}))


def scopes(tx: Tx, kind: str) -> list[TeamScope]:
    """Who has an index of the kind; for the server itself."""
    rows = tx.execute(select(search_shelves.c.team_id, search_shelves.c.livemode).where(search_shelves.c.kind == kind))
    return [TeamScope(row.team_id, row.livemode) for row in rows]


# --- documents --------------------------------------------------------------------------------------------------------

_PLACE = (search_documents.c.number, search_documents.c.object_id, search_documents.c.minus_created_ms)
_BY_OBJECT = select(*_PLACE, search_documents.c.words).where(
    _in(search_documents), search_documents.c.object_id.in_(bindparam("values", expanding=True))
)
_OF_NUMBERS = and_(_in(search_documents), search_documents.c.number.in_(bindparam("values", expanding=True)))
_BY_NUMBER = select(*_PLACE).where(_OF_NUMBERS)
_WITH_WORDS = select(*_PLACE, search_documents.c.words).where(_OF_NUMBERS)
_NEWEST = (
    select(*_PLACE)
    .where(_in(search_documents))
    .order_by(search_documents.c.minus_created_ms, search_documents.c.object_id)
)
_WITHIN = select(search_documents.c.number).where(
    _in(search_documents),
    search_documents.c.minus_created_ms >= bindparam("low"),
    search_documents.c.minus_created_ms <= bindparam("high"),
)
_REMOVE = delete(search_documents).where(_in(search_documents), search_documents.c.number == bindparam("gone"))


def _many(tx: Tx, statement: Executable, shelf: Shelf, values: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(values), AT_ONCE):
        yield from tx.execute(statement, {**shelf.key, "values": list(values[start : start + AT_ONCE])}).all()


def by_object(tx: Tx, shelf: Shelf, ids: Sequence[str]) -> dict[str, Place]:
    """The rows of these objects, by id."""
    return {row.object_id: Place(*row) for row in _many(tx, _BY_OBJECT, shelf, ids)}


def by_number(tx: Tx, shelf: Shelf, numbers: Sequence[int]) -> list[Place]:
    """The rows of these documents without their words, unordered."""
    return [Place(*row) for row in _many(tx, _BY_NUMBER, shelf, numbers)]


def with_words(tx: Tx, shelf: Shelf, numbers: Sequence[int]) -> list[Place]:
    """The rows of these documents, unordered."""
    return [Place(*row) for row in _many(tx, _WITH_WORDS, shelf, numbers)]


def newest(tx: Tx, shelf: Shelf) -> Iterator[Any]:
    """A row (as ``Place``) of every document, newest first, then by id; read as far as it is consumed."""
    page, offset = FIRST_PAGE, 0
    while True:
        rows = tx.execute(_NEWEST.limit(page).offset(offset), shelf.key).all()
        yield from rows
        if len(rows) < page:
            return
        offset += page
        page *= 2


def created_within(tx: Tx, shelf: Shelf, from_ms: int, to_ms: int) -> list[int]:
    """Numbers of the documents created in the window, both ends included."""
    return list(tx.execute(_WITHIN, {**shelf.key, "low": -to_ms, "high": -from_ms}).scalars())


def put_documents(tx: Tx, shelf: Shelf, places: Sequence[Place]) -> None:
    """The rows are as given."""
    if places:
        key = shelf.key
        rows = [
            {
                **key,
                "number": place.number,
                "object_id": place.object_id,
                "minus_created_ms": place.minus_created_ms,
                "words": place.words,
            }
            for place in places
        ]
        tx.execute(_put_document(tx.dialect), rows)


def remove_documents(tx: Tx, shelf: Shelf, numbers: Iterable[int]) -> None:
    """The rows are gone."""
    gone = [{**shelf.key, "gone": number} for number in numbers]
    if gone:
        tx.execute(_REMOVE, gone)


@cache
def _put_document(dialect: str) -> Executable:
    put = insert_on(dialect, search_documents)
    changed = {name: put.excluded[name] for name in ("minus_created_ms", "words")}
    return put.on_conflict_do_update(index_elements=list(search_documents.primary_key.columns), set_=changed)


# --- postings ---------------------------------------------------------------------------------------------------------

_POSTING = (search_postings.c.term, search_postings.c.block, search_postings.c.documents)
_BY_TERM = select(*_POSTING).where(
    _in(search_postings), search_postings.c.term.in_(bindparam("values", expanding=True))
)
_BEGINNING = select(search_postings.c.block, search_postings.c.documents).where(
    _in(search_postings), search_postings.c.term > bindparam("low"), search_postings.c.term < bindparam("high")
)
_REMOVE_POSTING = delete(search_postings).where(
    _in(search_postings), search_postings.c.term == bindparam("gone"), search_postings.c.block == bindparam("where")
)


def postings(tx: Tx, shelf: Shelf, terms: Sequence[str]) -> dict[str, list[tuple[int, bytes]]]:
    """Rows (block, documents) by term, over all blocks."""
    found: dict[str, list[tuple[int, bytes]]] = {}
    for term, block, documents in _many(tx, _BY_TERM, shelf, terms):
        found.setdefault(term, []).append((block, documents))
    return found


def block_postings(tx: Tx, shelf: Shelf, block: int, terms: Sequence[str]) -> dict[str, bytes]:
    """The rows of one block, by term."""
    statement = _BY_TERM.where(search_postings.c.block == block)
    return {term: documents for term, _, documents in _many(tx, statement, shelf, terms)}


def postings_beginning(tx: Tx, shelf: Shelf, beginning: str) -> list[tuple[int, bytes]]:
    """Rows (block, documents) of every longer term that begins so."""
    where = {**shelf.key, "low": beginning, "high": beginning + LAST}
    return [(row.block, row.documents) for row in tx.execute(_BEGINNING, where).all()]


def put_postings(tx: Tx, shelf: Shelf, block: int, rows: Mapping[str, bytes]) -> None:
    """The rows of a block are as given; an empty one is gone."""
    key = shelf.key
    kept = [{**key, "term": term, "block": block, "documents": row} for term, row in rows.items() if row]
    gone = [{**key, "gone": term, "where": block} for term, row in rows.items() if not row]
    if kept:
        tx.execute(_put_posting(tx.dialect), kept)
    if gone:
        tx.execute(_REMOVE_POSTING, gone)


@cache
def _put_posting(dialect: str) -> Executable:
    put = insert_on(dialect, search_postings)
    return put.on_conflict_do_update(
        index_elements=list(search_postings.primary_key.columns), set_={"documents": put.excluded.documents}
    )


# --- words ------------------------------------------------------------------------------------------------------------

_WORDS = select(search_words.c.word).where(
    _in(search_words),
    search_words.c.length.in_(bindparam("lengths", expanding=True)),
    search_words.c.word >= bindparam("first"),
    search_words.c.word < bindparam("high"),
)


def words(tx: Tx, shelf: Shelf, lengths: Sequence[int], first: str) -> list[str]:
    """Words of these lengths with this first character."""
    where = {**shelf.key, "lengths": list(lengths), "first": first, "high": first + LAST}
    return [row[0] for row in tx.execute(_WORDS, where).all()]


def put_words(tx: Tx, shelf: Shelf, found: Iterable[str]) -> None:
    """The words are known."""
    rows = [{**shelf.key, "length": len(word), "word": word} for word in sorted(found)]
    if rows:
        tx.execute(_put_word(tx.dialect), rows)


@cache
def _put_word(dialect: str) -> Executable:
    return insert_on(dialect, search_words).on_conflict_do_nothing()


# --- former editions --------------------------------------------------------------------------------------------------

_OF_EDITIONS = ((search_postings, "term"), (search_documents, "number"), (search_words, "word"))


def remove_part(tx: Tx, shelf: Shelf, most: int) -> bool:
    """About ``most`` rows of the edition are gone; False when it has none left."""
    for table, name in _OF_EDITIONS:
        column = table.c[name]
        mine = _in(table)
        last = tx.execute(select(column).where(mine).order_by(column).limit(1).offset(most), shelf.key).scalar()
        part = mine if last is None else and_(mine, column <= last)
        if tx.execute(delete(table).where(part), shelf.key).rowcount:
            return True
    return False
