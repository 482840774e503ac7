"""What every test may ask for: SAT's data, compiled once per machine."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from timbra.catalogs.load import SatData, load
from timbra.platform import migrate
from timbra.platform.db import Database

POSTGRESQL = os.environ.get("TIMBRA_TEST_DATABASE_URL")
SAMPLES = Path(__file__).parents[2] / "shared" / "sat"
LONGEST = ("/crash/", "/fuzz/", "/isolation/", "/webhooks/", "test_compile", "_lives")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first: a process that gets one of them last leaves the others waiting."""
    items.sort(key=lambda item: not any(mark in str(item.path) for mark in LONGEST))


@pytest.fixture(scope="session")
def sat_data() -> SatData:
    """SAT's catalogues and schemas. The compiled data is kept under the system's temporary folder between runs."""
    return load(Path(tempfile.gettempdir()) / "timbra-tests")


@pytest.fixture(scope="session")
def sat_samples() -> Path:
    """Public sample files of SAT and PACs, which lie beside the checkout where the developer has them."""
    if not SAMPLES.is_dir():
        pytest.skip(f"public samples not found at {SAMPLES}")
    return SAMPLES


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database that nobody uses: the path of an SQLite file, or the name of a database on the test server."""
    if POSTGRESQL is None:
        path = tmp_path_factory.mktemp("template") / "timbra.sqlite"
        url = f"sqlite:///{path}"
        name = str(path)
    else:
        name = f"template_{uuid.uuid4().hex}"
        url = create_database(name, "template1")
    database = Database(url)
    migrate.upgrade(database)
    database.close()
    return name


@pytest.fixture
def database_url(migrated_template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this test's own: SQLite, or PostgreSQL under ``make test-postgres``."""
    if POSTGRESQL is None:
        shutil.copy(migrated_template, tmp_path / "timbra.sqlite")
        yield f"sqlite:///{tmp_path / 'timbra.sqlite'}"
    else:
        name = f"test_{uuid.uuid4().hex}"
        yield create_database(name, migrated_template)
        with psycopg.connect(POSTGRESQL, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open ``Database`` on ``database_url``."""
    opened = Database(database_url)
    yield opened
    opened.close()


def create_database(name: str, template: str) -> str:
    """The URL of the new database on the test server."""
    assert POSTGRESQL is not None
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return POSTGRESQL.replace("/postgres?", f"/{name}?")
