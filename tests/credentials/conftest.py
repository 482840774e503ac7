"""The same certificates for all tests of this room: making keys is slow."""

import pytest

from factories.csds import IssuedCsds, issue_csds
from worlds import founded, world

__all__ = ["founded", "issued", "world"]


@pytest.fixture(scope="session")
def issued() -> IssuedCsds:
    return issue_csds()
