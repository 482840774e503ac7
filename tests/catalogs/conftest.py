"""The catalogue routes over SAT's data, as every team sees them."""

from collections.abc import AsyncIterator

import pytest

from factories.api import Api, add_team, open_api
from timbra.catalogs.load import SatData
from timbra.catalogs.routes import routes
from timbra.platform.db import Database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api(anyio_backend: str, database: Database, sat_data: SatData) -> AsyncIterator[Api]:
    add_team(database)
    opened = open_api(database, lambda clock: [routes(sat_data.shelf, clock)])
    yield opened
    await opened.http.aclose()
