"""Writing the index: entries become rows of postings, a block of document numbers at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

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


def neighbours(matches: Sequence[Match], searched: set[int]) -> Callable[[str], bool]:
    """Tells of a document's row whether the words stand next to each other in one of the fields, in the order typed."""
    accepts = [cache(match.accepts) for match in matches]
    first, rest = accepts[0], list(enumerate(accepts[1:], 1))
    numbers = {str(number) for number in searched}

    def stand_together(text: str) -> bool:
        for line in text.split(_BETWEEN):
            number, *stored = line.split(_WITHIN)
            for start, word in enumerate(stored[: len(stored) - len(rest)]):
                if first(word) and number in numbers and all(accept(stored[start + at]) for at, accept in rest):
                    return True
        return False

    return stand_together


Offsets = dict[str, dict[int, list[int]]]
"""Documents of one block (their place in it) by term and field."""


def _note(offsets: Offsets, found: Words, offset: int) -> None:
    for number, stored in found.items():
        for word in set(stored):
            for term in (word,) if number == FILTERS else words.terms_of(word):
                offsets.setdefault(term, {}).setdefault(number, []).append(offset)


@dataclass(slots=True)
class _Changes:
    """What is to be taken from one block, and added to it afterwards."""

    take: Offsets = field(default_factory=dict)
    add: Offsets = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def note(self, number: int, before: Words, after: Words) -> None:
        _note(self.take, before, number % BLOCK)
        _note(self.add, after, number % BLOCK)
        for field_number, stored in after.items():
            if field_number != FILTERS:
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
    terms = sorted({*changes.add, *changes.take})
    rows = store.block_postings(tx, shelf, block, terms)
    encoded: dict[str, bytes] = {}
    for term in terms:
        before = rows.get(term, b"")
        sets = bits.decode(before)
        for number, offsets in changes.take.get(term, {}).items():
            sets[number] = sets.get(number, 0) & ~bits.of(offsets)
        for number, offsets in changes.add.get(term, {}).items():
            sets[number] = sets.get(number, 0) | bits.of(offsets)
        after = bits.encode(sets)
        if after != before:
            encoded[term] = after
    store.put_postings(tx, shelf, block, encoded)
    store.put_words(tx, shelf, [word for word in changes.words if f"w{word}" not in rows])
