import json
from pathlib import Path

import pytest

from factories.commands import Timbra
from timbra.catalogs.load import SatData


@pytest.fixture(autouse=True)
def compiled(sat_data: SatData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.cli.verify.load", lambda _folder: sat_data)


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
