"""The service routes over an empty team."""

from collections.abc import AsyncIterator

import pytest

from factories.api import OTHER_TEAM, Api, add_team, open_api
from timbra.catalogs.load import SatData
from timbra.platform.db import Database
from timbra.services.routes import routes


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api(anyio_backend: str, database: Database, sat_data: SatData) -> AsyncIterator[Api]:
    add_team(database)
    add_team(database, team_id=OTHER_TEAM)
    opened = open_api(database, lambda clock: [routes(database, clock, sat_data.catalogs)])
    yield opened
    await opened.http.aclose()
