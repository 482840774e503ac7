"""All SQL of the index but that of the engines' own tables (``store_index``)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Executable, Table, and_, bindparam, delete, insert, select, update

from timbra.platform.db import Tx, insert_on, insert_or
from timbra.platform.scope import TeamScope
from timbra.platform.search import entries, store_index
from timbra.platform.search.tables import (
    search_documents,
    search_editions,
    search_marks,
    search_shelves,
    search_words,
)

AT_ONCE: Final = 500  # values of one IN
LAST: Final = "\U0010ffff"
TIES: Final = 1 << 21  # numbers of one millisecond


@dataclass(frozen=True, slots=True)
class Shelf:
    """The index of one team, mode and kind: the number of its edition says which."""

    team_id: str
    edition: int

    @property
    def key(self) -> dict[str, Any]:
        """The columns that every row of the edition has."""
        return {"team_id": self.team_id, "edition": self.edition}


class Document(NamedTuple):
    """A row of an object."""

    number: int
    object_id: str
    words: str


def first_number(created_ms: int) -> int:
    """The lowest number of an object made at that time."""
    return max(created_ms, 0) * TIES


def time_of(number: int) -> int:
    """When the object was made, ms."""
    return number // TIES


def _of(table: Table) -> Any:
    """Rows of the team, mode and kind that the parameters name."""
    return and_(*(table.c[name] == bindparam(name) for name in ("team_id", "livemode", "kind")))


def _in(table: Table) -> Any:
    """Rows of the edition that the parameters name."""
    return and_(table.c.team_id == bindparam("team_id"), table.c.edition == bindparam("edition"))


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
_SAVE = update(search_shelves).where(
    search_shelves.c.team_id == bindparam("of_team"),
    search_shelves.c.livemode == bindparam("of_mode"),
    search_shelves.c.kind == bindparam("of_kind"),
)
_SCOPES = select(search_shelves.c.team_id, search_shelves.c.livemode).where(search_shelves.c.kind == bindparam("kind"))


def _shelf_key(scope: TeamScope, kind: str) -> dict[str, Any]:
    return {"team_id": scope.team_id, "livemode": scope.livemode, "kind": kind}


def look(tx: Tx, scope: TeamScope, kind: str) -> Shelf | None:
    """The index that is searched, None while nothing was ever indexed there."""
    row = tx.execute(_SHELF, _shelf_key(scope, kind)).one_or_none()
    return None if row is None else Shelf(scope.team_id, row.edition)


def lock(tx: Tx, scope: TeamScope, kind: str, *, wait: bool = True) -> dict[str, Any] | None:
    """The row of the shelf, made when it is not there; nobody else writes to the index until the transaction ends.

    None when somebody else does and ``wait`` is false.
    """
    key = _shelf_key(scope, kind)
    statement = _SHELF.with_for_update(skip_locked=not wait)
    row = tx.execute(statement, key).mappings().one_or_none()
    if row is None:
        made = {**key, "edition": new_edition(tx), "built_id": "", "built": 0}
        tx.execute(insert_or(tx, search_shelves).on_conflict_do_nothing(), made)
        row = tx.execute(statement, key).mappings().one_or_none()
    return dict(row) if row is not None else None


def new_edition(tx: Tx) -> int:
    """A number that no edition had."""
    return int(tx.execute(insert(search_editions).values().returning(search_editions.c.number)).scalar_one())


def save(tx: Tx, row: Mapping[str, Any]) -> None:
    """The row of the shelf is as given."""
    key = {"of_team": row["team_id"], "of_mode": row["livemode"], "of_kind": row["kind"]}
    tx.execute(_SAVE, {**{name: row[name] for name in ("edition", "building", "former", "built_id", "built")}, **key})


def scopes(tx: Tx, kind: str) -> list[TeamScope]:
    """Who has an index of the kind; for the server itself."""
    return [TeamScope(row.team_id, row.livemode) for row in tx.execute(_SCOPES, {"kind": kind})]


# --- documents --------------------------------------------------------------------------------------------------------

_DOCUMENT = (search_documents.c.number, search_documents.c.object_id, search_documents.c.words)
_VALUES: BindParameter[Any] = bindparam("values", expanding=True)
_BY_OBJECT = select(*_DOCUMENT).where(_in(search_documents), search_documents.c.object_id.in_(_VALUES))
_BY_NUMBER = select(*_DOCUMENT).where(_in(search_documents), search_documents.c.number.in_(_VALUES))
_SOME = select(*_DOCUMENT).where(_in(search_documents)).limit(bindparam("most"))
_REMOVE = delete(search_documents).where(
    search_documents.c.team_id == bindparam("of_team"), search_documents.c.number == bindparam("gone")
)


def _many(tx: Tx, statement: Executable, shelf: Shelf, values: Sequence[Any]) -> list[Document]:
    return [
        Document._make(row)
        for start in range(0, len(values), AT_ONCE)
        for row in tx.execute(statement, {**shelf.key, "values": values[start : start + AT_ONCE]}).all()
    ]


def by_object(tx: Tx, shelf: Shelf, object_ids: Sequence[str]) -> dict[str, Document]:
    """Rows by the id of their object."""
    return {document.object_id: document for document in _many(tx, _BY_OBJECT, shelf, object_ids)}


def by_number(tx: Tx, shelf: Shelf, numbers: Sequence[int]) -> dict[int, Document]:
    """Rows by their number."""
    return {document.number: document for document in _many(tx, _BY_NUMBER, shelf, numbers)}


def put(tx: Tx, shelf: Shelf, documents: Sequence[Document]) -> None:
    """New rows, in the engine's index too."""
    if documents:
        tx.execute(
            insert(search_documents),
            [{**shelf.key, "number": d.number, "object_id": d.object_id, "words": d.words} for d in documents],
        )
        store_index.put(tx, _tokens(shelf, documents))


