"""A query understood: what it asks the engine for, and what each object that has its words is worth.

An object is worth, over the words of the query, the best of (weight of the field, quality of the match), half as much
again when the words stand next to each other in a field.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Final

from timbra.platform.search.entries import ANYWHERE, BETWEEN, WITHIN, Term
from timbra.platform.search.kinds import Field, Form
from timbra.platform.search.words import ENYE, ID_LENGTH, Piece, Whole, without_tilde

# Tenths of the field's weight that a match is worth.
EQUAL, OTHER_TILDE, BEGINNING, TYPO = 10, 9, 8, 6
_NONE: Final = 0
FORMS = {"i": (Form.ID,), "e": (Form.EMAIL,), "c": tuple(form for form in Form if form is not Form.ID)}

Typos = Mapping[str, Sequence[int]]
"""Words of the index that a typed word may mean, and the fields that have them."""
Worthy = tuple[int, Term]
"""What the engine is asked for, and what a match is worth."""
Group = Sequence[Term]
"""Terms of which one must be there."""


@dataclass(frozen=True)
class Word:
    """A typed word."""

    folded: str
    typos: Typos = field(default_factory=dict)

    @cached_property
    def typed(self) -> str:
        """As it is compared."""
        return without_tilde(self.folded)

    def quality(self, stored: str) -> int:
        """How well a stored word is met; 0 when it is not."""
        kind, word, typed = stored[0], stored[1:], self.typed
        if word[:1] not in (typed[0], self.folded[0], ENYE):
            return _NONE
        if kind == "i":
            return _met(word, typed, ID_LENGTH) if len(typed) >= ID_LENGTH else _NONE
        if kind not in "wc":
            return _NONE
        plain = without_tilde(word)
        if plain == typed:
            return EQUAL if word == self.folded else OTHER_TILDE
        return _met(plain, typed, 2) or (TYPO if kind == "w" and plain in self.typos else _NONE)

    def terms(self, fields: Sequence[Field]) -> Iterator[Worthy]:
        """What finds the word in the fields."""
        typed = self.typed
        for one in fields:
            if one.form is Form.ID:
                if len(typed) >= ID_LENGTH:
                    yield from _terms(one, typed, has_beginnings=True)
                continue
            yield from _terms(one, typed, has_beginnings=len(typed) > 1)
            for other, numbers in self.typos.items():
                if one.number in numbers:
                    yield TYPO * one.weight, Term(one.number, other)

    def anywhere(self, fields: Sequence[Field]) -> Iterator[Term]:
        """What finds it in any of all fields."""
        typed = self.typed
        yield from (Term(number, typed, is_beginning=len(typed) > 1) for number in ANYWHERE.values())
        yield from (Term(ANYWHERE["w"], other) for other in self.typos)
        if len(typed) >= ID_LENGTH:
            yield from (Term(one.number, typed, is_beginning=True) for one in fields if one.form is Form.ID)


@dataclass(frozen=True)
class WholeWord:
    """An e-mail, an id or a code as one word."""

    whole: Whole

    def quality(self, stored: str) -> int:
        """As of a word."""
        kind = "wc" if self.whole.kind == "c" else self.whole.kind
        return _met(without_tilde(stored[1:]), self.whole.text, 2) if stored[0] in kind else _NONE

    def terms(self, fields: Sequence[Field]) -> Iterator[Worthy]:
        """As of a word."""
        for one in fields:
            if one.form in FORMS[self.whole.kind]:
                yield from _terms(one, self.whole.text, has_beginnings=True)

    def anywhere(self, fields: Sequence[Field]) -> Iterator[Term]:
        """As of a word."""
        if self.whole.kind in ANYWHERE:
            yield from (Term(number, self.whole.text, is_beginning=True) for number in ANYWHERE.values())
        else:
            yield from _least(list(self.terms(fields)), 0)


def _met(word: str, typed: str, shortest: int) -> int:
    if word == typed:
        return EQUAL
    return BEGINNING if len(typed) >= shortest and word.startswith(typed) else _NONE


def _terms(one: Field, text: str, *, has_beginnings: bool) -> Iterator[Worthy]:
    yield EQUAL * one.weight, Term(one.number, text)
    if has_beginnings:
        yield BEGINNING * one.weight, Term(one.number, text, is_beginning=True)


@dataclass(frozen=True, slots=True)
class Clause:
    """What the engine is asked of one piece: every group of ``words``, or one term of ``whole``."""

    words: Sequence[Group]
    whole: Group


class Query:
    """What was typed, as it is looked for in these fields."""

    def __init__(self, pieces: Sequence[Piece], typos: Mapping[str, Typos], fields: Sequence[Field]) -> None:
        self._fields = fields
        self._weights = {str(one.number): one.weight for one in fields}
        self._pieces = [
            ([Word(word, typos.get(word, {})) for word in piece.words], WholeWord(piece.whole) if piece.whole else None)
            for piece in pieces
        ]
        self._terms = [
            ([list(word.terms(fields)) for word in words], list(whole.terms(fields)) if whole else [])
            for words, whole in self._pieces
        ]
        qualities = [([cache(word.quality) for word in words], whole) for words, whole in self._pieces]
        self._qualities = [(words, [cache(whole.quality)] if whole else []) for words, whole in qualities]
        self._in_order = [quality for words, _ in self._qualities for quality in words]

    # --- for the engine -----------------------------------------------------------------------------------------------

    def floors(self) -> list[int]:
        """What equal words are worth in each field, best first."""
        return sorted({EQUAL * weight for weight in self._weights.values()}, reverse=True)

    def anywhere(self) -> list[Clause]:
        """What objects have that have every word, when the fields are all there are."""
        return [
            Clause(
                [list(word.anywhere(self._fields)) for word in words],
                list(whole.anywhere(self._fields)) if whole else [],
            )
            for words, whole in self._pieces
        ]

    def clauses(self, floor: int = 0) -> list[Clause] | None:
        """What objects have in which every word is worth the floor; None when there can be none."""
        found = [
            Clause([_least(group, floor) for group in words], _least(whole, floor)) for words, whole in self._terms
        ]
        return found if all(clause.whole or all(clause.words) for clause in found) else None

    # --- for the order ------------------------------------------------------------------------------------------------

    def score(self, text: str) -> int:
        """Twice what an object is worth; ``text``: its stored words (``entries.to_text``)."""
        lines = [line.split(WITHIN) for line in text.split(BETWEEN)]
        fields = [(self._weights[line[0]], line[1:]) for line in lines if line[0] in self._weights]
        total = 0
        for words, whole in self._qualities:
            each = [_best(quality, fields) for quality in words]
            worth = sum(each) if all(each) else 0
            total += worth + sum(_best(quality, fields) for quality in whole)
        return total * 3 if len(self._in_order) > 1 and self._stand_together(fields) else total * 2

    def _stand_together(self, fields: Sequence[tuple[int, list[str]]]) -> bool:
        """Whether the words stand next to each other in one of the fields, in the order typed."""
        first, rest = self._in_order[0], self._in_order[1:]
        for _, stored in fields:
            for start in range(len(stored) - len(rest)):
                if first(stored[start]) and all(
                    quality(stored[at]) and stored[at][0] in "wc" for at, quality in enumerate(rest, start + 1)
                ):
                    return True
        return False


def _best(quality: Callable[[str], int], fields: Sequence[tuple[int, list[str]]]) -> int:
    return max((weight * max(map(quality, stored), default=0) for weight, stored in fields), default=0)


def _least(group: Sequence[Worthy], floor: int) -> Group:
    """Terms worth the floor; one that a beginning among them covers is left out."""
    terms = {term for worth, term in group if worth >= floor}
    covered = {Term(term.field, term.text) for term in terms if term.is_beginning}
    return sorted(terms - covered)
