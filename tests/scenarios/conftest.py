"""A whole server for every life."""

from worlds import founded, world

__all__ = ["founded", "world"]
