"""The same certificates for all tests of this room: making keys is slow."""

import pytest

from factories.csds import IssuedCsds, issue_csds


@pytest.fixture(scope="session")
def issued() -> IssuedCsds:
    return issue_csds()
