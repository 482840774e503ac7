"""Hostile XML in complements, line complements and addenda: refused with the path, nothing stored."""

from typing import Any

import pytest
from lxml import etree

from factories.refusals import check_envelope, refused
from timbra.cfdi.complements import CUSTOM_LIMIT, MAX_DECLARATIONS
from world import World

U = 'xmlns="urn:x"'
XI = "http://www.w3.org/2001/XInclude"
CFDI = "http://www.sat.gob.mx/cfd/4"
TFD = "http://www.sat.gob.mx/TimbreFiscalDigital"
PLACES = {"complement": "complements[0].data", "line": "items[0].complement", "addenda": "addenda"}

EVERYWHERE = {
    "external entity": f'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a {U}>&e;</a>',
    "external DTD": f'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a {U}/>',
    "parameter entity": f'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]><a {U}/>',
    "empty DOCTYPE": f"<!DOCTYPE a><a {U}/>",
    "DOCTYPE inside": f"<a {U}><!DOCTYPE b></a>",
    "entity bomb": f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a {U}>&b;&b;</a>',
    "undeclared entity": f"<a {U}>&e;</a>",
    "XInclude": f'<a {U} xmlns:xi="{XI}"><xi:include href="file:///etc/passwd" parse="text"/></a>',
    "XInclude in disguise": f'<a {U} xmlns:xi="{XI.replace("X", "&#88;")}"><xi:include href="/etc/passwd"/></a>',
    "XInclude attribute": f'<a {U} xmlns:xi="{XI.replace("X", "&#88;")}" xi:href="1"/>',
    "61 levels": f"<a {U}>" + "<a>" * 60 + "</a>" * 61,
    "5,000 levels": f"<a {U}>" + "<a>" * 4_999 + "</a>" * 5_000,
    "CFDI element": f'<Emisor xmlns="{CFDI}" Rfc="XAXX010101000"/>',
    "timbre": f'<TimbreFiscalDigital xmlns="{TFD}" UUID="00000000-0000-0000-0000-000000000000"/>',
    "CFDI element inside": f'<a {U}><Emisor xmlns="{CFDI}"/></a>',
    "timbre inside": f'<a {U}><t:TimbreFiscalDigital xmlns:t="{TFD}"/></a>',
    "timbre under CFDI's own prefix": f'<cfdi:TimbreFiscalDigital xmlns:cfdi="{TFD}"/>',
    "undeclared prefix": "<q:a/>",
    "undeclared prefix tfd": "<tfd:TimbreFiscalDigital/>",
    "prefix without namespace": '<q:a xmlns:q=""/>',
    "namespace of xml": '<a xmlns="http://www.w3.org/XML/1998/namespace"/>',
    "unclosed": f"<a {U}><b>",
    "closed twice": f"<a {U}/></a>",
    "text": "hola",
    "text after": f"<a {U}/>hola",
    "text before": f"hola<a {U}/>",
    "comment alone": "<!-- nada -->",
    "end of its node": f"<a {U}/></cfdi:Complemento><cfdi:Complemento>",
    "end of its line": f"<a {U}/></cfdi:ComplementoConcepto></cfdi:Concepto><cfdi:Concepto><cfdi:ComplementoConcepto>",
    "end of the document": f"<a {U}/></cfdi:Comprobante>",
    "end of Addenda": f"<a {U}/></cfdi:Addenda><cfdi:Addenda><a {U}/>",
    "]]> in text": f"<a {U}>]]></a>",
    "open CDATA": f"<a {U}><![CDATA[</a>",
    "CDATA outside": f"<![CDATA[<a {U}/>]]>",
    "open comment": f"<a {U}><!-- </a>",
    "comment with --": f"<a {U}><!-- -- --></a>",
    "instruction named xml inside": f'<a {U}><?xml version="1.0"?></a>',
    "control character": f'<a {U} b="&#1;"/>',
    "NUL": f'<a {U} b="&#0;"/>',
    "surrogate": f'<a {U} b="&#xD800;"/>',
    "U+FFFE": f'<a {U} b="&#xFFFE;"/>',
    "attribute twice": f'<a {U} b="1" b="2"/>',
    "< in attribute": f'<a {U} b="<"/>',
    "same xml:id": f'<a {U}><b xml:id="x"/><b xml:id="x"/></a>',
    "too many bytes": f"<a {U}>" + "ñ" * (CUSTOM_LIMIT // 2) + "</a>",
}
# Reasons that do not hold for an addenda: it may have several elements, any characters, and no namespace.
IN_COMPLEMENTS = {
    "no namespace": "<a/>",
    "two elements": f"<a {U}/><b {U}/>",
    "pipe": f'<a {U} b="x|y"/>',
    "pipe as reference": f'<a {U} b="x&#124;y"/>',
    "pipe in CDATA": f"<a {U}><![CDATA[x|y]]></a>",
    "C1 control": f'<a {U} b="&#x85;"/>',
}
MANY = f"<a {U} " + " ".join(f'xmlns:p{n}="urn:p{n}"' for n in range(MAX_DECLARATIONS)) + "/>"
CASES = [(place, name, xml) for place in PLACES for name, xml in EVERYWHERE.items()] + [
    (place, name, xml) for place in ("complement", "line") for name, xml in IN_COMPLEMENTS.items()
]


def sale_with(world: World, place: str, xml: str) -> dict[str, Any]:
    if place == "complement":
        return world.sale(complements=[{"type": "custom", "data": xml}])
    if place == "addenda":
        return world.sale(addenda=xml)
    body = world.sale()
    body["items"][0]["complement"] = xml
    return body


@pytest.mark.parametrize(("place", "name", "xml"), CASES, ids=[f"{place}: {name}" for place, name, _ in CASES])
def test_hostile_xml_is_refused_at_its_path(shared_world: World, place: str, name: str, xml: str) -> None:
    body = sale_with(shared_world, place, xml)

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, (PLACES[place], "format"), code="invalid_field_value")
    assert "/etc/passwd" not in reply.raw.text


