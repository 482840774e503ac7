from pathlib import Path

import pytest

from factories.commands import Timbra
from factories.sat_lists import file_69, file_69b, many, row_69, row_69b, written


@pytest.fixture
def migrated(timbra: Timbra) -> Timbra:
    assert timbra("migrate").exit_code == 0
    return timbra


def test_file_is_loaded_and_shown(migrated: Timbra, tmp_path: Path) -> None:
    path = file_69b(tmp_path, [row_69b(rfc, "A") for rfc in many(3)])

    result = migrated("lists", "load", "69b", path)
    status = migrated("lists", "status")

    assert result.exit_code == 0
    assert "69b_definitivo           ok                3 rows  +3 -0" in result.output
    assert "of 2026-09-30" in result.output
    assert "69_firmes                never             0 rows" in status.output
    assert len([line for line in status.output.splitlines() if line.startswith("69")]) == 14


def test_bad_file_is_refused_and_shown(migrated: Timbra, tmp_path: Path) -> None:
    result = migrated("lists", "load", "69_firmes", written(tmp_path / "x.csv", ["a,b"]))

    assert result.exit_code == 1
    assert "timbra: x.csv: no line with the titles of 69 was found" in result.output
    assert "69_firmes                failed            0 rows" in migrated("lists", "status").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("69_x", "a.csv"), "69_x: is none of 69b, 69b_bis"),
        (("69_firmes", "/nowhere/a.csv"), "a.csv: cannot be read"),
        (("69_firmes", "https://127.0.0.1/a.csv"), "the address is not public"),
    ],
)
def test_what_cannot_be_loaded_is_told(migrated: Timbra, arguments: tuple[str, ...], says: str) -> None:
    result = migrated("lists", "load", *arguments)

    assert result.exit_code == 1
    assert says in result.output


def test_sync_tells_of_each_file(migrated: Timbra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = file_69(tmp_path, [row_69(rfc, "A") for rfc in many(3)])
    others = ("69b_bis", "69_exigibles", "69_no_localizados", "69_sentencias", "69_csd_sin_efectos", "69_cancelados",
              "69_condonados", "69_reducciones", "69_retorno_inversiones")  # fmt: skip
    off = "".join(f', "{name}": ""' for name in others)
    monkeypatch.setenv("TIMBRA_SAT_LIST_SOURCES", f'{{"69_firmes": "{good}", "69b": ["/nowhere.csv"]{off}}}')

    result = migrated("lists", "sync")

    assert result.exit_code == 1
    assert "69_firmes                ok                3 rows" in result.output
    assert "69b: nowhere.csv: cannot be read (No such file or directory)" in result.output


def test_doctor_tells_of_files_and_lists(migrated: Timbra, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = migrated("doctor").output
    monkeypatch.setenv("TIMBRA_STORAGE", "s3://files/x?endpoint=https://minio&access_key=id&secret_key=sesame")
    monkeypatch.setenv("TIMBRA_SAT_LIST_SOURCES", '{"69_x": "a"}')
    bad = migrated("doctor")

    assert f"files: {data_dir / 'files'}" in fine
    assert "SAT lists: 0 of 14 were ever loaded" in fine
    assert "files: in the bucket files/x" in bad.output
    assert "TIMBRA_SAT_LIST_SOURCES names 69_x" in bad.output
    assert "sesame" not in bad.output
    assert bad.exit_code == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMBRA_STORAGE", "https://files"),
        ("TIMBRA_STORAGE", "s3://files?acl=public"),
        ("TIMBRA_SAT_LIST_SOURCES", "not json"),
        ("TIMBRA_SAT_LIST_SOURCES", '["a"]'),
    ],
)
def test_wrong_settings_end_a_command(timbra: Timbra, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    result = timbra("lists", "status")

    assert result.exit_code == 2
    assert name in result.output
