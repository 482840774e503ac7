"""What a caller looks for in a catalogue, and what is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from timbra.catalogs.near import Vocabulary

Entry = Mapping[str, Any]
Terms = Sequence[Sequence[str]]
"""Every term must begin a word of the entry, by one of its spellings."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a catalogue. day: YYYY-MM-DD; filters: those of the catalogue, checked."""

    day: str
    q: str | None = None
    include_expired: bool = False
    limit: int = 50
    offset: int = 0
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The entries of a page, and how many there are in all."""

    entries: list[Entry]
    total: int


class Catalog(Protocol):
    """One of SAT's lists."""

    def count(self) -> int:
        """Its entries, in force or not."""
        ...

    def get(self, code: str, day: str) -> Entry | None:
        """An entry by its code in upper case, exactly as written."""
        ...

    def find(self, wanted: Wanted) -> Found:
        """A page, in the order of the contract."""
        ...


def terms_of(words: Sequence[str]) -> Terms:
    """The words as they are, each once."""
    return [[word] for word in dict.fromkeys(words)]


def guessed(words: Sequence[str], vocabulary: Vocabulary) -> Terms | None:
    """The terms that were probably meant when nothing has all the words; None when there is nothing to guess."""
    unknown = [word for word in words if not vocabulary.begins(word)]
    guesses = {word: vocabulary.near(word) for word in unknown}
    if not unknown or not all(guesses.values()):
        return None
    return [guesses.get(word, [word]) for word in dict.fromkeys(words)]


def in_force(first: str | None, last: str | None, day: str) -> bool:
    """Whether the day lies within the validity, both ends included."""
    return (first is None or first <= day) and (last is None or day <= last)
