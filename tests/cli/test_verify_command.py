import json
from pathlib import Path

import pytest

from factories.commands import Timbra
from timbra.catalogs.load import SatData


@pytest.fixture(autouse=True)
def compiled(sat_data: SatData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.cli.verify.load", lambda *_folders: sat_data)


def test_each_file_gets_a_line_and_the_worst_decides_the_exit_code(timbra: Timbra, tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<cfdi:Comprobante")
    other = tmp_path / "other.xml"
    other.write_text("<a/>")

    result = timbra("verify", broken, other)

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(broken), str(other)]
    assert [line["valid"] for line in lines] == [False, False]
    assert lines[1]["refused"] == "the document is neither a CFDI nor a retention"
    assert result.exit_code == 1


def test_missing_file_is_reported_and_the_rest_is_checked(timbra: Timbra, tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_text("<a/>")

    result = timbra("verify", tmp_path / "none.xml", other)

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[0] == {"file": str(tmp_path / "none.xml"), "valid": False, "refused": "No such file or directory"}
    assert len(lines) == 2
    assert result.exit_code == 2


def test_files_are_judged_beside_a_database_of_an_earlier_release(
    timbra: Timbra, data_dir: Path, tmp_path: Path
) -> None:
    data_dir.mkdir()
    (data_dir / "timbra.sqlite").touch()
    other = tmp_path / "other.xml"
    other.write_text("<a/>")

    result = timbra("verify", other)

    assert json.loads(result.stdout)["refused"] == "the document is neither a CFDI nor a retention"
    assert result.exit_code == 1


def test_file_that_is_no_certificate_ends_the_command(timbra: Timbra, tmp_path: Path) -> None:
    (tmp_path / "x.cer").write_bytes(b"no")

    result = timbra("verify", "--pac-certificate", tmp_path / "x.cer", tmp_path / "x.xml")

    assert result.exit_code == 2
    assert "is not a certificate" in result.output


def test_public_sample_is_judged(timbra: Timbra, sat_samples: Path) -> None:
    files = sorted(sat_samples.rglob("*.xml"))
    if not files:
        pytest.skip("no XML among the public samples")

    result = timbra("verify", *files[:20])

    assert len(result.stdout.splitlines()) == len(files[:20])


def test_the_catalogues_of_the_settings_are_used(
    timbra: Timbra, tmp_path: Path, sat_data: SatData, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, Path | None]] = []

    def load(data_dir: Path, catalog_path: Path | None) -> SatData:
        asked.append((data_dir, catalog_path))
        return sat_data

    monkeypatch.setenv("TIMBRA_CATALOG_PATH", str(tmp_path / "catalogs"))
    monkeypatch.setattr("timbra.cli.verify.load", load)
    monkeypatch.setattr("timbra.cli.catalogs.load", load)
    timbra("verify", tmp_path / "none.xml")
    built = timbra("catalogs", "build")

    assert [catalog_path for _, catalog_path in asked] == [tmp_path / "catalogs"] * 2
    assert str(tmp_path / "catalogs") in built.stdout


def test_doctor_names_the_database_in_use(timbra: Timbra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMBRA_CATALOG_PATH", str(tmp_path / "catalogs-20261120.db"))
    (tmp_path / "catalogs-20261120.db").write_bytes(b"SQLite format 3")

    result = timbra("doctor")

    assert f"will be compiled from {tmp_path / 'catalogs-20261120.db'} over" in result.stdout


@pytest.mark.parametrize("source", ["none.db", "text.db"])
def test_a_bad_update_is_refused(timbra: Timbra, tmp_path: Path, source: str) -> None:
    (tmp_path / "text.db").write_text("no database")

    result = timbra("catalogs", "update", tmp_path / source)

    assert result.exit_code == 1
    assert "Nothing was changed" in result.stderr
