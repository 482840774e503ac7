import base64
import hashlib
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from satcfdi.create.cancela import cancelacion as oracle
from satcfdi.models import Signer as OracleSigner

from timbra.cfdi.cancellation import (
    Acuse,
    AcuseFolio,
    Cancellation,
    CancellationRefused,
    build_acuse,
    read_acuse,
    request,
    verify,
)
from timbra.cfdi.certificate import CertificateFacts, read
from timbra.credentials.signer import RsaSigner
from timbra.pac.sandbox.authority import Issued, issue_csd, make_authority

OCTOBER_2026_MS = 1_791_504_000_000
UUID = "5fb2822e-396d-4725-8521-cdc4bdd20ccf"
OTHER_UUID = "0a0a1b1b-2c2c-4d3d-8e4e-5f5f6a6a7b7b"
ASKED = Cancellation(rfc="H&E951128469", requested_at=datetime(2026, 10, 9, 12, 30, 5), uuid=UUID, motive="02")
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def csd() -> Issued:
    authority = make_authority(serial="30009000000000000001", at_ms=OCTOBER_2026_MS)
    return issue_csd(
        authority, rfc="H&E951128469", name="HERRERÍA & CO", serial="30009000000000000002", at_ms=OCTOBER_2026_MS
    )


@pytest.fixture(scope="module")
def certificate(csd: Issued) -> CertificateFacts:
    return read(csd.certificate)


@pytest.fixture(scope="module")
def signer(csd: Issued) -> RsaSigner:
    return RsaSigner(csd.key)


@pytest.fixture(scope="module")
def signed(certificate: CertificateFacts, signer: RsaSigner) -> bytes:
    return request(ASKED, certificate=certificate, signer=signer)


def text_of(xml: bytes, name: str) -> str:
    return etree.fromstring(xml).findtext(f".//{DS}{name}")


def test_request_says_what_is_asked(signed: bytes):
    root = etree.fromstring(signed)

    assert root.tag == "{http://cancelacfd.sat.gob.mx}Cancelacion"
    assert dict(root.attrib) == {"Fecha": "2026-10-09T12:30:05", "RfcEmisor": "H&E951128469"}
    assert dict(root[0][0].attrib) == {"UUID": UUID, "Motivo": "02"}
    assert text_of(signed, "X509SerialNumber") == "30009000000000000002"
    assert text_of(signed, "X509IssuerName").startswith("C=MX,OU=SANDBOX,")


def test_digest_and_signature_are_those_of_the_canonical_form_written_by_hand(
    signed: bytes, certificate: CertificateFacts, tmp_path: Path
):
    prefixes = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    document = (
        f'<Cancelacion xmlns="http://cancelacfd.sat.gob.mx" {prefixes} Fecha="2026-10-09T12:30:05"'
        f' RfcEmisor="H&amp;E951128469"><Folios><Folio Motivo="02" UUID="{UUID}"></Folio></Folios></Cancelacion>'
    )
    digest = base64.b64encode(hashlib.sha1(document.encode()).digest()).decode()
    signed_info = (
        f'<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#" {prefixes}>'
        '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></CanonicalizationMethod>'
        '<SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"></SignatureMethod>'
        '<Reference URI=""><Transforms>'
        '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform></Transforms>'
        '<DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
    )

    assert text_of(signed, "DigestValue") == digest

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    public = certificate.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    (tmp_path / "signature").write_bytes(base64.b64decode(text_of(signed, "SignatureValue")))
    (tmp_path / "data").write_text(signed_info)
    answer = subprocess.run(
        ["openssl", "dgst", "-sha1", "-verify", "public.pem", "-signature", "signature", "data"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "Verified OK\n"


@pytest.mark.filterwarnings("ignore:X509.get_:DeprecationWarning")  # the other implementation's habit
@pytest.mark.parametrize("substitution", [None, OTHER_UUID])
def test_agrees_with_another_implementation(
    csd: Issued, certificate: CertificateFacts, signer: RsaSigner, substitution: str | None
):
    motive = "01" if substitution else "03"
    asked = Cancellation(ASKED.rfc, ASKED.requested_at, UUID, motive, substitution)
    other = OracleSigner.load(certificate=csd.certificate, key=csd.encrypted_key("x"), password="x")
    theirs = etree.tostring(
        oracle.Cancelacion(other, oracle.Folio(UUID, motive, substitution), ASKED.requested_at).to_xml()
    )

    ours = request(asked, certificate=certificate, signer=signer)

    assert text_of(ours, "DigestValue") == text_of(theirs, "DigestValue")
    assert "".join(text_of(ours, "SignatureValue").split()) == "".join(text_of(theirs, "SignatureValue").split())
    assert verify(theirs) == verify(ours)


@pytest.mark.parametrize("substitution", [None, OTHER_UUID])
def test_verify_gives_back_the_request_and_its_certificate(
    certificate: CertificateFacts, signer: RsaSigner, substitution: str | None
):
    asked = Cancellation(ASKED.rfc, ASKED.requested_at, UUID, "01" if substitution else "02", substitution)

    found, signed_by = verify(request(asked, certificate=certificate, signer=signer))

    assert found == asked
    assert signed_by.der == certificate.der


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'Motivo="02"', b'Motivo="03"', "changed after"),
        (b"2026-10-09T12:30:05", b"2026-10-09T12:30:06", "changed after"),
        (b"<Folios>", b"<Folios> ", "changed after"),
        (b"#rsa-sha1", b"#rsa-sha256", "algorithms"),
        (b'Reference URI=""', b'Reference URI="#x"', "algorithms"),
        (b"<Folios>", b'<Folios><Folio UUID="x"/>', "2 documents"),
        (b"Cancelacion", b"Cancelada", "root"),
        (b"<X509Certificate>", b"<X509Certificate>AAAA", "certificate"),
        (b"<X509Certificate>", b"<X509Certificate>%", "base64"),
        (b"<Cancelacion", b"<!DOCTYPE x><Cancelacion", "document type"),
        (b"</Cancelacion>", b"", "well-formed"),
    ],
)
def test_verify_refuses_what_was_changed(signed: bytes, old: bytes, new: bytes, message: str):
    assert old in signed

    with pytest.raises(CancellationRefused, match=message):
        verify(signed.replace(old, new))


