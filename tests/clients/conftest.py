"""The client routes over an empty team."""

from collections.abc import AsyncIterator

import pytest

from factories.api import OTHER_TEAM, Api, add_team, open_api
from timbra.catalogs.load import SatData
from timbra.clients.parts import ClientParts
from timbra.clients.routes import routes
from timbra.clients.validation import Embedded
from timbra.platform.db import Database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api(anyio_backend: str, database: Database, sat_data: SatData) -> AsyncIterator[Api]:
    add_team(database)
    add_team(database, team_id=OTHER_TEAM)
    catalogs, portal = sat_data.catalogs, "https://cfdi.example.com"
    opened = open_api(
        database,
        lambda clock: [routes(ClientParts(database, clock, catalogs, Embedded(catalogs), portal))],
    )
    yield opened
    await opened.http.aclose()
