"""What the index keeps of an object: its words as they are stored, and the tokens that the engine finds it by."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from timbra.platform.search import words
from timbra.platform.search.kinds import Entry, Kind

FILTERS: Final = 0  # the field under which values to filter by are kept
ANYWHERE: Final = {"w": 0xFE, "c": 0xFF}  # fields that hold every word, by its class: most queries name no field
BETWEEN, WITHIN = "\n", " "
LENGTH: Final = 100_000  # of an object's words; PostgreSQL takes 1 MiB of tokens
_SIGN = re.compile(r"[^\w]|_")


class Term(NamedTuple):
    """A word in a field, as the engine is asked for it."""

    field: int
    text: str
    is_beginning: bool = False


def to_text(kind: Kind, entry: Entry) -> str:
    """The words of an entry as its row keeps them: a line for each field, its number first."""
    filters = [f"f{filter_text(name, value)}" for name, values in entry.filters.items() for value in values]
    lines = [WITHIN.join((str(FILTERS), *filters))] if filters else []
    for one in kind.fields:
        stored = words.stored_words(one.form, [value for value in entry.texts.get(one.name, ()) if value])
        if stored:
            lines.append(WITHIN.join((str(one.number), *stored)))
    text = BETWEEN.join(lines)
    return text if len(text) <= LENGTH else text[:LENGTH].rpartition(WITHIN)[0]


def filter_text(name: str, value: str) -> str:
    """A value to filter by."""
    return f"{name}={'_'.join(value.split())}"


def token(edition: int, term: Term) -> str:
    """A word as the engine knows it: letters and digits only, begun by edition and field."""
    return f"{edition:06x}{term.field:02x}{_SIGN.sub(_stand_in, term.text)}"


def _stand_in(sign: re.Match[str]) -> str:
    """Signs would part tokens: private characters stand for them."""
    return chr(0xE000 + ord(sign[0]) % 0x1000)


def tokens(edition: int, text: str) -> str:
    """The tokens of an object, from its stored words."""
    return WITHIN.join(sorted({token(edition, term) for term in _terms(text)}))


def _terms(stored_words: str) -> Iterator[Term]:
    for number, stored in _stored(stored_words):
        if len(stored) > 1:
            text = words.without_tilde(stored[1:])
            yield Term(number, text)
            if stored[0] in ANYWHERE:
                yield Term(ANYWHERE[stored[0]], text)


def vocabulary(text: str) -> set[tuple[str, int]]:
    """(word, field) of what is found in spite of typos."""
    return {
        (words.without_tilde(stored[1:]), number)
        for number, stored in _stored(text)
        if number != FILTERS and words.may_have_typos(stored)
    }


def _stored(text: str) -> Iterator[tuple[int, str]]:
    for line in text.split(BETWEEN) if text else ():
        number, *found = line.split(WITHIN)
        for stored in found:
            yield int(number), stored
