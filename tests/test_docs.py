"""What the documents name exists: files, links, commands, settings, dependencies."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from timbra.cli.commands import app
from timbra.platform.config import Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "timbra"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").glob("*.md")),
]
ENTRANCE = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")]
# Named before they exist, or made while the server runs.
ELSEWHERE = {"/openapi.json", ".venv/bin/timbra", "keys/master.key", "../shared/sat"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def exists(path: str) -> bool:
    """A path as the documents write it: from the root, from src/timbra, or with a name left open."""
    return any((base / path).exists() for base in (ROOT, SOURCE))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", prose(page))
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page_has_one_title(page: Path) -> None:
    assert len(re.findall(r"^# ", prose(page), flags=re.MULTILINE)) == 1


@pytest.mark.parametrize("page", [*ENTRANCE, *sorted((ROOT / "docs" / "decisions").glob("*.md"))], ids=name_of)
def test_named_files_exist(page: Path) -> None:
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/|[\w.-]*/[\w./-]+\.[a-z]{2,5})`", prose(page)))
    absent = sorted(path for path in named - ELSEWHERE if not exists(path))

    assert absent == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = page.read_text()

    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) - targets == set()
    for command, verb in re.findall(r"(?:`|\$ |bin/)timbra ([a-z]+)(?: ([a-z]+))?", text):
        assert command in commands, f"timbra {command}"
        verbs = getattr(commands[command], "commands", None)
        assert not (verb and verbs) or verb in verbs, f"timbra {command} {verb}"


def test_every_setting_is_explained_and_no_other() -> None:
    explained = re.findall(r"^\| `TIMBRA_(\w+)`", (ROOT / "docs" / "settings.md").read_text(), flags=re.MULTILINE)

    assert sorted(explained) == sorted(name.upper() for name in Settings.model_fields)


def test_every_dependency_is_justified_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [re.split(r"[\[><=;~ ]", line)[0] for line in project["dependencies"]]
    page = (ROOT / "docs" / "decisions" / "0010-dependencies.md").read_text()

    assert sorted(re.findall(r"^\| `([\w-]+)` \|", page, flags=re.MULTILINE)) == sorted(wanted)


def test_decisions_named_in_the_code_are_written() -> None:
    named = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r"docs/decisions/[\w-]+\.md", path.read_text())
        if not (ROOT / name).exists()
    }

    assert named == set()


def test_deployment_examples_use_settings_that_exist() -> None:
    known = {f"TIMBRA_{name.upper()}" for name in Settings.model_fields} | {
        "TIMBRA_PASSWORD"
    }  # of the example database
    used = {
        name for path in (ROOT / "deploy").iterdir() for name in re.findall(r"TIMBRA_[A-Z_]*[A-Z]", path.read_text())
    }

    assert used - known == set()
