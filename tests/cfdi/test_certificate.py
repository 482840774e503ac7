import base64
import csv
import random
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from timbra.cfdi.certificate import CredentialRefused, Kind, Reason, issued_by, read
from timbra.cfdi.private_key import matches, open_key
from timbra.pac.sandbox.authority import Issued, issue_csd, make_authority

OCTOBER_2026_MS = 1_791_504_000_000
PASSWORD = "12345678a"


@pytest.fixture(scope="module")
def authority() -> Issued:
    return make_authority(serial="30009000000000000001", at_ms=OCTOBER_2026_MS)


@pytest.fixture(scope="module")
def csd(authority: Issued) -> Issued:
    return issue_csd(
        authority,
        rfc="HAÑ930228SM9",
        name="HERRERÍA & ELÉCTRICOS ÑANDÚ",
        serial="30009000000000000002",
        at_ms=OCTOBER_2026_MS,
        curp="VADA800927HSRSRL05",
    )


@pytest.fixture(scope="module")
def key_file(csd: Issued) -> bytes:
    return csd.encrypted_key(PASSWORD)


def reason_of(function, *args) -> Reason:
    with pytest.raises(CredentialRefused) as refused:
        function(*args)
    return refused.value.reason


def pem(label: str, der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def test_reads_every_public_pair_of_sat(sat_samples: Path):
    folder = sat_samples / "csd"
    authorities = [read(path.read_bytes()) for path in sorted((folder / "ca").glob("*/*.cer"))]
    rows = list(csv.DictReader((folder / "index.csv").read_text(encoding="utf-8").splitlines()))

    for row in rows:
        file = folder / row["set"] / row["kind"] / row["rfc"]
        facts = read(file.with_suffix(".cer").read_bytes())
        key = open_key(file.with_suffix(".key").read_bytes(), PASSWORD)

        assert facts.rfc == row["rfc"]
        assert facts.number == row["no_certificado"]
        assert facts.name == row["legal_name"].strip()
        assert facts.kind == row["kind"].upper()
        assert matches(facts, key)
        assert issued_by(facts, authorities) is not None
    assert len(rows) == 62


def test_reads_what_an_issued_certificate_says(csd: Issued):
    facts = read(csd.certificate)

    assert facts.rfc == "HAÑ930228SM9"
    assert facts.name == "HERRERÍA & ELÉCTRICOS ÑANDÚ"
    assert facts.curp == "VADA800927HSRSRL05"
    assert facts.number == "30009000000000000002"
    assert facts.kind is Kind.CSD
    assert facts.not_before_ms == OCTOBER_2026_MS
    assert facts.not_after_ms == 1_917_734_400_000  # four years, one of them of 366 days
    assert "SIN VALIDEZ FISCAL" in facts.issuer
    assert "BEGIN" not in repr(facts)
    assert "der=" not in repr(facts)


def test_reads_a_name_in_latin_1_inside_a_utf8_string(csd: Issued):
    latin = csd.certificate.replace("ÑANDÚ".encode(), b"\xd1AND\xdaXX")  # same length, no longer UTF-8

    assert read(latin).name.endswith("ÑANDÚXX")


def test_opens_key_and_matches_it(csd: Issued, key_file: bytes):
    facts = read(csd.certificate)

    plain = open_key(key_file, PASSWORD)

    assert matches(facts, plain)
    assert load_der_private_key(plain, None).private_numbers() == load_der_private_key(csd.key, None).private_numbers()


def test_accepts_pem_for_both(csd: Issued, key_file: bytes):
    facts = read(pem("CERTIFICATE", csd.certificate))

    assert facts.der == csd.certificate
    assert matches(facts, open_key(pem("ENCRYPTED PRIVATE KEY", key_file), PASSWORD))


def test_takes_the_password_literally(csd: Issued):
    assert open_key(csd.encrypted_key(" contraseña "), " contraseña ")
    assert reason_of(open_key, csd.encrypted_key(" contraseña "), "contraseña") is Reason.NOT_OPENED


def test_does_not_match_the_key_of_another(authority: Issued, csd: Issued):
    assert not matches(read(csd.certificate), authority.key)


def test_is_issued_by_its_authority_only(authority: Issued, csd: Issued):
    own = read(authority.certificate)
    other = read(make_authority(serial="30009000000000000009", at_ms=OCTOBER_2026_MS).certificate)

    assert issued_by(read(csd.certificate), [other, own]) is own
    assert issued_by(read(csd.certificate), [other]) is None


def test_refuses_with_the_reason(csd: Issued, key_file: bytes):
    elliptic = ec.generate_private_key(ec.SECP256R1())
    small = rsa.generate_private_key(65537, 1024)

    def encrypted(key) -> bytes:
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))

    assert reason_of(read, b"") is Reason.EMPTY
    assert reason_of(read, b"0" * (64 * 1024 + 1)) is Reason.TOO_LARGE
    assert reason_of(read, b"hello") is Reason.NOT_A_CERTIFICATE
    assert reason_of(read, b"-----BEGIN CERTIFICATE-----\n!!") is Reason.NOT_A_CERTIFICATE
    assert reason_of(read, key_file) is Reason.KEY_IN_PLACE_OF_CERTIFICATE
    assert reason_of(read, csd.key) is Reason.KEY_IN_PLACE_OF_CERTIFICATE
    assert reason_of(open_key, b"", PASSWORD) is Reason.EMPTY
    assert reason_of(open_key, b"hello", PASSWORD) is Reason.NOT_A_KEY
    assert reason_of(open_key, csd.certificate, PASSWORD) is Reason.CERTIFICATE_IN_PLACE_OF_KEY
    assert reason_of(open_key, csd.key, PASSWORD) is Reason.KEY_NOT_ENCRYPTED
    assert reason_of(open_key, pem("PRIVATE KEY", csd.key), PASSWORD) is Reason.KEY_NOT_ENCRYPTED
    assert reason_of(open_key, key_file, "wrong") is Reason.NOT_OPENED
    assert reason_of(open_key, key_file, "") is Reason.NOT_OPENED
    assert reason_of(open_key, encrypted(elliptic), "x") is Reason.NOT_RSA
    assert reason_of(open_key, encrypted(small), "x") is Reason.KEY_UNSUPPORTED


