"""A whole server per test, for the tests that kill it, and the environment of servers in processes of their own."""

import tempfile
from pathlib import Path

import pytest

from timbra.catalogs.load import SatData
from worlds import founded, world

__all__ = ["crash_environment", "founded", "world"]


@pytest.fixture
def crash_environment(database_url: str, tmp_path: Path, sat_data: SatData) -> dict[str, str]:
    """The settings of servers on this test's database."""
    return {
        "TIMBRA_DATA_DIR": str(tmp_path),
        "TIMBRA_DATABASE_URL": database_url,
        "TIMBRA_CATALOG_PATH": str(Path(tempfile.gettempdir()) / "timbra-tests"),
        "TIMBRA_RATE_LIMITS": "off",
        "TIMBRA_LOG_LEVEL": "ERROR",
    }
