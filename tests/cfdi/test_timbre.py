"""Timbres: read, attached, and every way in which a PAC's answer may be something else than our document stamped."""

import base64
from dataclasses import replace
from datetime import datetime

import pytest

from factories import cfdi_xml, sealing
from factories.cfdi_invoice import invoice
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena, certificate, timbre
from timbra.cfdi.build import build
from timbra.cfdi.complements import CUSTOM_LIMIT, ComplementRefused
from timbra.cfdi.model import Invoice, LocalTax, Namespace, Rate
from timbra.cfdi.parse import parse
from timbra.cfdi.seal import seal
from timbra.cfdi.timbre import Timbre, TimbreRefused, UnknownPac
from timbra.cfdi.totals import compute

UUID = "5fb2822e-396d-4725-8521-cdc4bdd20ccf"
LIMIT = 1 << 24
PLAIN = invoice(folio=1)
LOCAL = replace(PLAIN, local_taxes=(LocalTax("ISH", Rate(30_000)),))


def sealed(made: Invoice = PLAIN) -> bytes:
    totals = compute(made.lines, decimals=2, local_taxes=made.local_taxes)
    return seal(build(made, totals, sealing.certificate_text()), sealing.signer()).xml


def pac_number() -> str:
    return certificate.read(cfdi_xml.pac().certificate).number


def tfd(
    sello: str, *, uuid: str = UUID, at: str = "2026-03-10T12:00:05", version: str = "1.1", extra: str = ""
) -> bytes:
    """A TimbreFiscalDigital signed by the PAC of the tests."""
    text = (
        f'<tfd:TimbreFiscalDigital xmlns:tfd="{cadena.TFD}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{cadena.TFD} http://www.sat.gob.mx/sitio_internet/cfd/TimbreFiscalDigital/TimbreFiscalDigitalv11.xsd"'
        f' Version="{version}" UUID="{uuid}" FechaTimbrado="{at}" RfcProvCertif="SPR190613I52"{extra}'
        f' SelloCFD="{sello}" NoCertificadoSAT="{pac_number()}" SelloSAT="SEAL"/>'
    )
    signature = cfdi_xml.sign(cfdi_xml.pac(), cadena.of_timbre(parse(text.encode(), limit=LIMIT)))
    return text.replace("SEAL", signature).encode()


def sello_of(xml: bytes) -> str:
    return parse(xml, limit=LIMIT).get("Sello") or ""


def stamped(xml: bytes) -> bytes:
    return timbre.attach(xml, tfd(sello_of(xml)))


def check(answer: bytes, ours: bytes, **known: object) -> Timbre:
    return timbre.check(
        answer,
        ours,
        pac_certificates=known.get("pacs", {pac_number(): cfdi_xml.pac().certificate}),
        used=known.get("used", lambda uuid: False),
    )


# --- attach --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [PLAIN, LOCAL], ids=["without Complemento", "with Complemento"])
def test_attached_timbre_leaves_every_other_byte(made: Invoice, sat_data: SatData) -> None:
    ours = sealed(made)
    node = tfd(sello_of(ours))

    answer = timbre.attach(ours, node)

    assert answer.replace(node, b"").replace(b"<cfdi:Complemento></cfdi:Complemento>", b"") == ours
    root = parse(answer, limit=LIMIT)
    assert sat_data.schemas.validate(root) == []
    assert cadena.of(root) == cadena.of(parse(ours, limit=LIMIT))
    assert len(root.findall(f"{{{cadena.CFDI}}}Complemento")) == 1


def test_complement_named_in_a_text_is_not_taken_for_the_node() -> None:
    lines = (replace(PLAIN.lines[0], description="</cfdi:Complemento></cfdi:Comprobante>"),)
    ours = sealed(replace(PLAIN, lines=lines))

    assert check(stamped(ours), ours).uuid == UUID


def test_timbre_is_not_attached_to_something_else() -> None:
    with pytest.raises(ValueError, match="Comprobante"):
        timbre.attach(b"<a/>", b"<b/>")


# --- read ----------------------------------------------------------------------------------------------------------


