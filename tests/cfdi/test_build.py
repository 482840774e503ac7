"""The XML and the cadena of a document: exact texts, SAT's schema, SAT's stylesheet and satcfdi as judges."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from random import Random

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from OpenSSL.crypto import X509
from satcfdi.create.cfd import cfdi40
from satcfdi.models import Signer

from factories import cfdi_xml, random_invoice, sealing
from factories.cfdi_invoice import COMPANY, CUSTOMER, FOREIGNER, PUBLIC, invoice, line, micro, tax
from timbra.catalogs.load import SatData
from timbra.cfdi import build_custom, cadena
from timbra.cfdi.attributes import written
from timbra.cfdi.build import Draft, build
from timbra.cfdi.complements import CUSTOM_LIMIT, ComplementRefused
from timbra.cfdi.model import (
    Factor,
    GlobalInfo,
    Hydrocarbons,
    Invoice,
    Issuer,
    Line,
    LineTax,
    LocalTax,
    Namespace,
    Rate,
    Relation,
    Tax,
    ThirdParty,
)
from timbra.cfdi.parse import parse
from timbra.cfdi.seal import Sealed, seal
from timbra.cfdi.text import collapse
from timbra.cfdi.totals import AmountError, compute

LIMIT = 1 << 24
C = f"{{{cadena.CFDI}}}"
CSD_NUMBER = "30001000000500003416"
EXEMPT = LineTax(Tax.IVA, Factor.EXENTO)


def draft(decimals: int = 2, **changes: object) -> Draft:
    made = invoice(**{"folio": 7, **changes})
    totals = compute(made.lines, decimals=decimals, local_taxes=made.local_taxes)
    return build(made, totals, sealing.certificate_text())


def xml_of(made: Draft) -> str:
    return made.head + made.tail


def root_of(made: Draft) -> etree._Element:
    return parse(xml_of(made).encode(), limit=LIMIT)


def sealed(made: Invoice, decimals: int, sat_data: SatData) -> Sealed:
    totals = compute(made.lines, decimals=decimals, local_taxes=made.local_taxes)
    cadena_of = partial(cadena.of, stylesheets=sat_data.stylesheets)
    return seal(build(made, totals, sealing.certificate_text(), cadena_of=cadena_of), sealing.signer())


def judge(document: Sealed, sat_data: SatData) -> etree._Element:
    """SAT's schema accepts the document, and its cadena is the one of the table and of SAT's stylesheet."""
    root = parse(document.xml, limit=LIMIT)
    assert sat_data.schemas.validate(root) == []
    stylesheet = sat_data.stylesheets(root.tag)
    assert stylesheet is not None
    assert document.cadena == cadena.of(root, sat_data.stylesheets) == str(stylesheet(root))
    return root


# --- exact texts ---------------------------------------------------------------------------------------------------


def test_document_of_one_line_is_written_in_sats_order() -> None:
    made = draft()

    certificate = sealing.certificate_text()
    assert made.head == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.sat.gob.mx/cfd/4'
        ' http://www.sat.gob.mx/sitio_internet/cfd/4/cfdv40.xsd" Version="4.0" Serie="A" Folio="7"'
        ' Fecha="2026-03-10T12:00:00" Sello="'
    )
    assert made.tail == (
        f'" FormaPago="03" NoCertificado="{certificate.number}" Certificado="{certificate.base64}"'
        ' SubTotal="3000.00" Moneda="MXN" Total="3480.00" TipoDeComprobante="I" Exportacion="01" MetodoPago="PUE"'
        ' LugarExpedicion="42501">'
        '<cfdi:Emisor Rfc="EKU9003173C9" Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"/>'
        '<cfdi:Receptor Rfc="URE180429TM6" Nombre="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalReceptor="86991"'
        ' RegimenFiscalReceptor="601" UsoCFDI="G03"/>'
        '<cfdi:Conceptos><cfdi:Concepto ClaveProdServ="80141503" Cantidad="2" ClaveUnidad="E48"'
        ' Descripcion="Consultoría" ValorUnitario="1500" Importe="3000.00" ObjetoImp="02"><cfdi:Impuestos>'
        '<cfdi:Traslados><cfdi:Traslado Base="3000.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000"'
        ' Importe="480.00"/></cfdi:Traslados></cfdi:Impuestos></cfdi:Concepto></cfdi:Conceptos>'
        '<cfdi:Impuestos TotalImpuestosTrasladados="480.00"><cfdi:Traslados><cfdi:Traslado Base="3000.00"'
        ' Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="480.00"/></cfdi:Traslados>'
        "</cfdi:Impuestos></cfdi:Comprobante>"
    )
    assert made.cadena == (
        f"||4.0|A|7|2026-03-10T12:00:00|03|{CSD_NUMBER}|3000.00|MXN|3480.00|I|01|PUE|42501|EKU9003173C9|ESCUELA KEMPER"
        " URGATE|601|URE180429TM6|UNIVERSIDAD ROBOTICA ESPAÑOLA|86991|601|G03|80141503|2|E48|Consultoría|1500|3000.00|02|"
        "3000.00|002|Tasa|0.160000|480.00|3000.00|002|Tasa|0.160000|480.00|480.00||"
    )


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"currency": "USD", "exchange_rate": micro("18.1234")}, ' Moneda="USD" TipoCambio="18.1234" Total='),
        ({"currency": "MXN", "exchange_rate": micro("1")}, ' Moneda="MXN" Total='),
        ({"kind": "E"}, ' TipoDeComprobante="E"'),
        ({"conditions": " 30 \t días "}, ' CondicionesDePago="30 días"'),
        ({"conditions": "  "}, '" SubTotal="3000.00"'),
        ({"confirmation": "aB3d5"}, ' LugarExpedicion="42501" Confirmacion="aB3d5">'),
        ({"payment_form": None}, 'Sello="" NoCertificado="'),
        (
            {"global_info": GlobalInfo("05", "13", 2026)},
            '><cfdi:InformacionGlobal Periodicidad="05" Meses="13" Año="2026"/><cfdi:Emisor',
        ),
        (
            {"relations": (Relation("01", ("a", "b")), Relation("04", ("c",)))},
            (
                '<cfdi:CfdiRelacionados TipoRelacion="01"><cfdi:CfdiRelacionado UUID="a"/><cfdi:CfdiRelacionado UUID="b"/>'
                '</cfdi:CfdiRelacionados><cfdi:CfdiRelacionados TipoRelacion="04"><cfdi:CfdiRelacionado UUID="c"/>'
            ),
        ),
        (
            {"receiver": replace(CUSTOMER, residence="USA", foreign_id="123456789")},
            ' DomicilioFiscalReceptor="86991" ResidenciaFiscal="USA" NumRegIdTrib="123456789" RegimenFiscalReceptor=',
        ),
        ({"issuer": replace(COMPANY, rfc="H&E951128469")}, '<cfdi:Emisor Rfc="H&amp;E951128469"'),
    ],
)
def test_value_of_the_header_is_written_where_sat_wants_it(changes: dict[str, object], fragment: str) -> None:
    assert fragment in xml_of(draft(**changes))


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        (
            {"sku": "A & B", "unit_name": 'm"2'},
            ' NoIdentificacion="A &amp; B" Cantidad="2" ClaveUnidad="E48" Unidad="m&quot;2"',
        ),
        ({"sku": "  ", "unit_name": ""}, ' ClaveProdServ="80141503" Cantidad="2" ClaveUnidad="E48" Descripcion='),
        ({"discount": micro("0.5")}, ' Importe="3000.00" Descuento="0.50" ObjetoImp='),
        ({"discount": micro("23.456789")}, ' Importe="3000.000000" Descuento="23.456789" ObjetoImp='),
        ({"discount": micro("3000")}, ' Importe="3000.00" Descuento="3000.00" ObjetoImp="01"/>'),
        ({"taxes": ()}, ' ObjetoImp="01"/></cfdi:Conceptos></cfdi:Comprobante>'),
        (
            {"taxes": (tax(Tax.ISR, "0.1", withheld=True), tax())},
            (
                '<cfdi:Impuestos><cfdi:Traslados><cfdi:Traslado Base="3000.00" Impuesto="002" TipoFactor="Tasa"'
                ' TasaOCuota="0.160000" Importe="480.00"/></cfdi:Traslados><cfdi:Retenciones><cfdi:Retencion Base="3000.00"'
                ' Impuesto="001" TipoFactor="Tasa" TasaOCuota="0.100000" Importe="300.00"/></cfdi:Retenciones></cfdi:Impuestos>'
            ),
        ),
        (
            {"taxes": (tax(Tax.ISR, "0.1", withheld=True),)},
            (
                '</cfdi:Conceptos><cfdi:Impuestos TotalImpuestosRetenidos="300.00"><cfdi:Retenciones><cfdi:Retencion'
                ' Impuesto="001" Importe="300.00"/></cfdi:Retenciones></cfdi:Impuestos></cfdi:Comprobante>'
            ),
        ),
        (
            {"taxes": (EXEMPT,)},
            (
                '<cfdi:Traslado Base="3000.00" Impuesto="002" TipoFactor="Exento"/></cfdi:Traslados></cfdi:Impuestos>'
                "</cfdi:Concepto></cfdi:Conceptos><cfdi:Impuestos><cfdi:Traslados><cfdi:Traslado"
                ' Base="3000.00" Impuesto="002" TipoFactor="Exento"/></cfdi:Traslados></cfdi:Impuestos></cfdi:Comprobante>'
            ),
        ),
        (
            {"taxes": (tax(Tax.IEPS, "1.6451", Factor.CUOTA),)},
            '<cfdi:Traslado Base="2.00" Impuesto="003" TipoFactor="Cuota" TasaOCuota="1.645100" Importe="3.2902"/>',
        ),
        (
            {"customs_request": "15  48  3009  0001234"},
            '<cfdi:InformacionAduanera NumeroPedimento="15  48  3009  0001234"/>',
        ),
        ({"property_tax_account": "15956011002"}, '<cfdi:CuentaPredial Numero="15956011002"/>'),
        (
            {"third_party": ThirdParty("CACX7605101P8", "XOCHILT", "612", "36257")},
            (
                '<cfdi:ACuentaTerceros RfcACuentaTerceros="CACX7605101P8" NombreACuentaTerceros="XOCHILT"'
                ' RegimenFiscalACuentaTerceros="612" DomicilioFiscalACuentaTerceros="36257"/></cfdi:Concepto>'
            ),
        ),
    ],
)
def test_value_of_a_line_is_written_where_sat_wants_it(changes: dict[str, object], fragment: str) -> None:
    assert fragment in xml_of(draft(lines=(line(**changes),)))


def test_header_discount_is_absent_only_when_no_line_has_one() -> None:
    assert ' SubTotal="3000.00" Moneda=' in xml_of(draft())
    assert ' SubTotal="3000.00" Descuento="0.00" Moneda=' in xml_of(draft(lines=(line(discount=micro("0.000001")),)))


def test_customs_request_keeps_its_double_blanks_in_the_xml_only() -> None:
    made = draft(lines=(line(customs_request="15  48  3009  0001234"),))

    assert "|15 48 3009 0001234|" in made.cadena


def test_amounts_have_the_decimals_of_the_currency() -> None:
    yen = draft(currency="JPY", exchange_rate=micro("0.12"), decimals=0, lines=(line(unit_price=micro("333.4")),))
    dinar = draft(currency="KWD", exchange_rate=micro("60"), decimals=3)

    assert ' SubTotal="667" Moneda="JPY" TipoCambio="0.12" Total="774"' in yen.tail
    assert ' ValorUnitario="333.4" Importe="666.8"' in yen.tail
    assert ' SubTotal="3000.000" Moneda="KWD" TipoCambio="60" Total="3480.000"' in dinar.tail


def test_local_taxes_become_the_complement_implocal() -> None:
    local = (LocalTax("ISH & más", Rate(30_000)), LocalTax("Cinco al millar", Rate(5_000), withheld=True))
    made = draft(local_taxes=local)

    assert (
        '<cfdi:Complemento><implocal:ImpuestosLocales version="1.0" TotaldeRetenciones="15.00" TotaldeTraslados="90.00">'
        '<implocal:RetencionesLocales ImpLocRetenido="Cinco al millar" TasadeRetencion="0.50" Importe="15.00"/>'
        '<implocal:TrasladosLocales ImpLocTrasladado="ISH &amp; más" TasadeTraslado="3.00" Importe="90.00"/>'
        "</implocal:ImpuestosLocales></cfdi:Complemento></cfdi:Comprobante>"
    ) in made.tail
    assert made.cadena.endswith("|480.00|1.0|15.00|90.00|Cinco al millar|0.50|15.00|ISH & más|3.00|90.00||")
    assert 'xmlns:implocal="http://www.sat.gob.mx/implocal"' in made.head
    assert ' Total="3555.00"' in made.tail


@pytest.mark.parametrize("text", ["a|b", "a\x00b", "a\x1fb", "a\ud800b", "a\ufffeb"])
def test_text_that_may_not_enter_is_a_fault(text: str) -> None:
    with pytest.raises(AssertionError):
        draft(lines=(line(description=text),))


def test_document_without_folio_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        draft(folio=0)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|\ufffe\uffff"), max_size=40))
@settings(max_examples=300)
def test_text_reads_back_collapsed(text: str) -> None:
    escaped, plain = written(text)

    read = parse(f'<a b="{escaped}"/>'.encode(), limit=LIMIT).get("b")

    assert read == plain == collapse(text)


# --- judges --------------------------------------------------------------------------------------------------------


def test_random_documents_pass_sats_schema_and_stylesheet(sat_data: SatData) -> None:
    judged = 0
    for seed in range(250):
        made, decimals = random_invoice.document(Random(seed))
        try:
            document = sealed(made, decimals, sat_data)
        except AmountError:
            continue
        judge(document, sat_data)
        judged += 1

    assert judged > 200


@pytest.mark.parametrize("receiver", [PUBLIC, FOREIGNER])
def test_generic_receivers_pass_sats_schema(receiver: object, sat_data: SatData) -> None:
    judge(sealed(invoice(folio=1, receiver=receiver, global_info=GlobalInfo("01", "03", 2026)), 2, sat_data), sat_data)


def test_document_of_5000_lines_passes_sats_schema(sat_data: SatData) -> None:
    made = invoice(
        folio=1, lines=tuple(line(description=f"Partida {n}", quantity=micro(str(n + 1))) for n in range(5_000))
    )

    root = judge(sealed(made, 2, sat_data), sat_data)

    assert len(root.findall(f"{C}Conceptos/{C}Concepto")) == 5_000


def test_equal_values_make_equal_bytes(sat_data: SatData) -> None:
    made = invoice(folio=1, issued_at=datetime(2026, 1, 1))

    assert sealed(made, 2, sat_data) == sealed(replace(made), 2, sat_data)


def test_issuers_of_one_certificate_are_told_apart() -> None:
    first, second = draft(), draft(issuer=Issuer("EKU9003173C9", "OTRO NOMBRE", "603", "42501"))

    assert 'Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"' in first.tail
    assert 'Nombre="OTRO NOMBRE" RegimenFiscal="603"' in second.tail


def satcfdi_document(made: Invoice) -> cfdi40.Comprobante:
    """The same invoice made by satcfdi, which is given each line's tax amounts as they are exact in 2 decimals."""

    def decimal(value: int) -> Decimal:
        return Decimal(value) / 10**6

    def concept(each: Line) -> cfdi40.Concepto:
        base = decimal(each.quantity) * decimal(each.unit_price) - decimal(each.discount)
        rows = {withheld: [t for t in each.taxes if t.withheld == withheld] for withheld in (True, False)}
        nodes = {
            withheld: [
                kind(
                    str(t.tax),
                    "Tasa",
                    decimal(t.rate).quantize(Decimal("0.000001")),
                    importe=(base * decimal(t.rate)).quantize(Decimal("0.01")),
                )
                for t in rows[withheld]
            ]
            for withheld, kind in ((True, cfdi40.Retencion), (False, cfdi40.Traslado))
        }
        return cfdi40.Concepto(
            clave_prod_serv=each.product_key,
            cantidad=decimal(each.quantity),
            clave_unidad=each.unit_key,
            descripcion=each.description,
            valor_unitario=decimal(each.unit_price),
            descuento=decimal(each.discount).quantize(Decimal("0.01")) if each.discount else None,
            impuestos=cfdi40.Impuestos(retenciones=nodes[True] or None, traslados=nodes[False] or None),
        )

    return cfdi40.Comprobante(
        emisor=cfdi40.Emisor(made.issuer.rfc, made.issuer.name, made.issuer.regime),
        lugar_expedicion=made.issuer.zip,
        receptor=cfdi40.Receptor(
            made.receiver.rfc, made.receiver.name, made.receiver.zip, made.receiver.regime, made.receiver.use
        ),
        conceptos=[concept(each) for each in made.lines],
        tipo_de_comprobante=made.kind,
        serie=made.series,
        folio=str(made.folio),
        forma_pago=made.payment_form,
        metodo_pago=made.payment_method,
        fecha=made.issued_at,
    )


