"""Numbered fault points: places where a crash test may kill the process.

In production ``point`` costs one comparison. A crash test installs a hook that raises or exits at the n-th point.
"""

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Marks a step between two durable states, such as ``issue.after_tx1``."""
    if _hook is not None:
        _hook(name)


def install(hook: Callable[[str], None] | None) -> None:
    """``hook`` is called with the name of every point passed from now on; None removes it."""
    global _hook  # noqa: PLW0603 (one process, one crash test)
    _hook = hook