def test_timbre_is_read() -> None:
    ours = sealed()
    node = tfd(sello_of(ours), uuid=UUID.upper(), extra=' Leyenda="Sin costo alguno"')

    found = timbre.read(parse(timbre.attach(ours, node), limit=LIMIT))

    assert found is not None
    assert (found.uuid, found.stamped_at) == (UUID, datetime(2026, 3, 10, 12, 0, 5))
    assert (found.rfc_pac, found.version, found.leyenda) == ("SPR190613I52", "1.1", "Sin costo alguno")
    assert (found.sello_cfd, found.certificate_number_sat) == (sello_of(ours), pac_number())
    assert len(base64.b64decode(found.sello_sat)) == 256


def test_document_without_timbre_has_none() -> None:
    assert timbre.read(parse(sealed(), limit=LIMIT)) is None


@pytest.mark.parametrize(
    ("uuid", "at"),
    [
        ("", "2026-03-10T12:00:05"),
        (f"{UUID}0", "2026-03-10T12:00:05"),
        (UUID, ""),
        (UUID, "2026-02-30T00:00:00"),
        (UUID, "2026-03-10"),
    ],
)
def test_timbre_without_uuid_or_date_is_refused(uuid: str, at: str) -> None:
    ours = sealed()
    answer = timbre.attach(ours, tfd(sello_of(ours), uuid=uuid, at=at))

    with pytest.raises(TimbreRefused):
        timbre.read(parse(answer, limit=LIMIT))
    with pytest.raises(TimbreRefused):
        check(answer, ours)


# --- check ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [PLAIN, LOCAL], ids=["without Complemento", "with Complemento"])
def test_stamped_document_is_accepted(made: Invoice) -> None:
    ours = sealed(made)

    assert check(stamped(ours), ours).sello_cfd == sello_of(ours)


def test_answer_may_be_written_in_other_words() -> None:
    ours = sealed(LOCAL)
    answer = stamped(ours).decode()
    answer = answer.replace("><cfdi:", ">\n  <cfdi:").replace("cfdi:", "c:").replace("xmlns:cfdi", "xmlns:c")
    answer = answer.replace("http://www.sat.gob.mx/sitio_internet/cfd/4/cfdv40.xsd", "cfdv40.xsd").replace(
        '"1500"', "'1500'"
    )
    answer = answer.replace("</c:Comprobante>", "<!-- PAC --><c:Addenda><x/></c:Addenda></c:Comprobante>")

    assert check(answer.encode(), ours).uuid == UUID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'ValorUnitario="1500"', b'ValorUnitario="1501"'),
        (b'Descripcion="', b'Descripcion=" '),
        (b' MetodoPago="PUE"', b""),
        (b' MetodoPago="PUE"', b' MetodoPago="PUE" Confirmacion="AAAAA"'),
        (b"</cfdi:Conceptos>", b"text</cfdi:Conceptos>"),
        (b"<cfdi:Conceptos>", b"<cfdi:Conceptos>text"),
        (b"<cfdi:Conceptos>", b"<cfdi:Conceptos><cfdi:Concepto/>"),
        (b"<cfdi:Emisor", b"<cfdi:InformacionGlobal/><cfdi:Emisor"),
        (b"<cfdi:Complemento>", b'<cfdi:Complemento><x xmlns="urn:x"/>'),
        (b"cfdi:Receptor", b"cfdi:Rezeptor"),
    ],
)
def test_answer_with_another_document_is_refused(old: bytes, new: bytes) -> None:
    ours = sealed()
    answer = stamped(ours)
    assert old in answer

    with pytest.raises(TimbreRefused, match="not the one that was sent"):
        check(answer.replace(old, new), ours)


def test_answer_with_another_seal_is_refused() -> None:
    ours = sealed()
    other = timbre.attach(ours, tfd(sello_of(sealed(LOCAL))))

    with pytest.raises(TimbreRefused, match="not of this document"):
        check(other, ours)


def test_answer_without_timbre_or_with_two_is_refused() -> None:
    ours = sealed()

    with pytest.raises(TimbreRefused, match="0 timbres"):
        check(ours, ours)
    with pytest.raises(TimbreRefused, match="2 timbres"):
        check(timbre.attach(stamped(ours), tfd(sello_of(ours))), ours)


def test_timbre_in_another_place_is_refused() -> None:
    ours = sealed()
    answer = ours.replace(
        b"</cfdi:Comprobante>", b"<cfdi:Addenda>" + tfd(sello_of(ours)) + b"</cfdi:Addenda></cfdi:Comprobante>"
    )

    with pytest.raises(TimbreRefused, match="not in Complemento"):
        check(answer, ours)


