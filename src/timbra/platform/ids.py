"""The only source of new identifiers and of random bytes, so that tests can replace it (see ``fixed``)."""

import secrets
from collections.abc import Callable

from ulid import ULID


def new_id(prefix: str) -> str:
    """A fresh id ``<prefix>_<ULID>``: 26 upper-case Crockford characters, sortable by creation time."""
    return f"{prefix}_{ULID()}"


def new_secret(length_bytes: int) -> bytes:
    """``length_bytes`` unpredictable bytes."""
    return secrets.token_bytes(length_bytes)


def new_token() -> str:
    """256 unpredictable bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def new_serial_digits(count: int) -> str:
    """``count`` unpredictable decimal digits, the first one not zero."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def new_below(limit: int) -> int:
    """An unpredictable whole number from 0 to ``limit`` - 1."""
    return secrets.randbelow(limit)


IdSource = Callable[[str], str]
