"""What every test may ask for: SAT's data, compiled once per machine."""

import tempfile
from pathlib import Path

import pytest

from timbra.catalogs.load import SatData, load

SAMPLES = Path(__file__).parents[2] / "shared" / "sat"


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
