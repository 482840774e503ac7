import csv
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from factories import cfdi_xml
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena, certificate
from timbra.cfdi.rules import Finding, Level
from timbra.cfdi.verify import Check, Verdict, verify

SEALED = cfdi_xml.sealed(cfdi_xml.income())
STAMPED = cfdi_xml.stamped(SEALED)
VerdictOn = Callable[..., Verdict]
PACS = {certificate.read(cfdi_xml.pac().certificate).number: cfdi_xml.pac().certificate}


@pytest.fixture
def verdict_on(sat_data: SatData) -> VerdictOn:
    return lambda xml, pacs=PACS: verify(xml, sat_data, pac_certificates=pacs)


def test_a_stamped_document_is_valid(verdict_on: VerdictOn) -> None:
    verdict = verdict_on(STAMPED)

    assert (verdict.kind, verdict.uuid, verdict.schema) == ("CFDI 4.0", cfdi_xml.UUID, ())
    assert (verdict.seal, verdict.timbre) == (Check.VALID, Check.VALID)
    assert verdict.cadena.startswith("||4.0|A|7|2026-03-10T05:59:00|")
    assert verdict.findings == ()
    assert verdict.valid


def test_a_sealed_document_has_no_timbre(verdict_on: VerdictOn) -> None:
    verdict = verdict_on(SEALED)

    assert (verdict.seal, verdict.timbre, verdict.uuid) == (Check.VALID, Check.ABSENT, None)
    assert not verdict.valid


@pytest.mark.parametrize(
    ("old", "new", "seal", "timbre"),
    [
        ("ESCUELA KEMPER", "ESCUELA KEMPES", Check.INVALID, Check.VALID),
        ('Total="116.00"', 'Total="116.01"', Check.INVALID, Check.VALID),
        (cfdi_xml.UUID, cfdi_xml.UUID.replace("5", "6"), Check.VALID, Check.INVALID),
        ('Version="1.1"', 'Version="1.0"', Check.VALID, Check.INVALID),
        ('Rfc="EKU9003173C9"', 'Rfc="EKU9003173C8"', Check.WRONG_CERTIFICATE, Check.VALID),
        ('NoCertificado="3', 'NoCertificado="4', Check.WRONG_CERTIFICATE, Check.VALID),
        (' Certificado="MII', ' Certificado="MI', Check.WRONG_CERTIFICATE, Check.VALID),
        (' Certificado="MII', ' Certificado="ñ', Check.WRONG_CERTIFICATE, Check.VALID),
        ('SelloCFD="', 'SelloCFD="A', Check.VALID, Check.OTHER_SEAL),
        ('SelloSAT="', 'SelloSAT="ñ', Check.VALID, Check.INVALID),
        ('NoCertificadoSAT="3', 'NoCertificadoSAT="4', Check.VALID, Check.UNKNOWN_CERTIFICATE),
        (' Sello="', ' Otro="', Check.ABSENT, Check.OTHER_SEAL),
        (
            "<tfd:",
            '<tfd:TimbreFiscalDigital xmlns:tfd="http://www.sat.gob.mx/TimbreFiscalDigital"/><tfd:',
            Check.VALID,
            Check.SEVERAL,
        ),
    ],
)
def test_a_changed_document_is_found_out(old: str, new: str, seal: Check, timbre: Check, verdict_on: VerdictOn) -> None:
    text = STAMPED.decode()
    assert old in text

    verdict = verdict_on(text.replace(old, new, 1).encode())

    assert (verdict.seal, verdict.timbre) == (seal, timbre)


def test_a_broken_pac_certificate_is_no_proof(verdict_on: VerdictOn) -> None:
    assert verdict_on(STAMPED, dict.fromkeys(PACS, b"x")).timbre is Check.WRONG_CERTIFICATE


def test_a_timbre_of_an_unknown_pac_is_no_fault_of_the_document(verdict_on: VerdictOn) -> None:
    verdict = verdict_on(STAMPED, {})

    assert verdict.timbre is Check.UNKNOWN_CERTIFICATE
    assert verdict.valid


def test_schema_findings_are_reported(verdict_on: VerdictOn) -> None:
    (finding,) = verdict_on(STAMPED.replace(b'Moneda="MXN"', b'Moneda="MXX"')).schema

    assert "attribute 'Moneda'" in finding


def test_a_broken_rule_of_the_matrix_is_reported(verdict_on: VerdictOn) -> None:
    wrong_total = cfdi_xml.income().replace(b'Total="116.00"', b'Total="116.01"')

    verdict = verdict_on(cfdi_xml.stamped(cfdi_xml.sealed(wrong_total)))

    assert [finding.code for finding in verdict.findings] == ["CFDI40119"]
    assert (verdict.seal, verdict.timbre, verdict.valid) == (Check.VALID, Check.VALID, False)


