import csv
import time
from pathlib import Path

import pytest
from lxml import etree

from factories import cfdi_xml
from timbra.cfdi.read import ReadCfdi, XmlRefused, parse, read_cfdi
from timbra.cfdi.read_values import ReadGlobal, ReadHydrocarbons, ReadLocalTax, ReadRelation, ReadTax, ReadThirdParty

LIMIT = cfdi_xml.LIMIT
GOOD = cfdi_xml.income()
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
BODY = GOOD[len(DECLARATION) :]


def read(xml: bytes) -> ReadCfdi:
    return read_cfdi(parse(xml, limit=LIMIT))


def entity_bomb(depth: int, width: int) -> bytes:
    rows = ['<!ENTITY e0 "lol">']
    rows += [f'<!ENTITY e{i} "{f"&e{i - 1};" * width}">' for i in range(1, depth)]
    return f"<!DOCTYPE a [{''.join(rows)}]><a>&e{depth - 1};</a>".encode()


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def declared(encoding: str) -> bytes:
    return GOOD.replace(b"UTF-8", encoding.encode(), 1)


DOCTYPES = {
    "empty doctype": b"<!DOCTYPE a><a/>",
    "external dtd": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "external dtd file": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "public dtd": b'<!DOCTYPE a PUBLIC "-//W3C//DTD" "http://127.0.0.1:9/x.dtd"><a/>',
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external entity by http": b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>',
    "unparsed entity": b'<!DOCTYPE a [<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "f" NDATA n>]><a/>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>',
    "entity in an attribute": b'<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>',
    "entity that names itself": b'<!DOCTYPE a [<!ENTITY x "&x;">]><a>&x;</a>',
    "two entities in a circle": b'<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>',
    "default attribute": b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
    "doctype before a CFDI": DECLARATION + b"<!DOCTYPE x>" + BODY,
    "doctype after a comment": b"<!-- x --><!DOCTYPE a><a/>",
    "doctype after an instruction": b"<?x y?><!DOCTYPE a><a/>",
    "doctype in UTF-16": "<!DOCTYPE a><a/>".encode("utf-16"),
    "doctype in UTF-16 without mark": "<!DOCTYPE a><a/>".encode("utf-16-le"),
    "doctype in UTF-32": "<!DOCTYPE a><a/>".encode("utf-32"),
    "billion laughs": entity_bomb(10, 10),
    "deep entity bomb": entity_bomb(40, 2),
    "wide entity bomb": entity_bomb(3, 5_000),
    "quadratic blow-up": b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 50_000 + b'">]><a>' + b"&x;" * 50_000 + b"</a>",
}
INCLUSIONS = {
    "XInclude": b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></a>',
    "XInclude by default namespace": b'<include xmlns="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:9/"/>',
    "XInclude in a CFDI": GOOD.replace(
        b"<cfdi:Emisor", b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="x"/><cfdi:Emisor'
    ),
}
DEEP = {f"depth {depth}": nested(depth) for depth in (65, 66, 100, 255, 256, 257, 2_000, 100_000)}
HUGE = {
    "larger than the limit": b"<a>" + b" " * LIMIT + b"</a>",
    "one endless tag": b"<" + b"a" * LIMIT,
    "text over ten million": b"<a>" + b"x" * 10_000_001 + b"</a>",
}
ENCODINGS = {
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 BE": GOOD.decode().encode("utf-16-be"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "UTF-7": "<a>ñ</a>".encode("utf-7").replace(b"<a>", b'<?xml version="1.0" encoding="UTF-7"?><a>'),
    "EBCDIC": '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"),
    "Latin-1 declared": GOOD.decode().encode("latin-1").replace(b"UTF-8", b"ISO-8859-1", 1),
    "Latin-1 undeclared": GOOD.decode().encode("latin-1"),
    "Latin-1 declared over UTF-8": declared("ISO-8859-1"),
    "UTF-16 declared over UTF-8": declared("UTF-16"),
    "windows-1252 declared": declared("windows-1252"),
    "unknown encoding": declared("klingon"),
    "lone surrogate": b"<a>\xed\xa0\x80</a>",
    "overlong form": b"<a>\xc0\xaf</a>",
    "broken sequence": b"<a>\xc3</a>",
    "NUL": b"<a>\x00</a>",
}
BROKEN = {
    "nothing": b"",
    "white space": b" \n ",
    "text": b"hello",
    "JSON": b'{"a": 1}',
    "HTML": b"<html><br></html>",
    "a zip": b"PK\x03\x04" + bytes(range(1, 256)),
    "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "cut in a tag": GOOD[: len(GOOD) // 2],
    "cut before the end": GOOD[:-5],
    "two roots": b"<a/><b/>",
    "text after the root": b"<a/>x",
    "control character": b"<a>\x01</a>",
    "undefined entity": b"<a>&nbsp;</a>",
    "bad character reference": b"<a>&#0;</a>",
    "huge character reference": b"<a>&#x110000;</a>",
    "undeclared prefix": b"<x:a/>",
    "one attribute twice": b'<a b="1" b="2"/>',
    "one attribute twice by namespace": b'<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>',
    "attribute without quotes": b"<a b=1/>",
    "less-than in an attribute": b'<a b="<"/>',
    "ampersand alone": b"<a>A & B</a>",
    "declaration after space": b' <?xml version="1.0"?><a/>',
    "two declarations": DECLARATION + DECLARATION + b"<a/>",
    "double hyphen in a comment": b"<a><!-- -- --></a>",
    "end of CDATA in text": b"<a>]]></a>",
    "crossed tags": b"<a><b></a></b>",
    "unfinished CDATA": b"<a><![CDATA[x</a>",
    "name that begins with a digit": b"<1a/>",
}
HOSTILE = DOCTYPES | INCLUSIONS | DEEP | HUGE | ENCODINGS | BROKEN


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_fast(name: str) -> None:
    started = time.perf_counter()

    with pytest.raises(XmlRefused) as refused:
        parse(HOSTILE[name], limit=LIMIT)

    assert time.perf_counter() - started < 1
    assert len(str(refused.value)) < 100


