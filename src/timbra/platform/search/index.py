"""Writing the index: entries become rows of postings, a block of document numbers at a time."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from timbra.platform.db import Tx
from timbra.platform.search import bits, store, words
from timbra.platform.search.bits import BLOCK
from timbra.platform.search.kinds import Entry, Kind
from timbra.platform.search.matching import Match
from timbra.platform.search.store import Place, Shelf

FILTERS = 0  # the field under which values to filter by are kept
_BETWEEN, _WITHIN = "\n", " "

Words = dict[int, list[str]]
"""Stored words by field number; filter terms under ``FILTERS``."""


def words_of(kind: Kind, entry: Entry) -> Words:
    """What the index keeps of an entry."""
    found: Words = {}
    for one in kind.fields:
        stored = words.stored_words(one.form, [value for value in entry.texts.get(one.name, ()) if value])
        if stored:
            found[one.number] = stored
    filters = [words.filter_term(name, value) for name, values in entry.filters.items() for value in values]
    if filters:
        found[FILTERS] = filters
    return found


def to_text(found: Words) -> str:
    """The words as a document's row keeps them."""
    return _BETWEEN.join(_WITHIN.join((str(number), *stored)) for number, stored in found.items())


def from_text(text: str) -> Words:
    """The words of a document's row."""
    lines = [line.split(_WITHIN) for line in text.split(_BETWEEN) if line]
    return {int(line[0]): line[1:] for line in lines}


def neighbours(matches: Sequence[Match], searched: Set[int]) -> Callable[[str], bool]:
    """Tells of a document's row whether the words stand next to each other in one of the fields, in the order typed."""
    numbers = "|".join(str(number) for number in sorted(searched))
    beside = _WITHIN.join(match.pattern for match in matches)
    found = re.compile(rf"^(?:{numbers}) (?:.* )?{beside}(?= |$)", re.MULTILINE).search
    return lambda text: found(text) is not None


def _terms(found: Words) -> set[tuple[str, int]]:
    terms = {(term, FILTERS) for term in found.get(FILTERS, ())}
    for number, stored in found.items():
        if number != FILTERS:
            terms.update((term, number) for term in words.terms_of(stored))
    return terms


@dataclass(slots=True)
class _Changes:
    """Documents (offsets as bits) to add to and take from each (term, field) of one block."""

    add: dict[tuple[str, int], int] = field(default_factory=dict)
    take: dict[tuple[str, int], int] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def note(self, number: int, before: Words, after: Words) -> None:
        bit = 1 << number % BLOCK
        old, new = _terms(before), _terms(after)
        for key in new - old:
            self.add[key] = self.add.get(key, 0) | bit
        for key in old - new:
            self.take[key] = self.take.get(key, 0) | bit
        for number_, stored in after.items():
            if number_ != FILTERS:
                self.words.update(words.without_tilde(word[1:]) for word in stored if words.may_have_typos(word))


def put(
    tx: Tx, kind: Kind, shelf: Shelf, entries: Sequence[Entry], next_number: int, removed: Sequence[str] = ()
) -> int:
    """The index holds the entries as given and not the ``removed`` ids; the next free number. The shelf is locked."""
    known = store.by_object(tx, shelf, [*(entry.id for entry in entries), *removed])
    blocks: dict[int, _Changes] = {}
    places = []
    for entry in entries:
        before, after = known.get(entry.id), words_of(kind, entry)
        number = next_number if before is None else before.number
        next_number += before is None
        place = Place(number, entry.id, -entry.created_ms, to_text(after))
        if place == before:
            continue
        places.append(place)
        former = from_text(before.words) if before else {}
        blocks.setdefault(number // BLOCK, _Changes()).note(number, former, after)
    gone = [known[object_id] for object_id in removed if object_id in known]
    for place in gone:
        blocks.setdefault(place.number // BLOCK, _Changes()).note(place.number, from_text(place.words), {})
    for block, changes in sorted(blocks.items()):
        _apply(tx, shelf, block, changes)
    store.put_documents(tx, shelf, places)
    store.remove_documents(tx, shelf, [place.number for place in gone])
    return next_number


def _apply(tx: Tx, shelf: Shelf, block: int, changes: _Changes) -> None:
    terms = sorted({term for term, _ in (*changes.add, *changes.take)})
    rows = store.block_postings(tx, shelf, block, terms)
    sets = {term: bits.decode(rows[term]) if term in rows else {} for term in terms}
    for (term, number), documents in changes.add.items():
        sets[term][number] = sets[term].get(number, 0) | documents
    for (term, number), documents in changes.take.items():
        sets[term][number] = sets[term].get(number, 0) & ~documents
    encoded: Mapping[str, bytes] = {term: bits.encode(sets[term]) for term in terms}
    store.put_postings(tx, shelf, block, encoded)
    store.put_words(tx, shelf, [word for word in changes.words if f"w{word}" not in rows])
