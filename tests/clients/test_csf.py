"""POST /clients/csf over real PDFs (contract clients.md section 2)."""

import asyncio
import io
from typing import Any

import httpx
import pytest
import typst
from pypdf import PdfReader, PdfWriter

from factories.api import OTHER_TEAM, Api
from factories.csf import PERSON, SALARIES, Csf
from timbra.clients import csf, csf_child, csf_pages
from timbra.http.errors import InvalidFile
from timbra.http.multipart import Upload, UploadedFile

pytestmark = pytest.mark.anyio

KEMPER = Csf()
XOCHILT = Csf(
    rfc="CACX7605101P8",
    company=None,
    person=("XOCHILT", "CASAS", "CHAVEZ"),
    zip="36257",
    regimes=[
        ["Régimen de Incorporación Fiscal", "01/01/2014", "31/12/2021"],
        [PERSON, "01/01/2022", ""],
        [SALARIES, "15/03/2020", ""],
    ],
)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child for each test would take most of the time; test_csf_child.py has them."""
    monkeypatch.setattr(csf_pages, "_asked", csf_child.read)


@pytest.fixture(scope="module")
def kemper() -> bytes:
    return KEMPER.pdf()


async def send(
    api: Api, content: bytes | None, query: str = "", *, token: str = "test", **headers: str
) -> httpx.Response:
    files: dict[str, Any] = {"other": ("a.txt", b"x")}
    if content is not None:
        files = {"file": ("constancia.pdf", content, "application/pdf")}
    named = {"authorization": token, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await api.http.post(f"/v2/clients/csf{query}", files=files, headers=named)


async def test_a_company_becomes_a_client(api: Api, kemper: bytes) -> None:
    reply = await send(api, kemper)

    assert (reply.status_code, reply.json()["message"]) == (201, "Client created successfully"), reply.text
    data = reply.json()["data"]
    assert data.pop("csf") == {
        "tax_id": "EKU9003173C9",
        "id_cif": "14110863071",
        "issued_at": "2026-09-30",
        "register_status": "ACTIVO",
        "person_type": "company",
        "tax_systems": [{"code": "601", "name": "General de Ley Personas Morales", "since": "1990-03-17"}],
        "warnings": [],
    }
    shown = ("name", "legal_name", "tax_id", "tax_system", "from", "is_valid", "company", "email")
    assert {name: data[name] for name in shown} == {
        "name": "ESCUELA KEMPER URGATE",
        "legal_name": "ESCUELA KEMPER URGATE",
        "tax_id": "EKU9003173C9",
        "tax_system": "601",
        "from": "csf",
        "is_valid": True,
        "company": None,
        "email": None,
    }
    assert data["address"] == {
        "country": "MEX",
        "zip": "42501",
        "street": "HIDALGO",
        "exterior": "10",
        "interior": None,
        "neighborhood": "CENTRO",
        "municipality": "PACHUCA DE SOTO",
        "city": "PACHUCA DE SOTO",
        "state": "HIDALGO",
    }
    assert (api.events(), api.actions()) == ([("customer.created", data["id"])], ["client.create"])
    assert (await api.call("GET", f"/clients/{data['id']}")).json()["data"] == data


async def test_a_person_gets_the_newest_regime_in_force(api: Api) -> None:
    data = (await send(api, XOCHILT.pdf())).json()["data"]

    assert (data["legal_name"], data["tax_system"]) == ("XOCHILT CASAS CHAVEZ", "612")
    assert data["csf"]["person_type"] == "person"
    assert [row["code"] for row in data["csf"]["tax_systems"]] == ["605", "612"]


async def test_long_names_foreign_letters_and_tables_over_pages(api: Api) -> None:
    name = (
        "ASOCIACIÓN INTERDISCIPLINARIA DE PEÑA & MÜLLER-STRÖMBERG PARA LA INVESTIGACIÓN, DESARROLLO Y APLICACIÓN DE "
        "LA TECNOLOGÍA ŁÓDŹ ÇELİK EN LOS MUNICIPIOS DE LA SIERRA NORTE DE PUEBLA"
    )
    printed = Csf(rfc="OÑO120726RX3", company=name, street="DEL DR. O'HIGGINS #5 (ANTES =SUMA(A1))", gap=330)

    data = (await send(api, printed.pdf())).json()["data"]

    assert (data["tax_id"], data["legal_name"]) == ("OÑO120726RX3", name)
    assert data["name"] == name[:200].strip()
    assert data["address"]["street"] == "DEL DR. O'HIGGINS #5 (ANTES =SUMA(A1))"
    assert data["tax_system"] == "601"
    assert data["csf"]["warnings"] == []


@pytest.mark.parametrize("name", ['=HYPERLINK("HTTP://X.EXAMPLE")', "+SUMA(A1)", "@CMD|/C CALC", "<SCRIPT>{{7*7}}"])
async def test_a_formula_in_a_name_is_a_name(api: Api, name: str) -> None:
    data = (await send(api, Csf(company=name).pdf())).json()["data"]

    assert data["legal_name"] == name.replace("|", "/")


async def test_a_bar_in_a_name_is_replaced(api: Api) -> None:
    data = (await send(api, Csf(company="A|B CONSULTORES").pdf())).json()["data"]

    assert data["legal_name"] == "A/B CONSULTORES"


class TestWarnings:
    async def test_old_and_not_active(self, api: Api) -> None:
        printed = Csf(place="LEON , GUANAJUATO A 07 DE JULIO DE 2026", status="SUSPENDIDO", card_qr=None, last_qr=None)

        reply = await send(api, printed.pdf())

        assert reply.status_code == 201
        assert reply.json()["data"]["csf"]["warnings"] == [
            "Issued on 2026-07-07: older than 3 months",
            "The status in the register is SUSPENDIDO, not ACTIVO",
            "The QR code could not be read, so it was not compared with the text",
        ]

    async def test_three_months_to_the_day_are_fresh(self, api: Api) -> None:
        printed = Csf(place="LEON , GUANAJUATO A 09 DE JULIO DE 2026")  # today is 9 October in Mexico City

        api.clock.advance(86_400_000)

        assert (await send(api, printed.pdf())).json()["data"]["csf"]["warnings"] == []


class TestUpdate:
    async def client(self, api: Api, **fields: Any) -> dict[str, Any]:
        body = {"name": "Kemper", "email": "a@b.mx", "metadata": {"k": "v"}, **fields}
        return (await api.call("POST", "/clients", body)).json()["data"]

    async def test_what_the_file_says_replaces_what_was_known(self, api: Api, kemper: bytes) -> None:
        before = await self.client(
            api, tax_id="EKU9003173C9", legal_name="ESCUELA", address={"zip": "01000", "interior": "9"}
        )

        reply = await send(api, kemper, f"?client_id={before['id']}")

        assert (reply.status_code, reply.json()["message"]) == (200, "Client updated successfully")
        after = reply.json()["data"]
        assert (after["name"], after["email"], after["metadata"]) == ("Kemper", "a@b.mx", {"k": "v"})
        assert (after["legal_name"], after["address"]["zip"]) == ("ESCUELA KEMPER URGATE", "42501")
        assert after["address"]["interior"] is None
        assert (after["from"], after["is_valid"]) == ("api", True)
        assert api.events()[-1] == ("customer.updated", before["id"])
        assert api.actions() == ["client.create", "client.update"]

    async def test_the_present_regime_stays_when_it_is_listed(self, api: Api) -> None:
        before = await self.client(api, tax_id="CACX7605101P8", tax_system="605")

        after = (await send(api, XOCHILT.pdf(), f"?client_id={before['id']}")).json()["data"]

        assert after["tax_system"] == "605"

    @pytest.mark.parametrize("rfc", [None, "XAXX010101000", "XEXX010101000"])
    async def test_no_rfc_and_generic_ones_are_replaced(self, api: Api, kemper: bytes, rfc: str | None) -> None:
        before = await self.client(api, tax_id=rfc)

        reply = await send(api, kemper, f"?client_id={before['id']}")

        assert (reply.status_code, reply.json()["data"]["tax_id"]) == (200, "EKU9003173C9")

    async def test_the_same_file_again_changes_nothing(self, api: Api, kemper: bytes) -> None:
        client = (await send(api, kemper)).json()["data"]
        api.clock.advance(60_000)

        again = await send(api, kemper, f"?client_id={client['id']}")

        assert again.json()["data"] == client
        assert len(api.events()) == 1

    async def test_another_rfc_is_a_conflict(self, api: Api, kemper: bytes) -> None:
        before = await self.client(api, tax_id="XIA190128J61")

        reply = await send(api, kemper, f"?client_id={before['id']}")

        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "resource_conflict")
        assert (await api.call("GET", f"/clients/{before['id']}")).json()["data"] == before

    @pytest.mark.parametrize("token", ["live", f"test-{OTHER_TEAM}", "unknown"])
    async def test_a_client_that_is_not_there(self, api: Api, kemper: bytes, token: str) -> None:
        before = await self.client(api)
        wanted = "client_01K9ZE2M4Q6S8V0X1Z3B5D7F9H" if token == "unknown" else before["id"]

        reply = await send(api, kemper, f"?client_id={wanted}", token="test" if token == "unknown" else token)

        assert (reply.status_code, reply.json()["error"]["details"]) == (404, ["client_id: not found"])
        assert len(api.events()) == 1


async def test_a_repeated_key_gives_the_same_client(api: Api, kemper: bytes) -> None:
    replies = [await send(api, kemper, idempotency_key="csf-1") for _ in range(2)]

    assert replies[0].json() == replies[1].json()
    assert len(api.events()) == 1


# --- files that are refused ------------------------------------------------------------------------------------------


async def refused(api: Api, content: bytes | None, status: int = 400, code: str = "invalid_file_format") -> str:
    reply = await send(api, content)

    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text[:500]
    assert (api.events(), api.actions()) == ([], [])
    return str(reply.json()["message"])


async def unread(content: bytes) -> str:
    """Why the file is refused, before anything of the database is looked at."""
    form = Upload({}, {"file": UploadedFile("c.pdf", "application/pdf", content)})
    with pytest.raises(InvalidFile) as refusal:
        await csf.read(form, asyncio.Semaphore(1))
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_file_format")
    return refusal.value.message


def encrypted(pdf: bytes, user: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt(user_password=user, owner_password="owner", algorithm="AES-256-R5")
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def pages(pdf: bytes, count: int) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    for _ in range(count - len(writer.pages)):
        writer.add_blank_page()
    return written(writer)


class TestRefused:
    async def test_no_file(self, api: Api) -> None:
        message = await refused(api, None, code="missing_required_field")

        assert message.startswith("file: is required")

    async def test_an_empty_file(self, api: Api) -> None:
        await refused(api, b"", code="file_upload_error")

    async def test_more_than_five_mebibytes(self, api: Api, kemper: bytes) -> None:
        await refused(api, kemper.ljust(5 * 1024 * 1024 + 1), 413, "file_upload_error")

    async def test_more_than_ten_mebibytes(self, api: Api, kemper: bytes) -> None:
        await refused(api, kemper.ljust(10 * 1024 * 1024 + 1), 413, "file_upload_error")

    async def test_just_five_mebibytes_are_read(self, api: Api, kemper: bytes) -> None:
        reply = await send(api, kemper.ljust(5 * 1024 * 1024))

        assert reply.status_code == 201

    async def test_a_refused_file_leaves_nothing(self, api: Api, kemper: bytes) -> None:
        assert "encrypted" in await refused(api, encrypted(kemper, "secret"))

    @pytest.mark.parametrize(
        "content",
        [b"\x89PNG\r\n\x1a\n" + b"x" * 100, b"\xff\xd8\xff\xe0JFIF", b"PK\x03\x04" + b"x" * 100, b" %PDF-1.7", b"x"],
        ids=["png", "jpeg", "zip", "blank first", "letter"],
    )
    async def test_what_is_no_pdf(self, content: bytes) -> None:
        assert await unread(content) == "The file is not a PDF"

    @pytest.mark.parametrize("content", [b"%PDF-", b"%PDF-1.7\n\xff\xd8\xff" * 50, b"%PDF-1.4\n1 0 obj<<>>endobj"])
    async def test_what_only_begins_like_one(self, content: bytes) -> None:
        assert await unread(content) == "The file is not a PDF that can be read"

    @pytest.mark.parametrize("user", ["secret", ""], ids=["password", "owner only"])
    async def test_encrypted(self, kemper: bytes, user: str) -> None:
        assert "encrypted" in await unread(encrypted(kemper, user))

    async def test_more_than_twenty_pages(self, kemper: bytes) -> None:
        assert "20 pages" in await unread(pages(kemper, 21))

    async def test_twenty_pages_are_read(self, api: Api, kemper: bytes) -> None:
        assert (await send(api, pages(kemper, 20))).status_code == 201

    async def test_a_picture_without_text(self) -> None:
        assert "has no text" in await unread(typst.compile(b"#rect(width: 4cm)"))

    async def test_another_document(self) -> None:
        assert "title" in await unread(typst.compile("Opinión del cumplimiento EKU9003173C9".encode()))

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"qr_rfc": "XIA190128J61"}, "its QR code is of another taxpayer"),
            ({"qr_id_cif": "99999999999"}, "its QR code is of another taxpayer"),
            ({"card_qr": "https://siat-sat.example/{rfc}", "last_qr": None}, "its QR code does not lead to SAT"),
            ({"seal_rfc": "XIA190128J61"}, "it names several RFCs"),
            ({"regimes": []}, "no regime was found"),
        ],
        ids=["rfc", "number", "elsewhere", "seal", "no regime"],
    )
    async def test_one_that_contradicts_itself(self, changes: dict[str, Any], reason: str) -> None:
        assert reason in await unread(Csf(**changes).pdf())
