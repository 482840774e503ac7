"""Texts cut into words: what is stored of an object, and what a query asks for.

A stored word begins with its class: ``w`` a word, ``c`` a code or number (no typos), ``i`` an id, ``e`` an e-mail as a
whole; ``|`` parts values that do not stand next to each other.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from timbra.platform.search.kinds import Form

ENYE: Final = "ŋ"  # stands for ñ in stored words: folding takes the tilde away
WORD_LENGTH: Final = 60
WHOLE_LENGTH: Final = 120
WORDS_PER_FIELD: Final = 10_000
ID_LENGTH: Final = 8  # of an id so much must be typed
PHONE_LENGTH: Final = 10
GAP: Final = "|"

_WORD = re.compile(r"[^\W_]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{0,4}){0,3}(-[0-9a-f]{0,12})?")
_OBJECT_ID = re.compile(r"[a-z]{2,12}_([0-9a-z]{8,60})")
_CODE = re.compile(rf"[a-z{ENYE}&]{{3,4}}-?[0-9]{{1,6}}-?[0-9a-z]{{0,3}}")
_WHOLE_CODE = re.compile(r"[a-z]{3,4}[0-9]{6}[0-9a-z]{3}")
_NOT_CODE = re.compile(r"[^\w&]|_")


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower case without accents, ``ñ`` as ``ENYE``."""
    if text.isascii():
        return text.lower()
    marked = unicodedata.normalize("NFC", text.casefold()).replace(ENYE, "n").replace("ñ", ENYE)
    plain = unicodedata.normalize("NFKD", marked).casefold()
    return "".join(char for char in plain if not unicodedata.combining(char))


def without_tilde(word: str) -> str:
    """The word with its ``ENYE`` as n: what words are compared by."""
    return word.replace(ENYE, "n")


def cut(folded: str) -> list[str]:
    """The words of a folded text."""
    return [word[:WORD_LENGTH] for word in _WORD.findall(folded)]


def stored_words(form: Form, values: Iterable[str]) -> list[str]:
    """The words of a field as they are stored, in order."""
    found: list[str] = []
    for value in dict.fromkeys(values):
        found += _of_value(form, value)
        found.append(GAP)
        if len(found) > WORDS_PER_FIELD:
            break
    return found[:WORDS_PER_FIELD]


def _of_value(form: Form, value: str) -> list[str]:
    folded = fold(value.strip())
    if form is Form.ID:
        return [f"i{id_form(folded)}"]
    if form is Form.CODE:
        return [f"c{without_tilde(_NOT_CODE.sub('', folded))[:WORD_LENGTH]}"]
    words = cut(folded)
    found = [f"c{word}" if _is_code(word) else f"w{word}" for word in words]
    if form is Form.EMAIL:
        return [*found, GAP, f"e{without_tilde(''.join(folded.split()))[:WHOLE_LENGTH]}"]
    joined = without_tilde("".join(words))[:WORD_LENGTH]
    if form in (Form.JOINED, Form.PHONE) and len(words) > 1:
        found += [GAP, f"c{joined}"]
    if form is Form.PHONE and joined.isdigit() and len(joined) > PHONE_LENGTH:
        found += [GAP, f"c{joined[-PHONE_LENGTH:]}"]
    return found


def _is_code(word: str) -> bool:
    return word.isdigit() or _WHOLE_CODE.fullmatch(word) is not None


def id_form(folded: str) -> str:
    """An id as it is compared: without its prefix, a UUID without dashes."""
    return without_tilde(folded.rpartition("_")[2].replace("-", ""))[:WORD_LENGTH]


def may_have_typos(stored: str) -> bool:
    """Whether a stored word is found in spite of typos: codes, ids and pure numbers are not."""
    return stored[0] == "w" and len(stored) > 3


def typos_allowed(word: str) -> int:
    """How many a typed word may have: none in short words, numbers and codes."""
    if len(word) < 4 or _is_code(word):
        return 0
    return 1 if len(word) < ID_LENGTH else 2


@dataclass(frozen=True, slots=True)
class Whole:
    """What was typed between two blanks, as one: an e-mail, an id, or a code typed with dashes."""

    kind: str  # the class of stored words
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two blanks of a query: its words (folded), and the whole when it may be one."""

    words: Sequence[str]
    whole: Whole | None = None


def pieces(query: str) -> list[Piece]:
    """The pieces of a query that have a letter or a digit."""
    found = [_piece(chunk) for chunk in fold(query).split()]
    return [piece for piece in found if piece.words]


def _piece(chunk: str) -> Piece:
    words = cut(chunk)
    return Piece(words, _whole(chunk) if len(words) > 1 else None)


def _whole(chunk: str) -> Whole | None:
    plain = without_tilde(chunk)
    at = plain.find("@")
    if 0 < at < len(plain) - 1:
        return Whole("e", plain[:WHOLE_LENGTH])
    if _UUID.fullmatch(plain):
        return Whole("i", plain.replace("-", ""))
    match = _OBJECT_ID.fullmatch(plain)
    if match:
        return Whole("i", match[1])
    if _CODE.fullmatch(chunk):
        return Whole("c", _NOT_CODE.sub("", plain))
    return None
