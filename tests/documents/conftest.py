"""A whole server for every test."""

from worlds import founded, world

__all__ = ["founded", "world"]