def exact_invoice(random: Random) -> Invoice:
    """Prices whose taxes are exact in 2 decimals: satcfdi rounds other ones in its own way."""
    taxes = (tax(), tax(rate="0.08"), tax(Tax.ISR, "0.1", withheld=True), tax(rate="0.04", withheld=True))
    lines = tuple(
        line(
            quantity=micro(str(random.randint(1, 40))),
            unit_price=micro(str(random.randint(3, 9_000) * 5) + random.choice(("", ".5"))),
            discount=micro(random.choice(("0", "0", "1.5", "2"))),
            description=random.choice(("Servicio", "Café & té", "Ñandú <1>", '"x"')),
            taxes=tuple(t for t in taxes if random.random() < 0.6),
        )
        for _ in range(random.randint(1, 6))
    )
    return invoice(folio=random.randint(1, 10**6), kind=random.choice("IE"), lines=lines)


def test_random_documents_have_satcfdis_cadena_and_seal(sat_data: SatData) -> None:
    signer = Signer(
        X509.from_cryptography(x509.load_der_x509_certificate(cfdi_xml.csd().certificate)), sealing.signer().key
    )
    for seed in range(150):
        made = exact_invoice(Random(seed))
        theirs = satcfdi_document(made)
        theirs.sign(signer)

        ours = sealed(made, 2, sat_data)

        assert ours.cadena == theirs.cadena_original(), seed
        assert ours.sello == theirs["Sello"], seed


