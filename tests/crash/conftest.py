"""A whole server per test, for the tests that kill it."""

from worlds import founded, world

__all__ = ["founded", "world"]