def test_there_are_enough_hostile_files() -> None:
    assert len(HOSTILE) >= 60


def test_refusal_names_the_place_and_quotes_nothing() -> None:
    with pytest.raises(XmlRefused, match=r"^the XML is not well-formed: line 2, column \d+$"):
        parse(b"<a>\n<secret></a>", limit=LIMIT)


def test_depth_of_64_is_read() -> None:
    assert parse(nested(64), limit=LIMIT).tag == "a"


def test_limit_counts_bytes() -> None:
    assert parse("<a>ñ</a>".encode(), limit=9).text == "ñ"
    with pytest.raises(XmlRefused, match=r"^the XML is larger than 8 bytes$"):
        parse("<a>ñ</a>".encode(), limit=8)


@pytest.mark.parametrize(
    "xml",
    [b"<a>\xc3\xb1</a>", b"\xef\xbb\xbf<a>\xc3\xb1</a>", b'<?xml version="1.0" encoding="utf-8"?><a>\xc3\xb1</a>'],
)
def test_utf_8_is_read_with_and_without_mark_and_declaration(xml: bytes) -> None:
    assert parse(xml, limit=LIMIT).text == "ñ"


def test_comments_and_instructions_are_dropped() -> None:
    assert len(parse(b"<?x y?><a><!-- c --><?x y?></a>", limit=LIMIT)) == 0