# --- complements ---------------------------------------------------------------------------------------------------

PETROL = Hydrocarbons("PER01", "PL/1/EXP/ES/2020", "15101514", "SP16")
IEDU = (
    '<?xml version="1.0"?>\n<iedu:instEducativas xmlns:iedu="http://www.sat.gob.mx/iedu" xmlns:xsi='
    '"http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.sat.gob.mx/iedu http://iedu.xsd" version="1.0"'
    ' nombreAlumno="ANA &amp; EVA" CURP="CACX760510MQTSXC09" nivelEducativo="Primaria" autRVOE="1"/>'
)


def test_hydrocarbons_become_a_line_complement(sat_data: SatData) -> None:
    made = invoice(folio=1, lines=(line(), line(hydrocarbons=PETROL, product_key="15101514")))

    document = sealed(made, 2, sat_data)

    judge(document, sat_data)
    assert (
        '<cfdi:ComplementoConcepto><hidrocarburospetroliferos:HidroYPetro Version="1.0" TipoPermiso="PER01"'
        ' NumeroPermiso="PL/1/EXP/ES/2020" ClaveHYP="15101514" SubProductoHYP="SP16"/></cfdi:ComplementoConcepto>'
    ) in document.xml.decode()


def test_custom_complements_are_placed_and_their_namespaces_declared_on_the_root(sat_data: SatData) -> None:
    made = invoice(
        folio=1,
        lines=(line(), line(complement=IEDU, hydrocarbons=PETROL, product_key="15101514"), line(complement=IEDU)),
        complements=(cfdi_xml.LEGENDS,),
        local_taxes=(LocalTax("ISH", Rate(30_000)),),
        namespaces=(Namespace("acme", "https://acme.example/v1", "https://acme.example/v1.xsd"),),
    )

    document = sealed(made, 2, sat_data)

    root = judge(document, sat_data)
    names = [node.tag.rpartition("}")[2] for node in root.iter() if "sat.gob.mx/cfd/4" not in node.tag]
    assert names == [
        "HidroYPetro", "instEducativas", "instEducativas", "ImpuestosLocales", "TrasladosLocales", "LeyendasFiscales", "Leyenda",
    ]  # fmt: skip
    text = document.xml.decode()
    head = text.partition(" Version=")[0]
    assert text.count("xmlns:") == head.count("xmlns:") == 7
    assert 'xmlns:acme="https://acme.example/v1"' in head
    assert "http://www.sat.gob.mx/iedu http://iedu.xsd" in head
    assert "https://acme.example/v1 https://acme.example/v1.xsd" in head
    assert text.count("schemaLocation") == 1
    assert "|ANA & EVA|" in document.cadena