@pytest.mark.parametrize("answer", [b"", b"not XML", b"<!DOCTYPE a><a/>", b"<a>"])
def test_answer_that_is_no_xml_is_refused(answer: bytes) -> None:
    with pytest.raises(TimbreRefused):
        check(answer, sealed())


def test_uuid_of_another_document_is_refused() -> None:
    ours = sealed()

    with pytest.raises(TimbreRefused, match="another document"):
        check(stamped(ours), ours, used=lambda uuid: uuid == UUID)


def test_other_version_is_refused() -> None:
    ours = sealed()

    with pytest.raises(TimbreRefused, match="not of this document"):
        check(timbre.attach(ours, tfd(sello_of(ours), version="1.0")), ours)


@pytest.mark.parametrize(
    ("at", "is_good"),
    [
        ("2026-03-10T09:00:00", True),  # a PAC three zones west of the issuer
        ("2026-03-10T08:59:59", False),
        ("2026-03-13T12:00:00", True),
        ("2026-03-13T15:00:00", True),
        ("2026-03-13T15:00:01", False),
    ],
)
def test_timbre_is_of_the_72_hours_after_the_date(at: str, is_good: bool) -> None:
    ours = sealed()
    answer = timbre.attach(ours, tfd(sello_of(ours), at=at))

    if is_good:
        assert check(answer, ours).uuid == UUID
    else:
        with pytest.raises(TimbreRefused, match="72 hours"):
            check(answer, ours)


def test_unknown_pac_certificate_is_told_apart() -> None:
    ours = sealed()

    with pytest.raises(UnknownPac):
        check(stamped(ours), ours, pacs={})


def test_seal_of_somebody_else_is_refused() -> None:
    ours = sealed()
    answer = stamped(ours)

    for changed, pacs in (
        (answer, {pac_number(): cfdi_xml.csd().certificate}),
        (answer, {pac_number(): b"broken"}),
        (answer.replace(b"T12:00:05", b"T12:00:06"), {pac_number(): cfdi_xml.pac().certificate}),
        (answer.replace(b'SelloSAT="', b'SelloSAT="*'), {pac_number(): cfdi_xml.pac().certificate}),
    ):
        with pytest.raises(TimbreRefused, match="seal of the timbre"):
            check(changed, ours, pacs=pacs)


# --- addenda -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addenda",
    [
        "<pedido>77 &amp; 78</pedido>",
        '<?xml version="1.0"?>\n<acme:order acme:number="1">ñ</acme:order>',
        "<a/>\n<b/>",
    ],
)
def test_addenda_is_added_after_the_timbre(addenda: str, sat_data: SatData) -> None:
    ours = sealed(replace(PLAIN, namespaces=(Namespace("acme", "https://acme.example/v1"),)))
    answer = stamped(ours)

    with_addenda = timbre.add_addenda(answer, addenda)

    root = parse(with_addenda, limit=LIMIT)
    assert root[-1].tag == f"{{{cadena.CFDI}}}Addenda"
    assert with_addenda.startswith(answer.removesuffix(b"</cfdi:Comprobante>"))
    assert sat_data.schemas.validate(root) == []
    assert check(with_addenda, ours).uuid == UUID


@pytest.mark.parametrize(
    "addenda",
    [
        "",
        "text",
        "<a/> y <b/>",
        "y <b/>",
        "<a>",
        "<acme:order/>",
        "<a/></cfdi:Addenda><cfdi:Addenda>",
        "<a/></cfdi:Addenda><cfdi:Complemento/><cfdi:Addenda>",
        "<a/></cfdi:ComplementoConcepto><cfdi:ComplementoConcepto>",
        "<!DOCTYPE a><a/>",
        "<a>\x00</a>",
        "<a>\ud800</a>",
        "<a>" + "x" * CUSTOM_LIMIT + "</a>",
    ],
)
def test_hostile_addenda_is_refused(addenda: str) -> None:
    with pytest.raises(ComplementRefused):
        timbre.add_addenda(stamped(sealed()), addenda)


def test_second_addenda_is_refused() -> None:
    once = timbre.add_addenda(stamped(sealed()), "<a/>")

    with pytest.raises(ComplementRefused):
        timbre.add_addenda(once, "<a/>")
