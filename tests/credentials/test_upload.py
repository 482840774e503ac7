from pathlib import Path

import pytest

from factories.csds import OCTOBER_2026_MS, PASSWORD, RFC, IssuedCsds
from timbra.credentials.trust import Environment
from timbra.credentials.upload import CheckedCsd, check
from timbra.http.errors import ApiError
from timbra.pac.sandbox.authority import issue_csd, make_authority

DAY_MS = 86_400_000


def checked(issued: IssuedCsds, **change) -> CheckedCsd:
    """The first CSD uploaded to the test slot of its team, with something changed."""
    given = {
        "cert": issued.first.certificate,
        "key": issued.first.encrypted_key(PASSWORD),
        "password": PASSWORD,
        "trust": issued.trust,
        "livemode": False,
        "allow_test_in_live": False,
        "team_rfc": RFC,
        "now_ms": OCTOBER_2026_MS + DAY_MS,
    } | change
    return check(given.pop("cert"), given.pop("key"), given.pop("password"), **given)


def refusal(issued: IssuedCsds, **change) -> ApiError:
    with pytest.raises(ApiError) as refused:
        checked(issued, **change)
    return refused.value


def test_accepts_a_sandbox_csd_in_the_test_slot(issued: IssuedCsds):
    csd = checked(issued)

    assert csd.certificate.rfc == RFC
    assert csd.environment is Environment.SANDBOX
    assert csd.plain_key == issued.first.key
    assert "plain_key" not in repr(csd)


def test_one_line_end_after_the_password_is_dropped(issued: IssuedCsds):
    assert checked(issued, password=PASSWORD + "\n")
    assert checked(issued, password=PASSWORD + "\r\n")
    assert refusal(issued, password=PASSWORD + "\n\n").code == "invalid_field_value"
    assert refusal(issued, password=PASSWORD + " ").code == "invalid_field_value"


def test_a_team_without_rfc_takes_any(issued: IssuedCsds):
    assert checked(issued, team_rfc=None).certificate.rfc == RFC


def test_each_refusal_has_the_code_and_the_part_of_the_contract(issued: IssuedCsds):
    first = issued.first
    cases = [
        ({"cert": b""}, "file_upload_error", "cert", 400),
        ({"key": b""}, "file_upload_error", "key", 400),
        ({"cert": b"x" * 65_537}, "file_upload_error", "cert", 413),
        ({"key": b"x" * 65_537}, "file_upload_error", "key", 413),
        ({"cert": b"hello"}, "invalid_file_format", "cert", 400),
        ({"key": b"hello"}, "invalid_file_format", "key", 400),
        ({"key": first.key}, "invalid_file_format", "key", 400),
        ({"key": first.certificate}, "invalid_file_format", "key", 400),
        ({"cert": first.encrypted_key(PASSWORD)}, "invalid_file_format", "cert", 400),
        ({"cert": issued.authority.certificate}, "invalid_file_format", "cert", 400),
        ({"password": "wrong"}, "invalid_field_value", "keyPass", 400),
        ({"cert": issued.second.certificate}, "invalid_field_value", "key", 400),
    ]
    for change, code, part, status in cases:
        error = refusal(issued, **change)
        assert (error.code, [problem.path for problem in error.fields], error.status) == (code, [part], status)


def test_refuses_what_business_rules_forbid(issued: IssuedCsds):
    five_years_ms = 5 * 366 * DAY_MS
    stranger = make_authority(serial="30009000000000000008", at_ms=OCTOBER_2026_MS)
    foreign = issue_csd(stranger, rfc=RFC, name="X", serial="30009000000000000009", at_ms=OCTOBER_2026_MS)
    cases = [
        ({"now_ms": OCTOBER_2026_MS + five_years_ms}, "has expired"),
        ({"now_ms": OCTOBER_2026_MS - 1}, "not valid yet"),
        ({"team_rfc": "EKU9003173C9"}, "belongs to HAÑ930228SM9"),
        ({"livemode": True}, "sandbox cannot be used in live"),
        ({"livemode": True, "allow_test_in_live": True}, "sandbox cannot be used in live"),
        ({"cert": foreign.certificate, "key": foreign.encrypted_key(PASSWORD)}, "neither by SAT"),
    ]
    for change, message in cases:
        error = refusal(issued, **change)
        assert error.code == "business_rule_violation"
        assert message in error.message


def test_swapped_files_are_named_as_such(issued: IssuedCsds):
    error = refusal(issued, cert=issued.first.encrypted_key(PASSWORD), key=issued.first.certificate)

    assert "swapped" in error.message


def test_public_csd_of_sat_goes_to_the_test_slot_and_to_live_only_when_allowed(issued: IssuedCsds, sat_samples: Path):
    file = sat_samples / "csd" / "valid-2027" / "csd" / "EKU9003173C9"
    public = {
        "cert": file.with_suffix(".cer").read_bytes(),
        "key": file.with_suffix(".key").read_bytes(),
        "password": "12345678a",
        "team_rfc": "EKU9003173C9",
    }

    assert checked(issued, **public).environment is Environment.TEST
    assert checked(issued, **public, livemode=True, allow_test_in_live=True).environment is Environment.TEST
    assert "test certificate of SAT" in refusal(issued, **public, livemode=True).message


def test_a_fiel_is_refused_as_such(issued: IssuedCsds, sat_samples: Path):
    file = sat_samples / "csd" / "valid-2027" / "fiel" / "EKU9003173C9"

    error = refusal(
        issued,
        cert=file.with_suffix(".cer").read_bytes(),
        key=file.with_suffix(".key").read_bytes(),
        password="12345678a",
    )

    assert error.code == "invalid_file_format"
    assert "FIEL" in error.message
