"""Passwords: argon2id, at most two at a time, so that a burst of sign-ins does not take the server's memory.

One hash takes 64 MiB and some 50 ms; the parameters are the library's, which follow RFC 9106.
"""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PARALLEL: Final = 2
MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 256


class Passwords:
    """Hashes and checks in worker threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(PARALLEL)

    async def hash(self, password: str) -> str:
        """The text to store."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one. Without one it takes as long to say no."""
        async with self._slots:
            return await asyncio.to_thread(self._matches, stored, password)

    def _matches(self, stored: str | None, password: str) -> bool:
        if stored is None:
            self._hasher.hash(password)
            return False
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
