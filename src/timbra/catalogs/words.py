"""Words as the search of the catalogues compares them: no case, no accents, letters and digits only."""

import re
from typing import Final

from timbra.platform.folding import fold

_WORD: Final = re.compile(r"[^\W_]+")


def words_of(*texts: str | None) -> list[str]:
    """The words of some texts, in order: ``words_of("Ñandú, s/n")`` is ``["nandu", "s", "n"]``."""
    return [word for text in texts if text for word in _WORD.findall(fold(text))]


def key_of(text: str | None) -> str:
    """A text reduced to its words, for comparing how names begin."""
    return " ".join(words_of(text))
