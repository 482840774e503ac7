"""A whole server for every test."""

from worlds import founded, shared_world, world

__all__ = ["founded", "shared_world", "world"]
