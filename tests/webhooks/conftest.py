"""A whole server for every test, and a receiver for its messages."""

from collections.abc import Iterator

import pytest

from factories.receivers import Receiver
from world import World
from worlds import founded, world

__all__ = ["founded", "world"]


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    """Answers 200 to everything."""
    opened = Receiver(world).open()
    yield opened
    opened.close()
