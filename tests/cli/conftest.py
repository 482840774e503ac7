import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from factories.commands import Timbra
from timbra.cli.commands import app


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the commands of this test, which does not exist yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("TIMBRA_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def timbra(data_dir: Path) -> Iterator[Timbra]:
    """Runs ``timbra`` with the given arguments in this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
