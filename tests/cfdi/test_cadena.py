import csv
from pathlib import Path

import pytest
from lxml import etree

from factories import cfdi_xml
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena
from timbra.cfdi.parse import parse


def root_of(xml: bytes) -> etree._Element:
    return parse(xml, limit=cfdi_xml.LIMIT)


def by_stylesheet(root: etree._Element, sat_data: SatData) -> str:
    stylesheet = sat_data.stylesheets(root.tag)
    assert stylesheet is not None
    return str(stylesheet(root))


def test_cadena_of_an_income_document_is_its_attributes_in_order() -> None:
    assert cadena.of(root_of(cfdi_xml.income())) == (
        "||4.0|A|7|2026-03-10T05:59:00|03|00001000000500000001|100.00|MXN|116.00|I|01|PUE|42501|EKU9003173C9|"
        "ESCUELA KEMPER URGATE|601|URE180429TM6|UNIVERSIDAD ROBOTICA ESPAÑOLA|86991|601|G03|84111506|2|E48|"
        "Café de olla & té|50|100|02|100|002|Tasa|0.160000|16|100.00|002|Tasa|0.160000|16.00|16.00||"
    )


@pytest.mark.parametrize(
    "xml",
    [
        cfdi_xml.income(),
        cfdi_xml.rich(),
        cfdi_xml.payment(),
        cfdi_xml.retention(),
        cfdi_xml.retention(foreign=True),
        cfdi_xml.income(lines=cfdi_xml.LINE.replace("Café  de\tolla", "&#10; \u00a0uno&#9; &#13;dos ")),
        cfdi_xml.income(lines=cfdi_xml.LINE.replace(' Cantidad="2"', "")),
        cfdi_xml.income(lines=cfdi_xml.LINE.replace("Café  de\tolla", "  ")),
        cfdi_xml.income(attributes=' CondicionesDePago=""'),
    ],
    ids=["income", "rich", "payment", "retention", "foreign retention", "white space", "absent", "blank", "empty"],
)
def test_table_says_what_the_stylesheet_says(xml: bytes, sat_data: SatData) -> None:
    root = root_of(xml)

    assert cadena.of(root) == by_stylesheet(root, sat_data)


def test_no_break_space_is_kept() -> None:
    root = root_of(cfdi_xml.income(lines=cfdi_xml.LINE.replace("Café  de\tolla", "a \u00a0 b")))

    assert "|a \u00a0 b & té|" in cadena.of(root)


@pytest.mark.parametrize(
    "xml",
    [
        cfdi_xml.income(complements=cfdi_xml.LEGENDS),
        cfdi_xml.income(lines=cfdi_xml.RICH_LINE.format(extra=cfdi_xml.LEGENDS)),
    ],
)
def test_a_complement_outside_the_table_goes_to_the_stylesheet(xml: bytes, sat_data: SatData) -> None:
    root = root_of(xml)

    with pytest.raises(cadena.CadenaUnknown):
        cadena.of(root)
    text = cadena.of(root, sat_data.stylesheets)
    assert text == by_stylesheet(root, sat_data)
    assert "|RESDERAUTH|" in text


def test_a_foreign_root_has_no_cadena(sat_data: SatData) -> None:
    with pytest.raises(cadena.CadenaUnknown):
        cadena.of(root_of(b"<a/>"), sat_data.stylesheets)


def test_the_timbre_is_no_part_of_the_cadena() -> None:
    sealed = cfdi_xml.sealed(cfdi_xml.income())

    assert cadena.of(root_of(cfdi_xml.stamped(sealed))) == cadena.of(root_of(sealed))


@pytest.mark.parametrize(("leyenda", "between"), [("", ""), (' Leyenda="  Sin  costo "', "Sin costo|")])
def test_cadena_of_a_timbre(leyenda: str, between: str) -> None:
    timbre = root_of(
        f"""<t:TimbreFiscalDigital xmlns:t="{cadena.TFD}" Version="1.1" UUID="U" FechaTimbrado="F" RfcProvCertif="R"{leyenda}
        SelloCFD="S=" NoCertificadoSAT="N" SelloSAT="X"/>""".encode()
    )

    assert cadena.of_timbre(timbre) == f"||1.1|U|F|R|{between}S=|N||"


def test_public_samples_have_equal_cadenas_by_table_and_stylesheet(sat_samples: Path, sat_data: SatData) -> None:
    rows = list(csv.DictReader((sat_samples / "samples/index.csv").read_text().splitlines()))
    for row in rows:
        root = root_of((sat_samples / "samples" / row["file"]).read_bytes())
        assert cadena.of(root, sat_data.stylesheets) == by_stylesheet(root, sat_data), row["file"]
    assert len(rows) == 24
