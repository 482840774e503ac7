import csv
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from factories import cfdi_xml
from timbra.catalogs.load import SatData
from timbra.catalogs.wheels import locate
from timbra.cfdi.parse import parse
from timbra.cfdi.schema import MAX_FINDINGS, XS, code_pattern, target_namespace, thin, wrapper

SHORT = f"""<xs:schema xmlns:xs="{XS}" targetNamespace="urn:x"><xs:simpleType name="c_Few"><xs:restriction base="xs:string">
<xs:enumeration value="A"/></xs:restriction></xs:simpleType></xs:schema>"""


def long_schema(codes: list[str]) -> bytes:
    listed = "".join(f'<xs:enumeration value="{code}"/>' for code in codes)
    return f"""<xs:schema xmlns:xs="{XS}"><xs:simpleType name="c_Many"><xs:restriction base="xs:string">
    <xs:whiteSpace value="collapse"/>{listed}</xs:restriction></xs:simpleType><xs:element name="e" type="c_Many"/></xs:schema>""".encode()


def test_a_long_list_becomes_a_pattern_and_its_codes_are_handed_out() -> None:
    codes = [f"{number:04}" for number in range(601)]

    thinned = thin(long_schema(codes))

    assert thinned.codes == {"c_Many": tuple(codes)}
    assert b"enumeration" not in thinned.xsd
    assert b'<xs:pattern value="[0-9]{4,4}"/>' in thinned.xsd
    assert b'<xs:whiteSpace value="collapse"/>' in thinned.xsd
    schema = etree.XMLSchema(etree.fromstring(thinned.xsd))
    assert schema.validate(etree.fromstring("<e> 9999 </e>"))
    assert not schema.validate(etree.fromstring("<e>999</e>"))


def test_a_list_of_600_stays() -> None:
    assert thin(long_schema([f"{number:04}" for number in range(600)])).codes == {}


@given(st.sets(st.text("Aa09-]^\\. |é", min_size=1, max_size=8).map(str.strip).filter(bool), min_size=1, max_size=30))
def test_every_code_matches_the_pattern_made_of_it(codes: set[str]) -> None:
    xsd = f"""<xs:schema xmlns:xs="{XS}"><xs:element name="e"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern/>
    </xs:restriction></xs:simpleType></xs:element></xs:schema>"""
    root = etree.fromstring(xsd)
    root.find(f".//{{{XS}}}pattern").set("value", code_pattern(tuple(codes)))
    schema = etree.XMLSchema(root)

    for code in codes:
        element = etree.Element("e")
        element.text = code
        assert schema.validate(element), code


def test_target_namespace() -> None:
    assert target_namespace(SHORT.encode()) == "urn:x"
    assert target_namespace(long_schema(["A"])) is None


@pytest.mark.parametrize(
    "xml",
    [
        cfdi_xml.sealed(cfdi_xml.income()),
        cfdi_xml.sealed(cfdi_xml.payment()),
        cfdi_xml.sealed(cfdi_xml.income(lines=cfdi_xml.LINE + cfdi_xml.RICH_LINE.format(extra=cfdi_xml.PETROL))),
        cfdi_xml.sealed(cfdi_xml.retention()),
        cfdi_xml.stamped(cfdi_xml.sealed(cfdi_xml.income())),
        cfdi_xml.sealed(cfdi_xml.income(complements=cfdi_xml.LOCAL)),
        cfdi_xml.income(
            complements=cfdi_xml.LEGENDS, addenda='<cfdi:Addenda><x:y xmlns:x="urn:x" z="1"/></cfdi:Addenda>'
        ),
    ],
    ids=["income", "payment", "line complement", "retention", "stamped", "local taxes", "legends and addenda"],
)
def test_good_documents_are_valid(xml: bytes, sat_data: SatData) -> None:
    assert sat_data.schemas.validate(parse(xml, limit=cfdi_xml.LIMIT)) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (('Moneda="MXN"', 'Moneda="MXX"'), "attribute 'Moneda'"),
        (('ClaveProdServ="84111506"', 'ClaveProdServ="8411150"'), "attribute 'ClaveProdServ'"),
        (('LugarExpedicion="42501"', 'LugarExpedicion="4250"'), "attribute 'LugarExpedicion'"),
        (('ClaveUnidad="E48"', 'ClaveUnidad="ñ"'), "attribute 'ClaveUnidad'"),
        ((' Total="116.00"', ""), "The attribute 'Total' is required"),
        (("cfdi:Emisor", "cfdi:Otro"), "This element is not expected"),
        (("</cfdi:Comprobante>", "<cfdi:Complemento><x/></cfdi:Complemento></cfdi:Comprobante>"), "strict wildcard"),
    ],
)
def test_findings_name_what_is_wrong(change: tuple[str, str], finding: str, sat_data: SatData) -> None:
    xml = cfdi_xml.income().decode().replace(*change).encode()

    assert finding in sat_data.schemas.validate(parse(xml, limit=cfdi_xml.LIMIT))[0]


def test_findings_are_at_most_fifty(sat_data: SatData) -> None:
    xml = cfdi_xml.income(lines=cfdi_xml.LINE.replace('Importe="16"', 'Importe="x"') * 80)

    assert len(sat_data.schemas.validate(parse(xml, limit=cfdi_xml.LIMIT))) == MAX_FINDINGS == 50


def test_threads_do_not_mix_their_findings(sat_data: SatData) -> None:
    def first_finding(number: int) -> bool:
        xml = cfdi_xml.income().replace(b'Moneda="MXN"', f'Moneda="M{number:02}"'.encode())
        (finding, *_) = sat_data.schemas.validate(parse(xml, limit=cfdi_xml.LIMIT))
        return f"'M{number:02}'" in finding and sat_data.schemas.validate(good) == []

    good = parse(cfdi_xml.sealed(cfdi_xml.income()), limit=cfdi_xml.LIMIT)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(first_finding, range(100)))


def test_verdicts_on_public_samples_equal_those_of_the_full_schemas(sat_samples: Path, sat_data: SatData) -> None:
    full = etree.XMLSchema(etree.fromstring(wrapper(_full_locations())))
    verdicts = {}
    for row in csv.DictReader((sat_samples / "samples/index.csv").read_text().splitlines()):
        root = parse((sat_samples / "samples" / row["file"]).read_bytes(), limit=cfdi_xml.LIMIT)
        thin_verdict = sat_data.schemas.validate(root) == []
        assert thin_verdict == (row["xsd_valid"] == "True") or "addenda" in row["shows"], row["file"]
        verdicts[row["file"]] = (thin_verdict, full.validate(root))

    assert {name for name, (thin_one, full_one) in verdicts.items() if thin_one != full_one} == {"I_addenda_mabe.xml"}
    assert len(verdicts) == 24


def _full_locations() -> dict[str, str]:
    known = re.compile("(cfd/4/cfdv40|Pagos20|implocal|TimbreFiscalDigitalv11|2/retencionpagov2|dividendos)\\.xsd$")
    paths = [path for path in locate().schemas() if known.search(str(path))]
    return {target_namespace(path.read_bytes()) or "": str(path) for path in paths}
