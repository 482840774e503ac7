"""The fixture ``world``: import it, with ``founded``, in the ``conftest.py`` of tests that need a whole server."""

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from timbra.catalogs.load import SatData
from world import Founded, World, settle

POSTGRESQL = os.environ.get("TIMBRA_TEST_DATABASE_URL")


@pytest.fixture(scope="session")
def founded(migrated_template: str, tmp_path_factory: pytest.TempPathFactory, sat_data: SatData) -> Founded:
    """The teams, made once: keys and certificates take seconds."""
    folder = tmp_path_factory.mktemp("founded")
    name = str(folder / "timbra.sqlite") if POSTGRESQL is None else f"founded_{uuid.uuid4().hex}"
    return replace(settle(_copied(migrated_template, name), folder, sat_data), template=name)


@pytest.fixture
def world(founded: Founded, tmp_path: Path, sat_data: SatData) -> Iterator[World]:
    """A server over a fresh copy of the founded teams."""
    yield from _opened(founded, tmp_path, sat_data)


@pytest.fixture(scope="module")
def shared_world(founded: Founded, tmp_path_factory: pytest.TempPathFactory, sat_data: SatData) -> Iterator[World]:
    """One server for all tests of a file, which leave it as they find it."""
    yield from _opened(founded, tmp_path_factory.mktemp("shared"), sat_data)


def _opened(founded: Founded, folder: Path, sat_data: SatData) -> Iterator[World]:
    name = str(folder / "timbra.sqlite") if POSTGRESQL is None else f"world_{uuid.uuid4().hex}"
    opened = World(_copied(founded.template, name), folder, founded, sat_data)
    yield opened
    opened.close()
    if POSTGRESQL is not None:
        with psycopg.connect(POSTGRESQL, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _copied(template: str, name: str) -> str:
    """The URL of a copy of the template under the new name."""
    if POSTGRESQL is None:
        shutil.copy(template, name)
        return f"sqlite:///{name}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return POSTGRESQL.replace("/postgres?", f"/{name}?")