def test_income_document_is_read() -> None:
    document = read(cfdi_xml.rich())

    assert (document.version, document.series, document.folio, document.kind) == ("4.0", "A", "7", "I")
    assert (document.subtotal, document.discount, document.total) == ("100.00", "10.00", "116.00")
    assert (document.currency, document.exchange_rate, document.zip) == ("MXN", "1", "42501")
    assert (document.payment_form, document.payment_method, document.exports) == ("03", "PUE", "01")
    assert (document.conditions, document.confirmation) == ("Contado", "A1234")
    assert document.issuer == ("EKU9003173C9", "ESCUELA KEMPER URGATE", "601", None)
    assert document.receiver == (
        "URE180429TM6",
        "UNIVERSIDAD ROBOTICA ESPAÑOLA",
        "86991",
        None,
        None,
        "601",
        "G03",
    )
    assert document.global_info == ReadGlobal("04", "03", "2026")
    assert document.relations == (
        ReadRelation("04", ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")),
    )
    assert document.taxes is not None
    assert document.taxes.transferred_total == "16.00"
    assert document.taxes.withheld_total is None
    assert document.taxes.transferred == (ReadTax("100.00", "002", "Tasa", "0.160000", "16.00"),)
    assert document.local_taxes == (
        ReadLocalTax("Cinco al millar", "0.50", "0.50", withheld=True),
        ReadLocalTax("ISH", "3.00", "3.00", withheld=False),
    )
    assert document.complements == ("{http://www.sat.gob.mx/implocal}ImpuestosLocales",)
    assert not document.has_addenda


def test_line_with_everything_is_read() -> None:
    plain, line = read(cfdi_xml.rich()).lines

    assert plain.description == "Café  de olla & té"
    assert (plain.sku, plain.unit_name, plain.discount, plain.third_party) == (None, None, None, None)
    assert (line.product_key, line.sku, line.unit_key, line.unit_name) == ("01010101", "S-1", "H87", "Pieza")
    assert (line.unit_price, line.amount, line.discount, line.taxability) == ("200", "200.00", "10.00", "02")
    assert line.transferred == (ReadTax("190", "002", "Exento", None, None),)
    assert line.withheld == (ReadTax("190", "001", "Tasa", "0.100000", "19"),)
    assert line.third_party == ReadThirdParty("CACX7605101P8", "XOCHILT CASAS CHAVEZ", "612", "36257")
    assert line.customs_requests == ("15  48  3009  0001234",)
    assert line.property_tax_accounts == ("51888",)
    assert line.hydrocarbons == ReadHydrocarbons("1.0", "PER01", "PL/1/EXP/ES/2020", "15101514", "SP16")
    assert line.complements == ("{http://www.sat.gob.mx/hidrocarburospetroliferos}HidroYPetro",)
    (part,) = line.parts
    assert (part.product_key, part.description, part.unit_price) == ("25201513", "Tuerca", None)
    assert part.customs_requests == ("15  48  3009  0001235",)


def test_payment_document_is_read() -> None:
    document = read(cfdi_xml.payment())

    assert document.kind == "P"
    assert document.payment_totals == {
        "TotalRetencionesISR": "10.00",
        "TotalTrasladosBaseIVA16": "100.00",
        "TotalTrasladosImpuestoIVA16": "16.00",
        "MontoTotalPagos": "116.00",
    }
    (payment,) = document.payments
    assert (payment.paid_at, payment.form, payment.amount) == ("2026-03-09T12:00:00", "03", "116.00")
    assert (payment.operation, payment.payer_account) == ("77", None)
    assert payment.withheld == (ReadTax(None, "001", None, None, "10"),)
    assert payment.transferred == (ReadTax("100", "002", "Tasa", "0.160000", "16"),)
    first, second = payment.documents
    assert (first.uuid, first.installment) == ("11111111-1111-4111-8111-111111111111", "1")
    assert (second.balance_before, second.paid, second.balance_after) == ("116.00", "58.00", "58.00")
    assert first.withheld == (ReadTax("50", "001", "Tasa", "0.100000", "5"),)
    assert first.transferred == (ReadTax("50", "002", "Tasa", "0.160000", "8"),)


def test_timbre_and_addenda_are_read() -> None:
    stamped = cfdi_xml.stamped(cfdi_xml.sealed(cfdi_xml.income(addenda="<cfdi:Addenda><x/></cfdi:Addenda>")))
    document = read(stamped)

    (timbre,) = document.timbres
    assert (timbre.uuid, timbre.stamped_at, timbre.leyenda) == (cfdi_xml.UUID, "2026-03-10T06:00:00", None)
    assert timbre.sello_cfd == document.sello != ""
    assert document.has_addenda


def test_unknown_nodes_and_complements_are_passed_over() -> None:
    document = read(cfdi_xml.income(complements=cfdi_xml.LEGENDS, relations="<cfdi:Nuevo/>"))

    assert document.complements == ("{http://www.sat.gob.mx/leyendasFiscales}LeyendasFiscales",)
    assert (document.local_taxes, document.payments, document.relations) == ((), (), ())


def test_a_document_without_its_nodes_is_read_as_empty() -> None:
    document = read(b'<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4"/>')

    assert (document.version, document.series, document.issuer.rfc, document.lines) == ("", None, "", ())


@pytest.mark.parametrize("xml", [b"<a/>", cfdi_xml.retention(), GOOD.replace(b"sat.gob.mx/cfd/4", b"sat.gob.mx/cfd/3")])
def test_other_documents_are_refused(xml: bytes) -> None:
    with pytest.raises(XmlRefused, match=r"^the document is not a CFDI 4\.0$"):
        read(xml)


def test_every_attribute_of_public_samples_is_read(sat_samples: Path) -> None:
    for row in csv.DictReader((sat_samples / "samples/index.csv").read_text().splitlines()):
        if row["tipo"] == "RET" or row["xsd_valid"] != "True":
            continue
        root = parse((sat_samples / "samples" / row["file"]).read_bytes(), limit=LIMIT)
        known = repr(read_cfdi(root))
        for element in root.iter("{http://www.sat.gob.mx/cfd/4}*", "{http://www.sat.gob.mx/Pagos20}*"):
            if etree.QName(element).localname not in {"Addenda", "Pagos"}:
                for name, value in element.items():
                    assert repr(str(value)) in known or name.startswith("{"), (row["file"], element.tag, name)
