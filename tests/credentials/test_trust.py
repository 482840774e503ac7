from pathlib import Path

import pytest

from factories.csds import OCTOBER_2026_MS, IssuedCsds
from timbra.cfdi.certificate import read
from timbra.credentials.trust import Environment, load
from timbra.pac.sandbox.authority import issue_csd, make_authority


def test_sandbox_certificates_belong_to_the_sandbox(issued: IssuedCsds):
    assert issued.trust.environment_of(read(issued.first.certificate)) is Environment.SANDBOX


def test_a_stranger_issuer_is_not_trusted(issued: IssuedCsds):
    stranger = make_authority(serial="30009000000000000008", at_ms=OCTOBER_2026_MS)
    csd = issue_csd(stranger, rfc="EKU9003173C9", name="X", serial="30009000000000000009", at_ms=OCTOBER_2026_MS)

    assert issued.trust.environment_of(read(csd.certificate)) is None
    assert issued.trust.environment_of(read(stranger.certificate)) is None


def test_the_operator_adds_authorities_of_both_environments(issued: IssuedCsds, tmp_path: Path):
    other, third = (make_authority(serial=f"3000900000000000000{n}", at_ms=OCTOBER_2026_MS) for n in (4, 5))
    (tmp_path / "test").mkdir()
    (tmp_path / "new.cer").write_bytes(other.certificate)
    (tmp_path / "test" / "new.cer").write_bytes(third.certificate)

    trust = load(folder=tmp_path, sandbox=issued.authority.certificate)

    assert trust.environment_of(read(other.certificate)) is Environment.PRODUCTION
    assert trust.environment_of(read(third.certificate)) is Environment.TEST


def test_a_file_that_is_no_certificate_is_named(issued: IssuedCsds, tmp_path: Path):
    (tmp_path / "broken.cer").write_bytes(b"hello")

    with pytest.raises(ValueError, match=r"broken\.cer is no certificate"):
        load(folder=tmp_path, sandbox=issued.authority.certificate)


def test_public_certificates_of_sat_belong_to_test(issued: IssuedCsds, sat_samples: Path):
    for kind in ("csd", "fiel"):
        for path in sorted((sat_samples / "csd" / "valid-2027" / kind).glob("*.cer")):
            assert issued.trust.environment_of(read(path.read_bytes())) is Environment.TEST


def test_a_certificate_signed_by_sats_production_authority_belongs_to_production(issued: IssuedCsds, sat_samples: Path):
    path = sat_samples / "csd" / "pac" / "00001000000504465028.cer"

    assert issued.trust.environment_of(read(path.read_bytes())) is Environment.PRODUCTION
