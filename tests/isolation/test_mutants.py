"""Row-level security holds when a store forgets its team: every team filter removed in turn, the matrix still passes.

Only on PostgreSQL and only under ``make soak``: one run of the matrix per filter.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "timbra"
FILTER = re.compile(r"\w+\.c\.team_id == (?:bindparam\(\"\w+\"\)|[\w.]+\b)")
MATRIX = "tests/isolation/test_matrix.py"


def filters() -> Iterator[tuple[Path, int, int]]:
    """(file, start, end) of every comparison of a row's team in the stores of domains."""
    for path in sorted(SOURCE.glob("*/store*.py")):
        text = path.read_text()
        for match in FILTER.finditer(text):
            yield path, match.start(), match.end()


FOUND = list(filters())


def test_the_stores_have_filters_to_remove() -> None:
    assert len(FOUND) >= 20


@pytest.mark.soak
@pytest.mark.skipif("TIMBRA_SOAK" not in os.environ, reason="one run of the matrix per filter: make soak")
@pytest.mark.skipif("TIMBRA_TEST_DATABASE_URL" not in os.environ, reason="row-level security exists on PostgreSQL only")
@pytest.mark.parametrize("mutant", FOUND, ids=lambda found: f"{found[0].relative_to(SOURCE)}:{found[1]}")
def test_a_forgotten_filter_leaks_nothing(mutant: tuple[Path, int, int], tmp_path: Path) -> None:
    path, start, end = mutant
    copy = tmp_path / "src" / "timbra"
    shutil.copytree(SOURCE, copy)
    changed = copy / path.relative_to(SOURCE)
    text = path.read_text()
    # True for every row, and still with its parameter: the guard before the database sees nothing wrong.
    mutated = f"{text[:start]}sqlalchemy.or_({text[start:end]}, sqlalchemy.literal(1) == 1){text[end:]}"
    docstring_end = mutated.index('"""', 3) + 3
    changed.write_text(mutated[:docstring_end] + "\n\nimport sqlalchemy\n" + mutated[docstring_end:])

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", MATRIX],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout[-3000:]
