"""``timbra evidence`` and ``timbra sandbox`` beside a running server."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from timbra.cli.commands import app
from world import World


@pytest.fixture
def beside(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The settings of the server, and an empty folder to write into."""
    monkeypatch.setenv("TIMBRA_DATA_DIR", str(world.folder))
    monkeypatch.setenv("TIMBRA_DATABASE_URL", world.url)
    monkeypatch.setenv("TIMBRA_MASTER_KEY_DIR", str(world.founded.keys_dir))
    monkeypatch.setattr("timbra.cli.evidence.load", lambda *_folders: world.sat)
    monkeypatch.setattr("timbra.wiring.load", lambda *_folders: world.sat)
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return world


def timbra(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_bundle_is_written_once_for_its_owner_and_verifies(beside: World) -> None:
    uuid = beside.issue(100)["uuid"]

    made = timbra("evidence", uuid.upper())
    again = timbra("evidence", uuid)

    (path,) = Path.cwd().iterdir()
    assert (made.exit_code, path.name, path.stat().st_mode & 0o777) == (0, f"evidence_{uuid}.zip", 0o600)
    assert (again.exit_code, "exists" in again.stderr) == (1, True)
    key = made.stdout.split()[-1]
    for arguments in ((path,), (path, "--key", key.upper())):
        checked = timbra("evidence", "verify", *arguments)
        assert (checked.exit_code, "BAD" in checked.stdout) == (0, False)
        assert f"Document {uuid}, bundle signed by key {key}" in checked.stdout


def test_what_does_not_hold_is_named(beside: World) -> None:
    path = Path("bundle.zip")
    timbra("evidence", beside.issue(100)["internal_id"], "-o", path)

    foreign = timbra("evidence", "verify", path, "--key", "0" * 32)
    cut = path.read_bytes()[:-40]
    path.write_bytes(cut)
    broken = timbra("evidence", "verify", path)

    assert (foreign.exit_code, "BAD  signed by key" in foreign.stdout) == (1, True)
    assert (broken.exit_code, "is no evidence bundle" in broken.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [("00000000-0000-4000-8000-000000000000",), ("inv_none",)])
def test_unknown_documents(beside: World, arguments: tuple[str, ...]) -> None:
    assert beside.rows("invoices") == 0

    refused = timbra("evidence", *arguments)

    assert (refused.exit_code, "no document" in refused.stderr) == (1, True)
    assert list(Path.cwd().iterdir()) == []


def test_a_link_to_the_control_page(beside: World) -> None:
    made = timbra("sandbox", beside.team_id, "--port", "8123")

    assert made.exit_code == 0
    link = made.stdout.strip()
    assert link.startswith("http://127.0.0.1:8123/sandbox?pass=")
    opened = beside.run(beside.http.get(link.replace("http://127.0.0.1:8123", "https://cfdi.example.com")))
    assert (opened.status_code, opened.headers["location"]) == (303, "/sandbox")
    assert timbra("sandbox", "team_none").exit_code == 1
