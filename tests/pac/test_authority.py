import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import NameOID

from timbra.cfdi.certificate import Kind, issued_by, read
from timbra.cfdi.private_key import matches, open_key
from timbra.pac.sandbox.authority import Issued, issue_csd, issue_pac, make_authority

OCTOBER_2026_MS = 1_791_504_000_000


@pytest.fixture(scope="module")
def authority() -> Issued:
    return make_authority(serial="30009000000000000001", at_ms=OCTOBER_2026_MS)


@pytest.mark.parametrize(
    ("rfc", "name"),
    [
        ("HAÑ930228SM9", "HERRERÍA Y ALUMINIO ÑANDÚ"),
        ("H&E951128469", "HERRERIA & ELECTRICOS"),
        ("EKU9003173C9", "Ñ" * 300),
        ("CACX7605101P8", "X"),
    ],
)
def test_issues_a_csd_for_any_rfc_and_name(authority: Issued, rfc: str, name: str):
    issued = issue_csd(authority, rfc=rfc, name=name, serial="30009000000000000002", at_ms=OCTOBER_2026_MS)

    facts = read(issued.certificate)
    assert (facts.rfc, facts.name, facts.number) == (rfc, name, "30009000000000000002")
    assert facts.kind is Kind.CSD
    assert facts.curp is None
    assert issued_by(facts, [read(authority.certificate)]) is not None
    assert matches(facts, open_key(issued.encrypted_key("secreta"), "secreta"))


def test_everything_it_signs_names_the_sandbox_as_issuer(authority: Issued):
    pac = read(issue_pac(authority, serial="30009000000000000003", at_ms=OCTOBER_2026_MS).certificate)

    assert "SANDBOX" in pac.issuer
    assert pac.name == "SANDBOX PAC SIN VALIDEZ FISCAL"
    assert pac.rfc == "SPR190613I52"
    assert pac.in_force(OCTOBER_2026_MS)
    assert not pac.in_force(OCTOBER_2026_MS - 1000)


def test_certificates_look_like_sats(authority: Issued):
    issued = issue_csd(authority, rfc="EKU9003173C9", name="X", serial="30009000000000000002", at_ms=OCTOBER_2026_MS)

    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert certificate.serial_number.to_bytes(20) == b"30009000000000000002"
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value == "SANDBOX"
    assert certificate.subject.get_attributes_for_oid(NameOID.X500_UNIQUE_IDENTIFIER)[0].value == "EKU9003173C9"
    assert certificate.public_key().key_size == 2048


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_accepts_the_chain(authority: Issued, tmp_path: Path):
    issued = issue_csd(authority, rfc="EKU9003173C9", name="X", serial="30009000000000000002", at_ms=OCTOBER_2026_MS)
    for name, certificate in (("ca", authority.certificate), ("csd", issued.certificate)):
        pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
        (tmp_path / name).write_bytes(pem)

    answer = subprocess.run(
        ["openssl", "verify", "-no_check_time", "-CAfile", tmp_path / "ca", tmp_path / "csd"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout.strip().endswith("OK"), answer.stderr


@pytest.mark.parametrize("serial", ["", "123", "3000900000000000000X", "²0009000000000000001"])
def test_refuses_a_serial_that_is_not_20_digits(serial: str):
    with pytest.raises(ValueError, match="20 digits"):
        make_authority(serial=serial, at_ms=OCTOBER_2026_MS)
