"""Words that somebody may have meant: one slip of the finger, or the letters that sound alike in Spanish."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_lowercase
from typing import Final

SHORTEST: Final = 4  # one change makes anything of a shorter word
MOST: Final = 40

# Each rule works on the result of those before it.
_SOUNDS: Final = (
    (re.compile(r"(?<!c)h"), ""),
    (re.compile(r"ph"), "f"),
    (re.compile(r"ll"), "y"),
    (re.compile(r"qu(?=[ei])"), "k"),
    (re.compile(r"c(?=[ei])"), "s"),
    (re.compile(r"c(?!h)"), "k"),
    (re.compile(r"g(?=[ei])"), "j"),
    (re.compile(r"v"), "b"),
    (re.compile(r"z"), "s"),
    (re.compile(r"(.)\1+"), r"\1"),
)


def sound_of(word: str) -> str:
    """A folded word as it sounds: ``zerbeza`` and ``cerveza`` are one."""
    for pattern, letters in _SOUNDS:
        word = pattern.sub(letters, word)
    return word or "-"


class Vocabulary:
    """The words of one catalogue, asked for what is near another word."""

    def __init__(self, words: Iterable[str], sounds: Sequence[tuple[str, str]] | None = None) -> None:
        """sounds: (sound, word) of the words that are no numbers, in order; made here when not given."""
        self._words = sorted(set(words))
        letters = (word for word in self._words if not word.isdigit())
        by_sound = sorted((sound_of(word), word) for word in letters) if sounds is None else sounds
        self._sounds = [sound for sound, _ in by_sound]
        self._sounding = [word for _, word in by_sound]

    @classmethod
    def of_texts(cls, words: str, sounds: str) -> "Vocabulary":
        """The one that ``to_texts`` wrote down."""
        pairs = sounds.split()
        return cls(words.split(), list(zip(pairs[::2], pairs[1::2], strict=True)))

    def to_texts(self) -> tuple[str, str]:
        """Two texts that hold it: working out the sounds of 40,000 words takes half a second."""
        pairs = zip(self._sounds, self._sounding, strict=True)
        return " ".join(self._words), " ".join(f"{sound} {word}" for sound, word in pairs)

    def begins(self, prefix: str) -> bool:
        """Whether a word begins so."""
        return _begins(self._words, prefix)

    def near(self, word: str) -> list[str]:
        """Beginnings of words that ``word`` may stand for: those that sound alike, else those one slip away.

        Empty for short words and for numbers.
        """
        if len(word) < SHORTEST or any(char.isdigit() for char in word):
            return []
        return (
            self._sounding_like([sound_of(word)])
            or [slip for slip in _slips(word) if self.begins(slip)][:MOST]
            or self._sounding_like(_slips(sound_of(word)))
        )

    def _sounding_like(self, sounds: Iterable[str]) -> list[str]:
        found: list[str] = []
        for sound in sounds:
            at = bisect_left(self._sounds, sound)
            while at < len(self._sounds) and self._sounds[at].startswith(sound) and len(found) < MOST:
                found.append(self._sounding[at])
                at += 1
        return found


def _begins(words: Sequence[str], prefix: str) -> bool:
    at = bisect_left(words, prefix)
    return at < len(words) and words[at].startswith(prefix)


def _slips(word: str) -> Iterator[str]:
    """Every text one insertion, deletion, replacement or swap of neighbours away; the first letter is rarely wrong."""
    for at in range(len(word) - 1, -1, -1):
        head, tail = word[:at], word[at:]
        yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in ascii_lowercase:
            yield head + letter + tail[1:]
            yield head + letter + tail