def test_custom_complement_may_use_the_declared_namespaces(sat_data: SatData) -> None:
    legend = '<l:LeyendasFiscales version="1.0"><l:Leyenda textoLeyenda="Una"/></l:LeyendasFiscales>'
    namespace = Namespace(
        "l", "http://www.sat.gob.mx/leyendasFiscales", "http://www.sat.gob.mx/leyendasFiscales http://l.xsd"
    )

    document = sealed(invoice(folio=1, complements=(legend,), namespaces=(namespace,)), 2, sat_data)

    judge(document, sat_data)
    assert 'xmlns:l="http://www.sat.gob.mx/leyendasFiscales"' in document.xml.decode()


def test_default_namespace_of_a_custom_complement_stays_on_it(sat_data: SatData) -> None:
    iedu = IEDU.replace("iedu:inst", "inst").replace("xmlns:iedu", "xmlns")

    document = sealed(invoice(folio=1, lines=(line(complement=iedu),)), 2, sat_data)

    judge(document, sat_data)
    assert b"<cfdi:Conceptos>" in document.xml


def test_custom_complements_that_make_the_document_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_custom, "DOCUMENT_LIMIT", 5_000)

    with pytest.raises(ComplementRefused, match="too large"):
        draft(complements=('<a xmlns="urn:a" b="' + "x" * 3_000 + '"/>',))