def test_a_warning_is_no_fault(verdict_on: VerdictOn) -> None:
    warning = Finding("CFDI40143", "client.tax_id", "x", None, Level.WARN)

    assert replace(verdict_on(STAMPED), findings=(warning,)).valid


def test_seals_broken_over_lines_are_read(verdict_on: VerdictOn) -> None:
    wrapped = re.sub(r'(Sello(?:SAT)?="[^"]{76})', r"\1&#10; ", STAMPED.decode()).encode()

    assert verdict_on(wrapped).seal is Check.VALID


def test_a_retention_is_verified(verdict_on: VerdictOn) -> None:
    verdict = verdict_on(cfdi_xml.sealed(cfdi_xml.retention()))

    assert (verdict.kind, verdict.seal, verdict.schema) == ("Retenciones 2.0", Check.VALID, ())


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (b"", "the XML is not well-formed: line 0, column 0"),
        (b"<!DOCTYPE a><a/>", "the XML has a document type declaration"),
        (b"<a/>", "the document is neither a CFDI nor a retention"),
    ],
)
def test_what_cannot_be_read_is_refused(xml: bytes, reason: str, verdict_on: VerdictOn) -> None:
    verdict = verdict_on(xml)

    assert verdict.refused is not None
    assert reason.split(":", maxsplit=1)[0] in verdict.refused
    assert verdict == Verdict(refused=verdict.refused)
    assert not verdict.valid


def test_only_a_faultless_stamped_document_is_valid() -> None:
    good = Verdict(kind="CFDI 4.0", seal=Check.VALID, timbre=Check.VALID)

    assert good.valid
    assert not replace(good, schema=("x",)).valid
    assert not replace(good, seal=Check.INVALID).valid
    assert not replace(good, timbre=Check.ABSENT).valid


def test_mutated_documents_never_raise_nor_take_long(verdict_on: VerdictOn) -> None:
    chance = random.Random(4)
    marks = [b"<", b">", b'"', b"&", b"\x00", b"\xff", b"A", b"=", b" ", b"<!--", b"]]>", b"&#9;", b"0"]
    slowest = 0.0
    for _ in range(400):
        xml = bytearray(STAMPED)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(xml))
            xml[place : place + chance.choice([0, 1, 1, 40])] = chance.choice(marks)
        started = time.perf_counter()
        verdict_on(bytes(xml))
        slowest = max(slowest, time.perf_counter() - started)

    assert slowest < 2


def test_public_samples(sat_samples: Path, verdict_on: VerdictOn) -> None:
    pacs = {
        facts.number: facts.der
        for facts in (certificate.read(path.read_bytes()) for path in (sat_samples / "csd/pac").glob("*.cer"))
    }
    stamped = set()
    for row in csv.DictReader((sat_samples / "samples/index.csv").read_text().splitlines()):
        verdict = verdict_on((sat_samples / "samples" / row["file"]).read_bytes(), pacs)
        expected = {"True": Check.VALID, "False": Check.INVALID, "": Check.ABSENT}[row["seal_verifies"]]
        assert verdict.seal is expected, row["file"]
        assert (verdict.timbre is not Check.ABSENT) == (row["stamped"] == "True"), row["file"]
        if verdict.timbre is Check.VALID:
            stamped.add(row["file"])

    assert stamped == {"I_pue_real_stamped.xml", "I_pue_stamped_test_csd.xml", "I_finkok_stamped.xml"}


def test_a_document_of_another_version_is_not_held_to_this_schema(verdict_on: VerdictOn) -> None:
    old = STAMPED.replace(cadena.CFDI.encode(), b"http://www.sat.gob.mx/cfd/3")

    verdict = verdict_on(old)

    assert (verdict.kind, verdict.schema, verdict.seal) == ("CFDI 3", (), Check.INVALID)


def test_a_seal_over_an_unknown_cadena_is_not_checked(sat_data: SatData) -> None:
    nothing_known = replace(sat_data, stylesheets=lambda _: None)

    verdict = verify(cfdi_xml.income(complements=cfdi_xml.LEGENDS), nothing_known, pac_certificates={})

    assert (verdict.cadena, verdict.seal) == (None, Check.NOT_CHECKED)


def test_a_seal_without_issuer_is_nobodys(verdict_on: VerdictOn) -> None:
    assert verdict_on(STAMPED.replace(b"cfdi:Emisor", b"cfdi:Otro")).seal is Check.WRONG_CERTIFICATE
