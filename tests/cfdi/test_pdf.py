import io
import re
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
import segno
from lxml import etree
from printed_cfdi import TEXTS, UUID, Printed, document, noise, render
from pypdf import PdfReader

from timbra.cfdi.parse import parse
from timbra.cfdi.pdf import ASSETS, Brand, Renderer, from_document
from timbra.cfdi.pdf.labels import LEGEND
from timbra.cfdi.pdf.qr import MASK, svg

HOSTILE = '#eval("1+1") $x^2$ *bold* _it_ `raw` <tag> @ref // no /* c */ {{7*7}} #import "a.typ" -> 3x4 & Ñ'


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(ASSETS)


def pages(pdf: bytes) -> list[str]:
    """The words of each page, in reading order, one blank between them."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def squeezed(text: str) -> str:
    return "".join(text.split())


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\x00" + b"\x0f\x76\x6e" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_prints_what_every_invoice_must_show(renderer: Renderer) -> None:
    [page] = pages(render(Printed(conditions="30 días netos"), renderer=renderer))

    for words in (
        "Factura A-124",
        "ESCUELA KEMPER URGATE EKU9003173C9",
        "UNIVERSIDAD ROBOTICA ESPAÑOLA URE180429TM6",
        "601 General de Ley Personas Morales",
        "86991",
        "G03 Gastos en general",
        UUID,
        "I Ingreso",
        "22 nov 2026, 10:04:31",
        "22 nov 2026, 10:04:35",
        "42501",
        "30001000000500003416",
        "30001000000500003456",
        "SPR190613I52",
        "Computadora portátil de 14 pulgadas",
        "Clave 43211503 · No. ident. LAP-14 · Obj. imp. 02",
        "IVA 16% 260.00 · Ret. ISR 1.25% −20.31",
        "H87 Pieza",
        "812.50",
        "1,625.00",
        "Subtotal 5,250.00",
        "IVA 16% sobre 5,250.00 840.00",
        "Ret. ISR −65.62",
        "Total 6,024.38 MXN",
        "SEIS MIL VEINTICUATRO PESOS 38/100 M.N.",
        "PUE Pago en una sola exhibición",
        "03 Transferencia electrónica de fondos",
        "30 días netos",
        "MXN Peso Mexicano",
        "01 No aplica",
        LEGEND,
        "Página 1 de 1",
    ):
        assert words in page
    for seal in (noise("sello"), noise("sat"), f"||1.1|{UUID}|2026-11-22T10:04:35|SPR190613I52|{noise('sello')}|"):
        assert seal in squeezed(page)
    assert "SIN VALIDEZ" not in page
    assert "CANCELADO" not in page


def test_prints_in_english_with_the_spanish_legend(renderer: Renderer) -> None:
    [page] = pages(render(Printed(kind="E", currency="USD", exchange_rate="18.9008"), language="en", renderer=renderer))

    for words in (
        "Credit note",
        "G03 General expenses",
        "03 Electronic funds transfer",
        "VAT 16% 260.00 · Withheld ISR 1.25% −20.31",
        "18.9008 MXN",
        "Total 6,024.38 USD",
        "SIX THOUSAND TWENTY-FOUR US DOLLARS 38/100 USD",
        "22 Nov 2026, 10:04:31",
        LEGEND,
        "Page 1 of 1",
    ):
        assert words in page


def test_prints_what_only_some_documents_have(renderer: Renderer) -> None:
    text = " ".join(
        pages(render(Printed(extra=True, discount=True), notes="Gracias\npor su compra", renderer=renderer))
    )

    for words in (
        "26 48 3420 7010987",
        "Cuenta predial 15956011002",
        "15101514 SP16, permiso PER01 PL/1234/EXP/",  # breaks at the column's edge,
        "A cuenta de terceros: JUFA7608212V6 ADRIANA JUAREZ FERNANDEZ, 612",
        "25201513 2 × Cargador USB-C",
        "Impuesto sobre hospedaje 3% 51.00",
        "Ret. 5 al millar 0.5% −8.50",
        "Descuento −362.50",
        "04 Sustitución de los CFDI previos",
        UUID[:-1] + "1",
        UUID[:-1] + "2",
        "01 Diario · 11 Noviembre · 2026",
        "Gracias por su compra",
    ):
        assert words in text


@pytest.mark.parametrize("name", ["issuer_name", "receiver_name", "description", "conditions"])
def test_text_of_users_is_printed_and_never_run(renderer: Renderer, name: str) -> None:
    text = " ".join(pages(render(Printed(lines=1, **{name: HOSTILE}), renderer=renderer)))

    assert squeezed(HOSTILE) in squeezed(text)


def test_hostile_notes_numbers_and_brand_are_printed(renderer: Renderer) -> None:
    made = Printed(lines=1, head={"Serie": "#" * 25, "Folio": "$" * 40})
    brand = Brand(alias=HOSTILE, contact=(HOSTILE,))

    text = squeezed(" ".join(pages(render(made, brand=brand, notes=HOSTILE, renderer=renderer))))

    assert text.count(squeezed(HOSTILE)) == 3
    assert "#" * 25 + "-" + "$" * 40 in text.replace("\u200b", "")


def test_direction_marks_cannot_turn_a_name_around(renderer: Renderer) -> None:
    text = " ".join(pages(render(Printed(lines=1, receiver_name="ACME \u202egnp.exe\u202c SA"), renderer=renderer)))

    assert "ACME gnp.exe SA" in text


@pytest.mark.parametrize(
    ("made", "test_mode", "canceled", "expected"),
    [
        (Printed(lines=1), False, False, (False, False)),
        (Printed(lines=1), True, False, (True, False)),
        (Printed(lines=1, stamped=False), False, False, (True, False)),
        (Printed(lines=1), False, True, (False, True)),
        (Printed(lines=1), True, True, (True, True)),
    ],
)
def test_watermarks(
    renderer: Renderer, *, made: Printed, test_mode: bool, canceled: bool, expected: tuple[bool, bool]
) -> None:
    [page] = pages(render(made, test_mode=test_mode, canceled=canceled, renderer=renderer))

    assert ("SINVALIDEZFISCAL" in squeezed(page), "CANCELADO" in squeezed(page)) == expected


def test_unstamped_document_has_no_seals_and_no_stamp_date(renderer: Renderer) -> None:
    [page] = pages(render(Printed(lines=1, stamped=False), renderer=renderer))

    assert "Sin timbrar" in page
    assert "Certificación" not in page
    assert "SELLO" not in page


@pytest.mark.parametrize("lines", [7, 10, 11, 12, 40, 100])
def test_further_pages_repeat_the_table_head_and_totals_stay_together(renderer: Renderer, lines: int) -> None:
    printed = pages(render(Printed(lines=lines), renderer=renderer, test_mode=True))

    for number, page in enumerate(printed, 1):
        assert ("DESCRIPCIÓN" in page) == ("Clave " in page)
        assert page.count("DESCRIPCIÓN") <= 1
        assert LEGEND in page
        assert f"Página {number} de {len(printed)}" in page
        assert "SINVALIDEZFISCAL" in squeezed(page)
        assert ("Subtotal" in page) == ("Total" in page.replace("Subtotal", "")) == ("IMPORTE CON LETRA" in page)
        assert number == 1 or "ESCUELA KEMPER URGATE" in page
    assert sum(page.count("Clave ") for page in printed) == lines
    assert sum(page.count("Subtotal") for page in printed) == 1


def test_a_description_longer_than_a_page_goes_on_to_the_next(renderer: Renderer) -> None:
    printed = pages(render(Printed(lines=1, description="palabra " * 4000), renderer=renderer))

    assert sum(page.count("palabra") for page in printed) == 4000
    assert len(printed) > 1


def test_equal_arguments_give_equal_bytes(renderer: Renderer) -> None:
    assert render(Printed(), renderer=renderer) == render(Printed(), renderer=Renderer(ASSETS))


def test_threads_print_their_own_documents(renderer: Renderer) -> None:
    names = [f"CLIENTE {number}" for number in range(12)]
    alone = [render(Printed(lines=2, receiver_name=name), renderer=renderer) for name in names]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: render(Printed(lines=2, receiver_name=name), renderer=renderer), names))

    assert together == alone


def test_only_the_shipped_font_and_one_of_the_engine_are_embedded(renderer: Renderer) -> None:
    [page] = PdfReader(io.BytesIO(render(Printed(), renderer=renderer))).pages

    fonts = {font.get_object()["/BaseFont"].split("+")[1] for font in page["/Resources"]["/Font"].values()}

    assert fonts == {"Inter-Regular-Identity-H", "Inter-SemiBold-Identity-H", "DejaVuSansMono"}


def test_logo_takes_the_place_of_the_name(renderer: Renderer) -> None:
    plain = pages(render(Printed(), renderer=renderer))[0]
    pdf = render(Printed(), brand=Brand(logo_png=png(300, 90)), renderer=renderer)

    assert [(image.image.width, image.image.height) for image in PdfReader(io.BytesIO(pdf)).pages[0].images] == [
        (300, 90)
    ]
    assert plain.count("ESCUELA KEMPER URGATE") == 2
    assert pages(pdf)[0].count("ESCUELA KEMPER URGATE") == 1


@pytest.mark.parametrize("color", ["red", "#12", "#12345g", '#fff") #eval("1")', "#FFFFFF00"])
def test_brand_refuses_what_is_no_color(color: str) -> None:
    with pytest.raises(ValueError, match="color"):
        Brand(primary_color=color)


@pytest.mark.parametrize("logo", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, png(4000, 501)])
def test_brand_refuses_what_is_no_small_png(logo: bytes) -> None:
    with pytest.raises(ValueError, match="logo"):
        Brand(logo_png=logo)


def test_light_brand_colors_are_darkened_for_text_only() -> None:
    brand = Brand(primary_color="#FF0")

    assert (brand.accent, brand.second, brand.ink) == ("#ffff00", "#ffff00", "#7a7a00")
    assert Brand(primary_color="#0f766e").ink == "#0f766e"


def test_view_of_another_document_is_refused() -> None:
    with pytest.raises(Exception, match="not a CFDI"):
        from_document(etree.fromstring("<a/>"), texts=TEXTS)


def test_public_samples_are_printed(renderer: Renderer, sat_samples: Path) -> None:
    for path in sorted((sat_samples / "samples").glob("[EI]_*.xml")):
        view = from_document(parse(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), limit=10**6), texts=TEXTS)
        for language in ("es", "en"):
            pdf = renderer.render(view, language=language, brand=Brand(), test_mode=False)
            assert view.cfdi.receiver.rfc in " ".join(pages(pdf)), path.name


def test_qr_holds_the_address_of_the_document() -> None:
    view = from_document(document(Printed(receiver_name="X")), texts=TEXTS)

    assert view.verification_url == (
        f"https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx?id={UUID}"
        f"&re=EKU9003173C9&rr=URE180429TM6&tt=6024.38&fe={quote(noise('sello')[-8:], safe='')}"
    )


def test_qr_is_drawn_module_by_module() -> None:
    matrix = segno.make_qr("timbra", error="M", mask=MASK, boost_error=False).matrix

    drawn = [[0] * len(matrix) for _ in matrix]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg("timbra")):
        for column in range(int(x), int(x) + int(length)):
            drawn[int(y)][column] = 1

    assert drawn == [list(row) for row in matrix]