def remove(tx: Tx, shelf: Shelf, documents: Sequence[Document]) -> None:
    """The rows are gone, from the engine's index too."""
    if documents:
        tx.execute(_REMOVE, [{"of_team": shelf.team_id, "gone": document.number} for document in documents])
        store_index.remove(tx, _tokens(shelf, documents))


def remove_some(tx: Tx, shelf: Shelf, most: int) -> bool:
    """So many rows of the edition are gone, and its words; False when it had none left."""
    documents = [Document._make(row) for row in tx.execute(_SOME, {**shelf.key, "most": most}).all()]
    remove(tx, shelf, documents)
    if not documents:
        tx.execute(delete(search_words).where(_in(search_words)), shelf.key)
    return bool(documents)


def _tokens(shelf: Shelf, documents: Sequence[Document]) -> dict[int, str]:
    return {document.number: entries.tokens(shelf.edition, document.words) for document in documents}


# --- words ------------------------------------------------------------------------------------------------------------

_WORDS = (
    select(search_words.c.word)
    .distinct()
    .where(
        _in(search_words),
        search_words.c.length.in_(bindparam("lengths", expanding=True)),
        search_words.c.word >= bindparam("first"),
        search_words.c.word < bindparam("high"),
    )
)
_FIELDS = select(search_words.c.word, search_words.c.field).where(
    _in(search_words),
    search_words.c.length.in_(bindparam("lengths", expanding=True)),
    search_words.c.word.in_(_VALUES),
)


def words(tx: Tx, shelf: Shelf, lengths: Sequence[int], first: str) -> list[str]:
    """Words of these lengths with this first character."""
    given = {**shelf.key, "lengths": lengths, "first": first, "high": first + LAST}
    return list(tx.execute(_WORDS, given).scalars().all())


def fields_of(tx: Tx, shelf: Shelf, found: Sequence[str]) -> dict[str, list[int]]:
    """The fields that have the words."""
    fields: dict[str, list[int]] = {}
    given = {**shelf.key, "lengths": sorted({len(word) for word in found}), "values": found}
    for row in tx.execute(_FIELDS, given) if found else ():
        fields.setdefault(row.word, []).append(row.field)
    return fields


def put_words(tx: Tx, shelf: Shelf, found: Iterable[tuple[str, int]]) -> None:
    """The words are known to be in the fields."""
    rows = [{**shelf.key, "length": len(word), "word": word, "field": field} for word, field in sorted(found)]
    if rows:
        tx.execute(_put_word(tx.dialect), rows)


@cache
def _put_word(dialect: str) -> Executable:
    return insert_on(dialect, search_words).on_conflict_do_nothing()
