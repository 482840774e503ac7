"""The house rules hold in every file, and each rule catches what it is for."""

import subprocess

import pytest

from tidy import ROOT, RULES, TEST_LINES, File, Rule, source_files
from timbra.migrations.tables import metadata

FILES = source_files()

WRONG = {
    "float": ("cfdi/money.py", "def f(n):\n    return float(n)\n"),
    "clock": ("invoices/issue.py", "import time\ntime.time()\n"),
    "commit": ("invoices/store.py", "def f(c):\n    c.commit()\n"),
    "transaction": ("invoices/issue.py", "async def unit(tx):\n    pass\n"),
    "tables": ("invoices/issue.py", "from timbra.invoices.tables import invoices\n"),
    "xml": ("invoices/files.py", "from lxml import etree\netree.fromstring(b'')\n"),
    "imports": ("invoices/files.py", "def f():\n    import os\n"),
    "size": ("invoices/files.py", "def f():\n" + "    pass\n" * 61),
    "names": ("invoices/utils.py", ""),
    "except": ("invoices/files.py", "try:\n    pass\nexcept Exception:\n    pass\n"),
    "docstring": ("platform/x.py", '"""Says."""\n\ndef f():\n    pass\n'),
    "unfinished": ("invoices/files.py", "# TODO later\n"),
}

# Tables of the whole server: no row of them belongs to a team.
SERVER_TABLES = {
    "billing_accounts",
    "job_workers",
    "master_keys",
    "sat_list_entries",
    "sat_lists",
    "search_editions",
    "signing_keys",
    "subscriptions",
    "teams",
    "user_sessions",
    "user_tokens",
    "users",
    "webhook_turns",
}  # fmt: skip
# The engine hands out their key; the team is a column of every row and of the index that reads them.
NUMBERED_TABLES = {"events"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_house_rule_holds(rule: Rule) -> None:
    findings = [finding for file in FILES for finding in rule.findings(file)]

    assert findings == [], f"{rule.why}\n" + "\n".join(findings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_house_rule_catches_its_sample(rule: Rule) -> None:
    place, text = WRONG[rule.name]

    assert rule.findings(File.of(place, text)) != []


def test_tenant_tables_have_the_team_in_their_primary_key() -> None:
    keyless = [
        table.name
        for table in metadata.sorted_tables
        if table.name not in SERVER_TABLES | NUMBERED_TABLES
        and not table.name.startswith("sandbox_")
        and "team_id" not in table.primary_key.columns
    ]

    assert keyless == []


def test_tests_stay_readable() -> None:
    long = [path.name for path in (ROOT / "tests").rglob("*.py") if path.read_text().count("\n") > TEST_LINES]

    assert long == []


def test_the_project_speaks_only_of_itself() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    words = ("/work/" + "main", "/work/" + "shared", "helper-" + "1", "claude" + " ", "as an " + "AI")
    found = []
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yml", ".typ", ".sh", "") and path.is_file():
            text = path.read_text(errors="ignore")
            found += [f"{name}: {word}" for word in words if word in text]

    assert found == []