def test_refuses_a_key_with_a_million_and_one_iterations_at_once(key_file: bytes):
    iterations = bytes.fromhex("02020800")  # INTEGER 2048
    assert key_file.count(iterations) == 1
    swollen = bytearray(key_file.replace(iterations, bytes.fromhex("02030f4241")))  # INTEGER 1000001, one byte longer
    for at in (3, 5, 18, 20, 33):  # the lengths of the sequences around it
        swollen[at] += 1

    started = time.perf_counter()

    assert reason_of(open_key, bytes(swollen), PASSWORD) is Reason.TOO_MANY_ITERATIONS
    assert time.perf_counter() - started < 0.5


def test_a_damaged_key_inside_a_good_envelope_is_refused(csd: Issued):
    damaged = bytearray(csd.key)
    damaged[-40] ^= 1
    key = load_der_private_key(bytes(damaged), None, unsafe_skip_rsa_key_validation=True)
    file = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))

    assert reason_of(open_key, file, "x") is Reason.KEY_BROKEN
    assert key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) != csd.key


def mutated(file: bytes, chance: random.Random) -> bytes:
    data = bytearray(file)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(min(len(data), chance.choice((80, len(data)))))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.randrange(1, 9)]
            case _:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_500_mutated_files_are_read_or_refused_within_2_s(csd: Issued, key_file: bytes, seed: int):
    chance = random.Random(seed)

    for number in range(125):
        original, function = (key_file, open_key) if number % 2 else (csd.certificate, read)
        data = mutated(original, chance)
        if number % 10 == 9:
            data = pem("CERTIFICATE", data)
        started = time.process_time()
        try:
            result = function(data, PASSWORD) if function is open_key else function(data)
            if function is read:
                issued_by(result, [result])
                matches(result, csd.key)
        except CredentialRefused:
            pass
        assert time.process_time() - started < 2
