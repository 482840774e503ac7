"""A database with SAT's lists, and a whole server for the routes."""

import pytest

from factories.loaded_lists import Lists
from timbra.platform.db import Database
from worlds import founded, world

__all__ = ["founded", "world"]


@pytest.fixture
def lists(database: Database) -> Lists:
    return Lists(database)
