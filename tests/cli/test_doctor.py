from pathlib import Path

import pytest

from factories.commands import Timbra


def line_of(output: str, subject: str) -> str:
    return next(line for line in output.splitlines() if f" {subject}:" in line)


def test_fresh_folder_is_fine_and_stays_untouched(timbra: Timbra, data_dir: Path) -> None:
    result = timbra("doctor")

    assert result.exit_code == 0
    assert "will be made at the first start" in line_of(result.output, "database")
    assert line_of(result.output, "PAC, live mode").startswith("note ")
    assert not data_dir.exists()


def test_migrated_database_is_named_with_its_schema(timbra: Timbra) -> None:
    timbra("migrate")

    assert ", schema 2" in line_of(timbra("doctor").output, "database")


def test_key_that_others_can_read_is_bad(timbra: Timbra, data_dir: Path) -> None:
    key = data_dir / "keys" / "master.key"
    key.parent.mkdir(parents=True, mode=0o700)
    key.write_bytes(bytes(32))
    key.chmod(0o644)

    result = timbra("doctor")

    assert result.exit_code == 1
    assert line_of(result.output, "master key").startswith("bad ")
    assert f"do: chmod go-rwx '{key}'" in result.output


def test_key_beside_the_database_is_noted(timbra: Timbra, data_dir: Path) -> None:
    timbra("migrate")
    key = data_dir / "keys" / "master.key"
    key.parent.mkdir(mode=0o700)
    key.touch(mode=0o600)

    assert "TIMBRA_MASTER_KEY_DIR" in timbra("doctor").output


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://cfdi.example.com", "ok"),
        ("http://127.0.0.1:9000", "ok"),
        ("http://cfdi.example.com", "note"),
        ("ftp://x", "bad"),
    ],
)
def test_public_url_is_judged(timbra: Timbra, monkeypatch: pytest.MonkeyPatch, url: str, state: str) -> None:
    monkeypatch.setenv("TIMBRA_PUBLIC_URL", url)

    assert line_of(timbra("doctor").output, "public URL").split()[0] == state


def test_settings_are_listed_without_passwords(timbra: Timbra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMBRA_DATABASE_URL", "postgresql://ana:s3cret@127.0.0.1:1/timbra")

    result = timbra("doctor")

    assert result.exit_code == 1
    assert line_of(result.output, "database").startswith("bad ")
    assert "TIMBRA_SANDBOX_LATENCY_MS = 0" in result.output
    assert "s3cret" not in result.output
