"""Which documents a typed word finds, and with what value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from timbra.platform.db import Tx
from timbra.platform.search import bits, store
from timbra.platform.search.bits import Sets
from timbra.platform.search.kinds import Kind
from timbra.platform.search.store import Shelf
from timbra.platform.search.words import (
    CODE_BEGINNINGS,
    ID_LENGTH,
    WORD_BEGINNINGS,
    Piece,
    Typed,
    typos_allowed,
    without_tilde,
)

# Tenths of the field's weight that a match is worth.
EQUAL, OTHER_TILDE, BEGINNING, TYPO = 10, 9, 8, 6
Values = dict[int, int]
"""Documents by what they are worth; no document twice."""
Rows = Mapping[str, list[tuple[int, bytes]]]


@dataclass(slots=True)
class Match:
    """What a typed word finds. ``typos``: words of the index that it may mean."""

    word: Typed
    values: Values = field(default_factory=dict)
    typos: frozenset[str] = frozenset()

    def accepts(self, stored: str) -> bool:
        """Whether a stored word is meant."""
        if stored[0] not in "wc":
            return False
        word, typed = without_tilde(stored[1:]), self.word.text
        return word == typed or (len(typed) > 1 and word.startswith(typed)) or word in self.typos


class Matcher:
    """Looks words up in one index; ``numbers`` are the fields that are searched."""

    def __init__(self, tx: Tx, kind: Kind, shelf: Shelf, numbers: Iterable[int]) -> None:
        self._tx, self._shelf = tx, shelf
        self._weights = {one.number: one.weight for one in kind.fields if one.number in set(numbers)}

    def exact(self, pieces: Sequence[Piece]) -> Rows:
        """The rows of every term of a query that is known beforehand."""
        terms = {piece.whole for piece in pieces if piece.whole is not None}
        for piece in pieces:
            for word in piece.words:
                terms |= set(_terms(word.text))
        return store.postings(self._tx, self._shelf, sorted(terms))

    def word(self, word: Typed, rows: Rows) -> Match:
        """Everything that the word finds."""
        match, text = Match(word), word.text
        levels = self._equal(word, rows)
        levels.append((EQUAL, self._sets(rows.get(f"i{text}", ()))))
        levels.append((BEGINNING, self._beginning(text, rows)))
        allowed = typos_allowed(text)
        if allowed:
            match.typos = self._meant(text, allowed)
            found = store.postings(self._tx, self._shelf, sorted(f"w{other}" for other in match.typos))
            levels.append((TYPO, self._sets([row for each in found.values() for row in each])))
        match.values = self._valued(levels)
        return match

    def whole(self, term: str, rows: Rows) -> Values:
        """What an e-mail, id or code finds as a whole, or by its beginning."""
        levels = [(EQUAL, self._sets(rows.get(term, ())))]
        if term[0] != "i" or len(term) > ID_LENGTH:
            levels.append((BEGINNING, self._sets(store.postings_beginning(self._tx, self._shelf, term))))
        return self._valued(levels)

    def _equal(self, word: Typed, rows: Rows) -> list[tuple[int, Sets]]:
        found = self._sets([*rows.get(f"w{word.text}", ()), *rows.get(f"c{word.text}", ())])
        with_tilde = self._sets(rows.get(f"n{word.text}", ()))
        if word.has_tilde:
            return [(EQUAL, with_tilde), (OTHER_TILDE, found)]
        plain = {number: documents & ~with_tilde.get(number, 0) for number, documents in found.items()}
        return [(EQUAL, plain), (OTHER_TILDE, with_tilde)]

    def _beginning(self, text: str, rows: Rows) -> Sets:
        found = list(rows.get(f"p{text}", ()))
        for kind, lengths in (("w", WORD_BEGINNINGS), ("c", CODE_BEGINNINGS)):
            if len(text) >= lengths.stop:
                found += store.postings_beginning(self._tx, self._shelf, f"{kind}{text}")
        if len(text) >= ID_LENGTH:
            found += store.postings_beginning(self._tx, self._shelf, f"i{text}")
        return self._sets(found)

    def _meant(self, text: str, allowed: int) -> frozenset[str]:
        lengths = range(max(len(text) - allowed, 1), len(text) + allowed + 1)
        near = store.words(self._tx, self._shelf, lengths, text[0])
        found = extract(text, near, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        return frozenset(word for word, _, _ in found) - {text}

    def _sets(self, rows: Iterable[tuple[int, bytes]]) -> Sets:
        found = bits.gathered(rows)
        return {number: documents for number, documents in found.items() if number in self._weights}

    def _valued(self, levels: Iterable[tuple[int, Sets]]) -> Values:
        """Each document with the best of its matches."""
        pairs = [(self._weights[number] * level, found) for level, sets in levels for number, found in sets.items()]
        values: Values = {}
        taken = 0
        for value, found in sorted(pairs, reverse=True):
            fresh = found & ~taken
            if fresh:
                values[value] = values.get(value, 0) | fresh
                taken |= fresh
        return values


def _terms(text: str) -> list[str]:
    terms = [f"w{text}", f"c{text}", f"n{text}"]
    if len(text) in WORD_BEGINNINGS:
        terms.append(f"p{text}")
    if len(text) >= ID_LENGTH:
        terms.append(f"i{text}")
    return terms


def union(values: Values) -> int:
    """All documents."""
    found = 0
    for documents in values.values():
        found |= documents
    return found


def both(left: Values, right: Values) -> Values:
    """Documents of both, worth the sum."""
    found: Values = {}
    for one, here in left.items():
        for other, there in right.items():
            documents = here & there
            if documents:
                found[one + other] = found.get(one + other, 0) | documents
    return found


def either(left: Values, right: Values) -> Values:
    """Documents of one or both, worth the sum of what they have."""
    found = both(left, right)
    for mine, others in ((left, union(right)), (right, union(left))):
        for value, documents in mine.items():
            if documents & ~others:
                found[value] = found.get(value, 0) | (documents & ~others)
    return found