def test_verify_refuses_every_flipped_byte_of_the_signature_value(signed: bytes):
    start = signed.index(b"<SignatureValue>") + len(b"<SignatureValue>")
    for at in range(start, start + 300, 37):
        flipped = bytearray(signed)
        flipped[at] = ord("A") if flipped[at] != ord("A") else ord("B")
        with pytest.raises(CancellationRefused, match="does not verify"):
            verify(bytes(flipped))


def test_verify_refuses_a_moved_or_missing_signature(signed: bytes):
    start, end = signed.index(b"<Signature "), signed.index(b"</Signature>") + len(b"</Signature>")
    signature, rest = signed[start:end], signed[:start] + signed[end:]
    wrapped = rest.replace(b"</Folios>", signature + b"</Folios>")

    for forged in (rest, wrapped, signed.replace(b"</Cancelacion>", signature + b"</Cancelacion>")):
        with pytest.raises(CancellationRefused, match="one signature"):
            verify(forged)


def test_verify_refuses_a_certificate_of_another_rfc(certificate: CertificateFacts, signer: RsaSigner):
    asked = Cancellation("EKU9003173C9", ASKED.requested_at, UUID, "02")

    with pytest.raises(CancellationRefused, match="another RFC"):
        verify(request(asked, certificate=certificate, signer=signer))


@pytest.mark.parametrize(("motive", "substitution"), [("01", None), ("02", OTHER_UUID), ("05", None), ("", None)])
def test_an_impossible_cancellation_cannot_be_made(motive: str, substitution: str | None):
    with pytest.raises(ValueError, match="motive"):
        Cancellation(ASKED.rfc, ASKED.requested_at, UUID, motive, substitution)


def test_acuse_is_read_back(certificate: CertificateFacts, signer: RsaSigner):
    acuse = Acuse("H&E951128469", datetime(2026, 10, 9, 12, 31, 0), (AcuseFolio(UUID, "201"),))

    xml = build_acuse(acuse, certificate=certificate, signer=signer)

    assert read_acuse(xml) == acuse
    assert etree.fromstring(xml).tag == "Acuse"
    assert etree.fromstring(xml).find(f"{DS}Signature").get("Id") == "SelloSAT"


def test_reads_an_acuse_in_the_form_of_sat():
    xml = f"""<?xml version="1.0" encoding="utf-8"?>
    <Acuse xmlns="http://cancelacfd.sat.gob.mx" Fecha="2020-01-13T14:11:05.3366563" RfcEmisor="EKU9003173C9">
      <Folios><UUID>{UUID.upper()}</UUID><EstatusUUID>202</EstatusUUID></Folios>
      <Signature Id="SelloSAT" xmlns="http://www.w3.org/2000/09/xmldsig#"/>
    </Acuse>""".encode()

    acuse = read_acuse(xml)

    assert acuse.rfc == "EKU9003173C9"
    assert acuse.at == datetime(2020, 1, 13, 14, 11, 5, 336656)
    assert acuse.folios == (AcuseFolio(UUID.upper(), "202"),)


@pytest.mark.parametrize(
    "xml",
    [b"", b"<Acuse/>", b"<Otro/>", b"<Acuse><Folios/></Acuse>", b'<Acuse Fecha="ayer"><Folios/></Acuse>', b"<Acuse"],
)
def test_refuses_what_is_no_acuse(xml: bytes):
    with pytest.raises(CancellationRefused):
        read_acuse(xml)