def test_custom_documents_keep_the_form_of_ordinary_ones(sat_data: SatData) -> None:
    ordinary, custom = (sealed(invoice(folio=1, complements=c), 2, sat_data) for c in ((), (cfdi_xml.LEGENDS,)))

    assert custom.xml.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<cfdi:Comprobante xmlns:cfdi=')
    assert custom.xml.endswith(b"</cfdi:Complemento></cfdi:Comprobante>")
    body = ordinary.xml.partition(b"<cfdi:Emisor")[2].removesuffix(b"</cfdi:Comprobante>")
    assert body in custom.xml


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "text",
        "<a/>",
        '<a xmlns="urn:a"/> text',
        '<a xmlns="urn:a"/><b xmlns="urn:a"/>',
        '<a xmlns="urn:a">',
        '<a xmlns="urn:a" b="x|y"/>',
        '<a xmlns="urn:a" b="x&#124;y"/>',
        '<a xmlns="urn:a" b="&#133;"/>',
        '<a xmlns="urn:a" b="\ud800"/>',
        '<a xmlns="urn:a">&external;</a>',
        '<!DOCTYPE a><a xmlns="urn:a"/>',
        "<cfdi:Addenda/>",
        '<a xmlns="urn:a"><cfdi:Concepto/></a>',
        '<tfd:TimbreFiscalDigital xmlns:tfd="http://www.sat.gob.mx/TimbreFiscalDigital"/>',
        '<a xmlns="urn:a"/></cfdi:ComplementoConcepto><cfdi:ComplementoConcepto>',
        '<a xmlns="urn:a"/></cfdi:ComplementoConcepto></cfdi:Concepto><cfdi:Concepto><cfdi:ComplementoConcepto>',
        '<a xmlns="urn:a"/></cfdi:ComplementoConcepto></cfdi:Concepto></cfdi:Conceptos></cfdi:Comprobante><!--',
        "<![CDATA[",
        '<a xmlns="urn:a">' + "<b>" * 60 + "</b>" * 60 + "</a>",
        '<a xmlns="urn:a" b="' + "x" * CUSTOM_LIMIT + '"/>',
        '<a xmlns="urn:a" b="' + "ñ" * (CUSTOM_LIMIT // 2) + '"/>',
    ],
)  # fmt: skip
def test_hostile_custom_complement_is_refused(bad: str) -> None:
    for changes in ({"complements": (bad,)}, {"lines": (line(complement=bad or " "),)}):
        with pytest.raises(ComplementRefused):
            draft(**changes)


