"""Answering a query: which objects have all of its words, in what order (``query``).

The engine finds and counts. Of few matches each is scored; of many the most promising ones, which the engine gives in
steps: those in which every word is worth as much as a word can be, then less and less; newest first in each step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import store, store_index, words
from timbra.platform.search.entries import FILTERS, Term, filter_text
from timbra.platform.search.kinds import Kind
from timbra.platform.search.query import Clause, Query, Typos
from timbra.platform.search.store import Shelf
from timbra.platform.search.store_index import LAST_NUMBER, Wanted

SCORED: Final = 200  # so many of the most promising matches are put in their exact order
MEANT: Final = 150  # words of the index that a typed one may mean, nearest first


@dataclass(frozen=True, slots=True)
class Asked:
    """A search. fields: their names; only, never: values by filter name; instants in milliseconds, both included."""

    query: str
    fields: Sequence[str]
    only: Mapping[str, str] = field(default_factory=dict)
    never: Mapping[str, str] = field(default_factory=dict)
    from_ms: int | None = None
    to_ms: int | None = None
    offset: int = 0
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of one page, best first, and how many there are in all."""

    ids: Sequence[str]
    total: int


def find(tx: Tx, kind: Kind, scope: TeamScope, asked: Asked) -> Found:
    """The page of objects that have every word of the query."""
    shelf = store.look(tx, scope, kind.name)
    pieces = words.pieces(asked.query)
    if shelf is None or not pieces:
        return Found([], 0)
    typed = {word for piece in pieces for word in piece.words}
    typos = {word: _meant(tx, shelf, words.without_tilde(word)) for word in typed}
    query = Query(pieces, typos, [kind.field(name) for name in asked.fields])
    everything = query.anywhere() if len(asked.fields) == len(kind.fields) else query.clauses()
    return _Search(tx, shelf, query, asked).page(everything) if everything else Found([], 0)


def _meant(tx: Tx, shelf: Shelf, typed: str) -> Typos:
    allowed = words.typos_allowed(typed)
    if not allowed:
        return {}
    lengths = range(max(len(typed) - allowed, 1), len(typed) + allowed + 1)
    known = store.words(tx, shelf, lengths, typed[0])
    near = extract(typed, known, scorer=OSA.distance, score_cutoff=allowed, limit=None)
    nearest = sorted((distance, word) for word, distance, _ in near if distance)[:MEANT]
    return store.fields_of(tx, shelf, [word for _, word in nearest])


class _Search:
    """One query over one index."""

    def __init__(self, tx: Tx, shelf: Shelf, query: Query, asked: Asked) -> None:
        self._tx, self._shelf, self._query, self._asked = tx, shelf, query, asked
        self._wanted = Wanted(
            shelf.edition,
            [Term(FILTERS, filter_text(*pair)) for pair in asked.only.items()],
            [Term(FILTERS, filter_text(*pair)) for pair in asked.never.items()],
            0 if asked.from_ms is None else store.first_number(asked.from_ms),
            LAST_NUMBER if asked.to_ms is None else store.first_number(asked.to_ms + 1) - 1,
        )

    def page(self, everything: Sequence[Clause]) -> Found:
        """The page that was asked for, of all that has the words."""
        store_index.prepare(self._tx)
        most = max(SCORED, self._asked.offset + self._asked.limit)
        numbers, total = store_index.newest(self._tx, self._wanted, everything, most + 1)
        if total > SCORED:
            if self._tx.dialect == "sqlite" and total > most:
                total = store_index.count(self._tx, self._wanted, everything)
            numbers = self._promising(numbers, most)
        page = self._in_order(numbers)[self._asked.offset : self._asked.offset + self._asked.limit]
        return Found(page, total)

    def _promising(self, newest: Sequence[int], most: int) -> list[int]:
        found: dict[int, None] = {}
        for floor in self._query.floors():
            clauses = self._query.clauses(floor)
            if clauses is not None:
                found.update(dict.fromkeys(store_index.newest(self._tx, self._wanted, clauses, most)[0]))
            if len(found) >= most:
                break
        return list(found | dict.fromkeys(newest))[:most]

    def _in_order(self, numbers: Sequence[int]) -> list[str]:
        """Ids: the first ones by their worth, the others as they are, read only as far as the page goes."""
        rest = numbers[SCORED:]
        first = store.by_number(self._tx, self._shelf, numbers[:SCORED]).values()
        scored = sorted((-self._query.score(one.words), -store.time_of(one.number), one.object_id) for one in first)
        others = store.by_number(self._tx, self._shelf, rest[max(self._asked.offset - SCORED, 0) :])
        ids = {number: one.object_id for number, one in others.items()}
        return [id_ for _, _, id_ in scored] + [ids.get(number, "") for number in rest]
