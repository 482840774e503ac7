"""One server per file; what a test leaves behind would be seen by the next one."""

from worlds import founded, shared_world, world

__all__ = ["founded", "shared_world", "world"]