@pytest.mark.parametrize("place", PLACES)
def test_70_kb_are_too_long(shared_world: World, place: str) -> None:
    body = sale_with(shared_world, place, f"<a {U}>" + "x" * 70_000 + "</a>")

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, (PLACES[place], "max_length"))
    assert reply.error["fields"][0]["fix"] is None
    assert len(reply.raw.content) < 1_000


@pytest.mark.parametrize("place", PLACES)
def test_thousands_of_namespaces_are_refused(shared_world: World, place: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", sale_with(shared_world, place, MANY))

    refused(shared_world, reply, (PLACES[place], "format"))


@pytest.mark.parametrize("way", ["header key", "body key", "async", "prefer async"])
def test_refused_request_keeps_no_key_and_no_job(shared_world: World, way: str) -> None:
    headers = {"header key": {"idempotency_key": "key-00000001"}, "prefer async": {"prefer": "respond-async"}}
    fields = {"body key": {"idempotency_key": "key-00000001"}, "async": {"async": True}}
    body = shared_world.sale(addenda="</cfdi:Addenda>", **fields.get(way, {}))

    for _ in range(2):
        with shared_world.unchanged():
            reply = shared_world.api.post("/invoices/income", body, **headers.get(way, {}))

        refused(shared_world, reply, ("addenda", "format"))


def test_every_bad_fragment_is_reported(shared_world: World) -> None:
    body = shared_world.sale(1, 2, addenda="hola")
    body["items"][1]["complement"] = "<a/>"
    body["complements"] = [{"type": "custom", "data": "<a/>"}, {"type": "custom", "data": f"<b {U}>"}]

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    places = ("items[1].complement", "complements[0].data", "complements[1].data", "addenda")
    refused(shared_world, reply, *[(place, "format") for place in places])


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        ("xml", "urn:q"), ("xmlns", "urn:q"), ("XMLq", "urn:q"), ("cfdi", "urn:q"), ("tfd", "urn:q"), ("xsi", "urn:q"),
        ("implocal", "urn:q"), ("q", "http://www.w3.org/2000/xmlns/"), ("q", "http://www.w3.org/XML/1998/namespace"),
        ("q", XI), ("q", "urn:\ufffe"),
    ],
)  # fmt: skip
def test_namespace_that_cannot_be_declared_is_refused(shared_world: World, prefix: str, uri: str) -> None:
    body = shared_world.sale(namespaces=[{"prefix": prefix, "uri": uri}])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, ("namespaces", "format"))


@pytest.mark.parametrize("prefix", ["a:b", "1a", "ñ", 'a" b="', "a>", "a b"])
def test_namespace_prefix_is_a_name(shared_world: World, prefix: str) -> None:
    body = shared_world.sale(namespaces=[{"prefix": prefix, "uri": "urn:q"}])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, ("namespaces[0].prefix", "format"))


def test_one_prefix_cannot_stand_for_two_namespaces(shared_world: World) -> None:
    body = shared_world.sale(namespaces=[{"prefix": "q", "uri": "urn:q"}, {"prefix": "q", "uri": "urn:r"}])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, ("namespaces", "format"))


def test_complement_that_no_schema_knows_is_refused_by_the_pac(world: World) -> None:
    body = sale_with(world, "complement", f"<a {U}/>")

    reply = world.api.post("/invoices/income", body)

    assert reply.status == 422
    assert check_envelope(reply)["cfdi"]["code"] == "301"
    assert world.folios() == (1, [])
    assert world.released() == [1]
    assert world.events() == [("invoice.failed", reply.error["invoice"]["id"])]


ODD_ADDENDAS = {
    "CDATA with an end tag": f"<a {U}><![CDATA[</cfdi:Addenda></cfdi:Comprobante>]]></a>",
    "instructions and comments": f'<?php x ?><?xml-stylesheet href="http://x.example/a.xsl"?><!-- c --><a {U}/>',
    "CFDI's prefix for another namespace": '<cfdi:Comprobante xmlns:cfdi="urn:x" Total="0"/>',
    "another seal": f'<a {U} Sello="" Total="1.00" xmlns:cfdi2="{CFDI}" cfdi2:Sello="x"/>',
    "declared encoding": f'<?xml version="1.0" encoding="UTF-16"?>\n<a {U} b="ñ"/>',
    "several elements": f"<a {U}/>\n<b/>",
    "another schema of CFDI": (
        f'<a {U} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{CFDI} http://x.example"/>'
    ),
    "60 levels": f"<a {U}>" + "<a>" * 59 + "</a>" * 60,
    "pipes and C1 controls": f'<a {U} b="|&#x85;"/>',
}


@pytest.mark.parametrize("name", ODD_ADDENDAS)
def test_odd_addenda_stays_in_its_node(world: World, name: str) -> None:
    uuid = world.issue(addenda=ODD_ADDENDAS[name])["uuid"]

    xml = world.xml(uuid)
    verdict = world.verdict(xml)
    root = etree.fromstring(xml)

    assert verdict.valid, verdict
    assert verdict.uuid == uuid.upper() or verdict.uuid == uuid
    assert [child.tag for child in root][-2:] == [f"{{{CFDI}}}Complemento", f"{{{CFDI}}}Addenda"]
    assert [child.tag for child in root[-2]] == [f"{{{TFD}}}TimbreFiscalDigital"]
