"""Text without case and accents, as sort and search columns keep it: the same on both engines."""

import unicodedata

from sqlalchemy import String

SORT_LENGTH = 60  # an order value travels inside a cursor


def fold(text: str) -> str:
    """Lower case without accents, runs of blanks as one: ``" Ñandú  SA"`` is ``"nandu sa"``."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def sort_key(text: str) -> str:
    """The value of a ``folded_type(SORT_LENGTH)`` column."""
    return fold(text)[:SORT_LENGTH]


def folded_type(length: int) -> String:
    """A text column compared byte by byte, so that PostgreSQL orders as SQLite does whatever its locale."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
