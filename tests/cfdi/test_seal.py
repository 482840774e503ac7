"""Seals: made, verified by the engine and by the openssl program, and judged on documents of others."""

import base64
import csv
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from factories import cfdi_xml, sealing
from factories.cfdi_invoice import invoice, line
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena
from timbra.cfdi.build import CertificateText, Draft, build
from timbra.cfdi.certificate import CredentialRefused
from timbra.cfdi.parse import parse
from timbra.cfdi.seal import KeyMismatch, Sealed, Verdict, seal, verify
from timbra.cfdi.totals import compute

LIMIT = 1 << 22


def draft(certificate: CertificateText | None = None) -> Draft:
    made = invoice(folio=1, lines=(line(description="Ñandú & <té>"),))
    return build(made, compute(made.lines, decimals=2), certificate or sealing.certificate_text())


def sealed() -> Sealed:
    return seal(draft(), sealing.signer())


def verdict(xml: bytes) -> Verdict:
    return verify(parse(xml, limit=LIMIT), cadena.of)


def test_seal_stands_between_head_and_tail() -> None:
    made, document = draft(), sealed()

    assert document.xml.decode() == made.head + document.sello + made.tail
    assert document.cadena == made.cadena
    assert parse(document.xml, limit=LIMIT).get("Sello") == document.sello


def test_equal_documents_have_equal_bytes() -> None:
    assert sealed() == sealed()


def test_seal_is_the_signature_of_the_cadena_by_openssl(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    document = sealed()
    key = sealing.signer().key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(key)
    (tmp_path / "seal.bin").write_bytes(base64.b64decode(document.sello))
    (tmp_path / "cadena.txt").write_bytes(document.cadena.encode())

    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "seal.bin", "cadena.txt"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout == "Verified OK\n"


def test_key_of_another_certificate_seals_nothing() -> None:
    stranger = sealing.KeySigner(generate_private_key(65537, 2048))

    with pytest.raises(KeyMismatch):
        seal(draft(), stranger)


@pytest.mark.parametrize("base64_text", ["", "AAAA", "no base64", "ñ"])
def test_broken_certificate_seals_nothing(base64_text: str) -> None:
    with pytest.raises(CredentialRefused):
        seal(draft(CertificateText("30001000000500003416", base64_text)), sealing.signer())


def test_own_document_verifies() -> None:
    assert verdict(sealed().xml) is Verdict.VALID


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b'Total="3480.00"', b'Total="3480.01"', Verdict.INVALID),
        (b'Descripcion="', b'Descripcion=" ', Verdict.VALID),
        (b'Sello="', b'Sello="A', Verdict.INVALID),
        (b'Sello="', b'Sello="\xc3\xb1', Verdict.INVALID),
        (b'Sello="', b'Sello="  ', Verdict.VALID),
        (b'Sello="', b'Sello="" Otro="', Verdict.NO_SEAL),
        (b'Sello="', b'Otro="', Verdict.NO_SEAL),
        (b'Certificado="M', b'Certificado="" Otro="M', Verdict.NO_CERTIFICATE),
        (b' Certificado="M', b' Otro="M', Verdict.NO_CERTIFICATE),
        (b' Certificado="M', b' Certificado="N', Verdict.NO_CERTIFICATE),
    ],
)
def test_changed_document_gets_its_verdict(old: bytes, new: bytes, expected: Verdict) -> None:
    assert verdict(sealed().xml.replace(old, new, 1)) is expected


def test_retentions_have_seals_too() -> None:
    xml = cfdi_xml.sealed(cfdi_xml.retention())

    assert verdict(xml) is Verdict.VALID
    assert verdict(xml.replace(b'MontoTotRet="200.00"', b'MontoTotRet="200.01"')) is Verdict.INVALID


def test_public_samples_get_their_published_verdict(sat_samples: Path, sat_data: SatData) -> None:
    cadena_of = partial(cadena.of, stylesheets=sat_data.stylesheets)
    rows = [
        row
        for row in csv.DictReader((sat_samples / "samples/index.csv").read_text().splitlines())
        if row["seal_verifies"]
    ]
    for row in rows:
        root: etree._Element = parse((sat_samples / "samples" / row["file"]).read_bytes(), limit=LIMIT)
        assert (verify(root, cadena_of) is Verdict.VALID) == (row["seal_verifies"] == "True"), row["file"]
    assert len(rows) >= 10