@pytest.mark.parametrize(
    "namespace",
    [
        Namespace("cfdi", "urn:other"),
        Namespace("implocal", "urn:other"),
        Namespace("xsi", "urn:other"),
        Namespace("xml", "urn:other"),
        Namespace("XMLx", "urn:other"),
        Namespace("a b", "urn:other"),
        Namespace('a="1" b', "urn:other"),
        Namespace("1a", "urn:other"),
        Namespace("", "urn:other"),
        Namespace("a", ""),
        Namespace("a", "urn:a b"),
        Namespace("a", "urn:<a>"),
        Namespace("a", "urn:%"),
        Namespace("a", "http://www.w3.org/2000/xmlns/"),
        Namespace("a", "http://www.w3.org/2001/XInclude"),
        Namespace("a", "urn:a|b"),
        Namespace("a", "urn:a", "http://a\x00"),
    ],
)
def test_namespace_that_cannot_be_declared_is_refused(namespace: Namespace) -> None:
    with pytest.raises(ComplementRefused):
        draft(namespaces=(namespace,))


def test_prefix_with_two_meanings_is_refused() -> None:
    with pytest.raises(ComplementRefused):
        draft(namespaces=(Namespace("a", "urn:a"), Namespace("a", "urn:b")))


def test_namespace_is_escaped_and_declared_once() -> None:
    made = draft(namespaces=(Namespace("a", "urn:a&b"), Namespace("a", "urn:a&b")))

    assert root_of(made).nsmap["a"] == "urn:a&b"
