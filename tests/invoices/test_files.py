"""Files of a document: links, bytes, names, ends."""

import base64
from typing import Any

import pytest

from timbra.cfdi.pdf.render import Renderer
from world import NOON_MS, World

WEEK_S = 7 * 86_400


@pytest.fixture(autouse=True)
def _quick_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed page is not what is tested here: its language and its marks are."""

    def render(self: Renderer, view: Any, **how: Any) -> bytes:
        return f"%PDF {how['language']} test={how['test_mode']} canceled={how['canceled']} {how['notes']}".encode()

    monkeypatch.setattr(Renderer, "render", render)


def test_links_to_every_file(world: World) -> None:
    invoice = world.issue(series="F", folio_number=9)
    uuid = invoice["uuid"]

    reply = world.api.get(f"/invoices/{uuid}/files")

    assert (reply.status, reply.message) == (200, "Invoice files retrieved successfully")
    assert sorted(reply.data) == ["expires_at", "pdf", "xml"]
    assert reply.data["expires_at"] == NOON_MS // 1000 + WEEK_S
    for kind, media_type in (("pdf", "application/pdf"), ("xml", "application/xml")):
        assert f"exp={NOON_MS // 1000 + WEEK_S}&sig=" in reply.data[kind]
        file = world.api.get(reply.data[kind], authorization="").raw
        assert (file.status_code, file.headers["content-type"]) == (200, media_type)
        assert file.headers["content-disposition"] == f'attachment; filename="F9_{uuid}.{kind}"'
        assert file.headers["x-content-type-options"] == "nosniff"


def test_the_xml_is_the_stored_one_to_the_byte(world: World) -> None:
    uuid = world.issue()["uuid"]
    stored = bytes(world.query("select content from invoice_files where kind = 'stamped'")[0][0])

    xml = world.xml(uuid)

    assert xml == stored
    assert world.verdict(xml).valid
    link = world.api.get(f"/invoices/{uuid}/files?file_type=xml").data["xml"]
    assert world.api.get(link, authorization="").raw.content == stored


def test_the_links_of_the_invoice_itself(world: World) -> None:
    invoice = world.issue(return_files_urls=True)

    for links in (invoice["files"], world.show(invoice["uuid"])["files"]):
        assert world.api.get(links["xml"], authorization="").raw.content == world.xml(invoice["uuid"])
        assert world.api.get(links["pdf"], authorization="").raw.content.startswith(b"%PDF es")


def test_return_files_is_the_same(world: World) -> None:
    assert world.issue(return_files=True)["files"]["xml"].startswith("https://")


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_one_kind(world: World, kind: str) -> None:
    data = world.api.get(f"/invoices/{world.issue()['uuid']}/files?file_type={kind}").data

    assert sorted(data) == ["expires_at", kind] if kind == "pdf" else sorted([kind, "expires_at"])


def test_inline_is_base64(world: World) -> None:
    uuid = world.issue()["uuid"]

    data = world.api.get(f"/invoices/{uuid}/files?inline=true&lang=en").data

    assert sorted(data) == ["pdf", "xml"]
    assert base64.b64decode(data["xml"]) == world.xml(uuid)
    assert base64.b64decode(data["pdf"]).startswith(b"%PDF en test=True canceled=False")


def test_the_language_of_the_pdf(world: World) -> None:
    uuid = world.issue(invoice_pdf_notes="Gracias")["uuid"]
    path = f"/invoices/{uuid}/pdf"
    link = world.api.get(f"/invoices/{uuid}/files?lang=en").data["pdf"]

    assert world.api.get(path).raw.content == b"%PDF es test=True canceled=False Gracias"
    assert world.api.get(f"{path}?lang=en").raw.content.startswith(b"%PDF en")
    assert world.api.get(link, authorization="").raw.content.startswith(b"%PDF en")
    world.settings(pdf_language="en")
    assert world.api.get(path).raw.content.startswith(b"%PDF en")


def test_a_canceled_invoice_prints_so_and_has_an_acuse(world: World) -> None:
    uuid = world.issue()["uuid"]
    xml = world.xml(uuid)
    world.api.get(f"/invoices/{uuid}/pdf")
    world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

    data = world.api.get(f"/invoices/{uuid}/files").data

    assert sorted(data) == ["acuse", "expires_at", "pdf", "xml"]
    acuse = world.api.get(data["acuse"], authorization="").raw
    assert acuse.headers["content-type"] == "application/xml"
    assert acuse.content == world.api.get(f"/invoices/{uuid}/acuse").raw.content
    assert b"canceled=True" in world.api.get(f"/invoices/{uuid}/pdf").raw.content
    assert world.xml(uuid) == xml


def test_a_link_ends(world: World) -> None:
    link = world.api.get(f"/invoices/{world.issue()['uuid']}/files").data["xml"]

    world.clock.advance(WEEK_S * 1000)
    assert world.api.get(link, authorization="").status == 200
    world.clock.advance(1_000)
    reply = world.api.get(link, authorization="")

    assert (reply.status, reply.error_code) == (404, "file_not_found")


def test_every_changed_character_of_a_link_is_refused(world: World) -> None:
    link = world.api.get(f"/invoices/{world.issue()['uuid']}/files").data["xml"]
    start = link.index("/files/") + len("/files/")
    signature = link.index("sig=") + len("sig=")

    for at in [*range(start, link.index("?")), *range(link.index("exp=") + 4, link.index("&")),
               *range(signature, len(link), 8)]:  # fmt: skip
        wrong = link[:at] + chr(ord(link[at]) ^ 1) + link[at + 1 :]
        reply = world.api.get(wrong, authorization="")
        assert (reply.status, reply.error_code) in [(404, "file_not_found"), (404, "resource_not_found")], wrong


@pytest.mark.parametrize("query", ["", "?exp=1791999999", "?sig=00", "?exp=&sig=", "?exp=x&sig=x"])
def test_a_link_without_its_signature(world: World, query: str) -> None:
    invoice = world.issue()

    reply = world.api.get(f"/files/xml_{invoice['internal_id']}{query}", authorization="")

    assert (reply.status, reply.error_code) == (404, "file_not_found")


class TestRefusals:
    @pytest.mark.parametrize("query", ["file_type=doc", "inline=maybe", "lang=fr"])
    def test_parameters(self, world: World, query: str) -> None:
        reply = world.api.get(f"/invoices/{world.issue()['uuid']}/files?{query}")

        assert (reply.status, reply.error_code) == (400, "invalid_field_value")
        assert [path for path, _ in reply.paths] == [query.partition("=")[0]]

    @pytest.mark.parametrize("path", ["files", "xml", "pdf", "acuse", "cancellation"])
    def test_before_the_stamp_and_after_a_refusal(self, world: World, path: str) -> None:
        waiting = world.api.post("/invoices/income", world.sale(**{"async": True})).data["id"]
        failed = world.api.post("/invoices/income", world.sale(metadata={"sandbox": "reject:CFDI40147"}))

        for id_ in (waiting, failed.error["invoice"]["id"]):
            reply = world.api.get(f"/invoices/{id_}/{path}")
            assert (reply.status, reply.error_code) == (404, "file_not_found")

    @pytest.mark.parametrize("path", ["files?file_type=acuse", "acuse"])
    def test_no_acuse_before_the_end(self, world: World, path: str) -> None:
        uuid = world.issue(metadata={"sandbox_cancel": "pending"})["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        reply = world.api.get(f"/invoices/{uuid}/{path}")

        assert (reply.status, reply.error_code) == (404, "file_not_found")

    def test_an_unknown_document(self, world: World) -> None:
        for path in ("files", "xml", "pdf", "acuse"):
            reply = world.api.get(f"/invoices/inv_01KKCA5N8R2T4V6X8Z0B1D3F5H/{path}")
            assert (reply.status, reply.error_code) == (404, "resource_not_found")


def test_a_real_pdf(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    content = world.api.get(f"/invoices/{world.issue()['uuid']}/pdf").raw.content

    assert content.startswith(b"%PDF-1.")
    assert len(content) > 10_000
