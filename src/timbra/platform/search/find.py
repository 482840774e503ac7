"""Answering a query: which documents have all of its words, in what order.

A document is worth, over the words of the query, the best of (weight of the field, quality of the match), half as much
again when the words stand next to each other in a field. Documents of the same worth: newest first, then by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.search import bits, index, store, words
from timbra.platform.search.kinds import Kind
from timbra.platform.search.matching import Match, Matcher, Values, both, either, union
from timbra.platform.search.store import Place, Shelf

NEIGHBOURS_OF: Final = 500  # in so many of the best documents it is looked whether the words are neighbours
FETCH_COST: Final = 3  # of a document by its number, in documents read in order
FEW: Final = 2_000  # so many documents are fetched to look at their time; of more, all of the time asked for are read
LAST_MS: Final = 1 << 62


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
    """The page of documents that have every word of the query."""
    row = store.look(tx, scope, kind.name)
    if row is None:
        return Found([], 0)
    shelf = Shelf(scope, kind.name, row.edition)
    searched = {kind.field(name).number for name in asked.fields}
    values, matches = _matched(tx, kind, shelf, searched, asked.query)
    values = _filtered(tx, shelf, asked, values)
    total = union(values).bit_count()
    if asked.offset >= total:
        return Found([], total)
    doubled = {2 * value: documents for value, documents in values.items()}
    ranked = _Ranked(tx, shelf, doubled, all_documents=row.next_number)
    if len(matches) > 1:
        ranked.prefer_neighbours(matches, searched)
    return Found(list(ranked.page(asked.offset, asked.limit)), total)


def _matched(tx: Tx, kind: Kind, shelf: Shelf, searched: set[int], query: str) -> tuple[Values, list[Match]]:
    pieces = words.pieces(query)
    matcher = Matcher(tx, kind, shelf, searched)
    rows = matcher.exact(pieces)
    matches: dict[words.Typed, Match] = {}
    found: Values | None = None
    order: list[Match] = []
    for piece in pieces:
        of_piece: Values | None = None
        for word in piece.words:
            if word not in matches:
                matches[word] = matcher.word(word, rows)
            order.append(matches[word])
            values = matches[word].values
            of_piece = values if of_piece is None else both(of_piece, values)
        assert of_piece is not None, "a piece has a word"
        if piece.whole is not None:
            of_piece = either(of_piece, matcher.whole(piece.whole, rows))
        found = of_piece if found is None else both(found, of_piece)
        if not found:
            break
    return found or {}, order


def _filtered(tx: Tx, shelf: Shelf, asked: Asked, values: Values) -> Values:
    only = [words.filter_term(*pair) for pair in asked.only.items()]
    never = [words.filter_term(*pair) for pair in asked.never.items()]
    if not values or not (only or never or asked.from_ms is not None or asked.to_ms is not None):
        return values
    rows = store.postings(tx, shelf, [*only, *never])
    sets = {term: bits.gathered(rows.get(term, ())).get(index.FILTERS, 0) for term in (*only, *never)}
    allowed = union(values)
    for term in only:
        allowed &= sets[term]
    for term in never:
        allowed &= ~sets[term]
    if asked.from_ms is not None or asked.to_ms is not None:
        allowed &= _created(tx, shelf, asked, allowed)
    return {value: documents & allowed for value, documents in values.items() if documents & allowed}


def _created(tx: Tx, shelf: Shelf, asked: Asked, allowed: int) -> int:
    from_ms = -LAST_MS if asked.from_ms is None else asked.from_ms
    to_ms = LAST_MS if asked.to_ms is None else asked.to_ms
    if allowed.bit_count() <= FEW:
        places = store.by_number(tx, shelf, list(bits.members(allowed)))
        return bits.of(place.number for place in places if from_ms <= -place.minus_created_ms <= to_ms)
    return bits.of(store.created_within(tx, shelf, from_ms, to_ms))


class _Ranked:
    """Documents by worth, and their order."""

    def __init__(self, tx: Tx, shelf: Shelf, values: Values, all_documents: int) -> None:
        self._tx, self._shelf = tx, shelf
        self._all_documents = all_documents
        self._values = values
        self._places: dict[int, Place] = {}

    def prefer_neighbours(self, matches: Sequence[Match], searched: set[int]) -> None:
        """The best documents in which the words are neighbours are worth half as much again."""
        best: list[tuple[int, list[int]]] = []
        left = NEIGHBOURS_OF
        for value, documents in sorted(self._values.items(), reverse=True):
            if documents.bit_count() > left:
                numbers = [place.number for place in islice(self._newest_of(documents, left), left)]
            else:
                numbers = list(bits.members(documents))
            best.append((value, numbers))
            left -= len(numbers)
            if not left:
                break
        unknown = [number for _, numbers in best for number in numbers]
        self._places = {place.number: place for place in store.with_words(self._tx, self._shelf, unknown)}
        stand_together = index.neighbours(matches, searched)
        for value, numbers in best:
            beside = bits.of(number for number in numbers if stand_together(self._places[number].words))
            if beside:
                self._values[value] &= ~beside
                self._values[value * 3 // 2] = self._values.get(value * 3 // 2, 0) | beside

    def page(self, offset: int, limit: int) -> Iterator[str]:
        """Ids, best first."""
        for _, documents in sorted(self._values.items(), reverse=True):
            count = documents.bit_count()
            if offset >= count:
                offset -= count
                continue
            shown = list(islice(self._newest_of(documents, offset + limit), offset, offset + limit))
            yield from (place.object_id for place in shown)
            offset, limit = 0, limit - len(shown)
            if not limit:
                return

    def _newest_of(self, documents: int, wanted: int) -> Iterator[Place]:
        """The documents, newest first, then by id, of which ``wanted`` will be read.

        Few are fetched and sorted; many lie close in the order of all documents, which is read until enough were met.
        """
        count = documents.bit_count()
        to_be_met = wanted * self._all_documents // count
        if count * FETCH_COST > to_be_met:
            held = bits.holder(documents)
            return (Place(*row) for row in store.newest(self._tx, self._shelf) if held(row[0]))
        numbers = list(bits.members(documents))
        unknown = [number for number in numbers if number not in self._places]
        found = [self._places[number] for number in numbers if number in self._places]
        found += store.by_number(self._tx, self._shelf, unknown)
        return iter(sorted(found, key=lambda place: (place.minus_created_ms, place.object_id)))
