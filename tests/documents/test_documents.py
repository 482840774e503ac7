import hashlib
from pathlib import Path
from typing import Any

import pytest

from factories.uploads import JPEG, PDF, PNG, PROOF, WEBP, send, upload
from timbra.documents.model import PER_PARENT, media_type_of, safe_file_name
from timbra.http.multipart import FILE_LIMIT_BYTES
from world import DAY_MS, NOON_MS, World

UNKNOWN = "client_01K9ZE2M4Q6S8V0X1Z3B5D7F9H"


@pytest.fixture
def path(world: World) -> str:
    return f"/clients/{world.university()}/support-documents"


def stored(world: World) -> list[Path]:
    return [found for found in (world.folder / "files").rglob("*") if found.is_file()]


def refused(world: World, path: str, status: int, code: str, content: bytes | None = PDF, **given: Any) -> Any:
    """Nothing is stored, no file is left."""
    with world.unchanged():
        reply = upload(world.api, path, content, **given)
    assert (reply.status, reply.error_code) == (status, code), reply.json
    assert (world.rows("support_documents"), stored(world)) == (0, [])
    return reply


class TestUpload:
    def test_document_object(self, world: World, path: str) -> None:
        client = world.university()

        reply = upload(world.api, path, fields={**PROOF, "description": "Transferencia\nde octubre"})

        assert (reply.status, reply.message) == (201, "Support document uploaded successfully")
        assert reply.json["timestamp"] == "2026-10-09T18:00:00.000Z"
        owner = world.query("select owner from teams where id = :t", t=world.team_id)[0][0]
        id_, url = reply.data["id"], reply.data["file_url"]
        assert reply.data == {
            "id": id_, "document_type": "payment_proof", "name": "comprobante.pdf",
            "description": "Transferencia\nde octubre", "file_url": url, "file_name": "comprobante.pdf",
            "file_size": len(PDF), "mime_type": "application/pdf", "compliance_status": "pending_review",
            "compliance_notes": None, "valid_from": None, "valid_until": None, "ai_extraction": None, "audits": [],
            "created_at": NOON_MS, "created_by": owner, "updated_at": NOON_MS,
            "linked_entities": [{"entity_type": "client", "entity_id": client, "linked_at": NOON_MS}],
        }  # fmt: skip
        assert id_.startswith("doc_")
        assert f"exp={(NOON_MS + DAY_MS) // 1000}" in url

    def test_row_and_file_are_there_and_audited(self, world: World, path: str) -> None:
        id_ = upload(world.api, path).data["id"]

        digest = hashlib.sha256(PDF).hexdigest()
        [file] = stored(world)
        assert (file.name, file.read_bytes()) == (f"{id_}.{digest}", PDF)
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        [(action, resource, changes)] = world.query(
            "select action, resource_id, changes from audit_log where action like 'document%'"
        )
        assert (action, resource) == ("document.create", id_)
        assert digest in changes
        assert world.events(of="document") == []

    @pytest.mark.parametrize(
        ("content", "kind"),
        [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")],
    )
    def test_kind_is_told_by_the_content(self, world: World, path: str, content: bytes, kind: str) -> None:
        reply = upload(world.api, path, content, name="renamed.pdf")

        assert (reply.status, reply.data["mime_type"], reply.data["file_name"]) == (201, kind, "renamed.pdf")

    def test_both_spellings_of_the_type_and_any_case(self, world: World, path: str) -> None:
        reply = upload(world.api, path, fields={"document_type": "Contract", "name": "  Contrato  marco "})

        assert (reply.data["document_type"], reply.data["name"]) == ("contract", "Contrato  marco")

    def test_same_file_twice_is_two_documents(self, world: World, path: str) -> None:
        ids = {upload(world.api, path).data["id"] for _ in range(2)}

        assert (len(ids), len(stored(world))) == (2, 2)

    def test_idempotency_key_is_one_document(self, world: World, path: str) -> None:
        first = upload(world.api, path, idempotency_key="k-1")
        again = upload(world.api, path, idempotency_key="k-1")
        other = upload(world.api, path, PNG, idempotency_key="k-1")

        assert again.data["id"] == first.data["id"]
        assert again.header("Idempotent-Replayed") == "true"
        assert (other.status, other.error_code) == (409, "resource_conflict")
        assert len(stored(world)) == 1

    def test_exactly_ten_mebibytes(self, world: World, path: str) -> None:
        reply = upload(world.api, path, PDF + bytes(FILE_LIMIT_BYTES - len(PDF)))

        assert (reply.status, reply.data["file_size"]) == (201, FILE_LIMIT_BYTES)


class TestRefusals:
    def test_one_byte_too_many(self, world: World, path: str) -> None:
        refused(world, path, 413, "file_upload_error", PDF + bytes(FILE_LIMIT_BYTES - len(PDF) + 1))

    def test_far_too_large(self, world: World, path: str) -> None:
        refused(world, path, 413, "file_upload_error", bytes(FILE_LIMIT_BYTES + 100_000))

    def test_empty_file(self, world: World, path: str) -> None:
        refused(world, path, 400, "file_upload_error", b"")

    @pytest.mark.parametrize(
        "content", [b"MZ\x90\x00", b"PK\x03\x04", b"GIF89a", b"<svg/>", b" " * 1024 + b"%PDF-1.7", b"%PD", b"\x00"]
    )
    def test_other_kinds_named_pdf(self, world: World, path: str, content: bytes) -> None:
        reply = refused(world, path, 400, "invalid_file_format", content)

        assert reply.paths == [("file", "format")]

    def test_nothing_at_all(self, world: World, path: str) -> None:
        reply = refused(world, path, 400, "missing_required_field", None, fields={"name": "x"})

        assert reply.paths == [("file", "required"), ("documentType", "required")]

    def test_every_problem_at_once(self, world: World, path: str) -> None:
        fields = {
            "documentType": "passport",
            "name": "x" * 201,
            "description": "x" * 1_001,
            "team": world.founded.rival_id,
        }

        reply = refused(world, path, 400, "invalid_field_value", fields=fields)

        assert {place for place, _ in reply.paths} == {"documentType", "name", "description", "team"}

    @pytest.mark.parametrize("names", [("file", "file"), ("file", "other")])
    def test_two_files(self, world: World, path: str, names: tuple[str, str]) -> None:
        with world.unchanged():
            reply = send(world.api, path, PROOF, [(name, ("a.pdf", PDF, "application/pdf")) for name in names])

        assert (reply.status, reply.error_code, reply.paths) == (400, "invalid_field_value", [("file", "max_items")])

    def test_json(self, world: World, path: str) -> None:
        with world.unchanged():
            reply = world.api.post(path, {"documentType": "contract"})

        assert (reply.status, reply.error_code) == (400, "invalid_request_body")

    @pytest.mark.parametrize(
        "body", [b"--x\r\nnonsense", b"", b'--x\r\nContent-Disposition: form-data; name="file"; fi']
    )
    def test_broken_form(self, world: World, path: str, body: bytes) -> None:
        with world.unchanged():
            reply = world.api.post(path, body, content_type="multipart/form-data; boundary=x")

        assert reply.status == 400
        assert reply.error_code in ("file_upload_error", "missing_required_field")

    @pytest.mark.parametrize("parent", [f"/clients/{UNKNOWN}", "/invoices/00000000-0000-4000-8000-000000000000"])
    def test_unknown_parent(self, world: World, parent: str) -> None:
        refused(world, f"{parent}/support-documents", 404, "resource_not_found")

    def test_bad_file_is_told_before_an_unknown_parent(self, world: World) -> None:
        refused(world, f"/clients/{UNKNOWN}/support-documents", 400, "invalid_file_format", b"GIF89a")

    def test_parent_of_another_team_or_mode(self, world: World, path: str) -> None:
        for api in (world.rival, world.live):
            with world.unchanged():
                assert upload(api, path).status == 404
                assert api.get(path).status == 404

    def test_one_hundred_are_enough(self, world: World, path: str) -> None:
        first = upload(world.api, path).data["id"]
        columns = (
            "livemode, parent_kind, parent_id, document_type, name, file_name, file_size, mime_type, sha256, created_by"
        )
        sql = (
            f"insert into support_documents (team_id, id, created_ms, {columns}) "
            f"select team_id, '{{}}', created_ms, {columns} from support_documents where id = '{first}'"
        )
        for number in range(PER_PARENT - 1):
            world.database.write_sync(lambda tx, n=number: tx.connection.exec_driver_sql(sql.format(f"doc_{n}")))

        with world.unchanged():
            reply = upload(world.api, path)

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert len(stored(world)) == 1
        assert world.api.get(path).json["total_results"] == PER_PARENT

    def test_racing_uploads_stop_at_one_hundred(self, world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("timbra.documents.attach.PER_PARENT", 3)
        form = b"".join((
            b'--x\r\nContent-Disposition: form-data; name="documentType"\r\n\r\ncontract\r\n',
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n', PDF, b"\r\n--x--\r\n",
        ))  # fmt: skip
        kind = "multipart/form-data; boundary=x"

        replies = world.together([world.api.later("POST", path, form, content_type=kind) for _ in range(8)])

        assert sorted(reply.status for reply in replies) == [201] * 3 + [400] * 5
        assert (world.rows("support_documents"), len(stored(world))) == (3, 3)


class TestList:
    def test_newest_first_in_one_reply(self, world: World, path: str) -> None:
        ids = []
        for _ in range(3):
            ids.append(upload(world.api, path).data["id"])
            world.clock.advance(1)

        reply = world.api.get(f"{path}?limit=1")

        assert (reply.status, reply.message) == (200, "Support documents retrieved successfully")
        assert [row["id"] for row in reply.data] == ids[::-1]
        assert {name: reply.json[name] for name in ("next", "has_more", "total_results", "timestamp")} == {
            "next": None, "has_more": False, "total_results": 3, "timestamp": "2026-10-09T18:00:00.003Z",
        }  # fmt: skip

    def test_none(self, world: World, path: str) -> None:
        assert (world.api.get(path).data, world.api.get(path).json["total_results"]) == ([], 0)

    def test_of_each_object_its_own(self, world: World, path: str) -> None:
        other = f"/clients/{world.client()}/support-documents"
        upload(world.api, path)

        assert world.api.get(other).data == []

    def test_invoice_by_uuid_and_after_its_cancellation(self, world: World) -> None:
        invoice = world.issue(100)
        path = f"/invoices/{invoice['uuid']}/support-documents"

        made = upload(world.api, path, fields={"documentType": "delivery_proof"}).data
        upload(world.api, f"/invoices/{invoice['internal_id']}/support-documents")
        world.api.delete(f"/invoices/{invoice['uuid']}", {"motive": "02"})

        assert made["linked_entities"][0]["entity_type"] == "invoice"
        assert made["linked_entities"][0]["entity_id"] == invoice["uuid"]
        assert len(world.api.get(path.replace(invoice["uuid"], invoice["uuid"].upper())).data) == 2


class TestFile:
    def test_link_gives_the_bytes_as_an_attachment(self, world: World, path: str) -> None:
        url = upload(world.api, path, PNG, name="foto.png").data["file_url"]

        reply = world.api.get(url, authorization="")

        assert (reply.status, reply.raw.content) == (200, PNG)
        assert reply.header("content-type") == "image/png"
        assert reply.header("content-disposition") == 'attachment; filename="foto.png"'
        assert reply.header("x-content-type-options") == "nosniff"

    def test_name_beyond_ascii_reaches_the_client(self, world: World, path: str) -> None:
        url = upload(world.api, path, name="Factura Ñandú 1.pdf").data["file_url"]

        header = world.api.get(url).header("content-disposition")

        exact = "Factura%20%C3%91and%C3%BA%201.pdf"
        assert header == f"attachment; filename=\"Factura _and_ 1.pdf\"; filename*=UTF-8''{exact}"

    def test_link_ends_after_a_day_and_cannot_be_bent(self, world: World, path: str) -> None:
        first, second = upload(world.api, path).data, upload(world.api, path).data
        bent = first["file_url"].replace(first["id"], second["id"])

        assert (world.api.get(bent).status, world.api.get(bent).error_code) == (404, "file_not_found")
        world.clock.advance(DAY_MS + 1_000)
        assert world.api.get(first["file_url"]).status == 404
        fresh = world.api.get(path).data[0]["file_url"]
        assert world.api.get(fresh).status == 200

    def test_deleted_client_takes_its_documents_with_it(self, world: World) -> None:
        client = world.client()
        path = f"/clients/{client}/support-documents"
        url = upload(world.api, path).data["file_url"]

        world.api.delete(f"/clients/{client}")

        assert (world.api.get(path).status, world.api.get(url).status) == (404, 404)
        assert (len(stored(world)), world.rows("support_documents")) == (1, 1)

    @pytest.mark.parametrize("damage", ["absent", "altered"])
    def test_lost_file_is_not_found(self, world: World, path: str, damage: str) -> None:
        url = upload(world.api, path).data["file_url"]
        [file] = stored(world)
        if damage == "absent":
            file.unlink()
        else:
            file.write_bytes(PDF + b"x")

        reply = world.api.get(url)

        assert (reply.status, reply.error_code) == (404, "file_not_found")


class TestAccess:
    def test_scopes_follow_the_parent(self, world: World, path: str) -> None:
        def key(*scopes: str) -> Any:
            token = world.api.post("/api-keys", {"name": "k", "scopes": list(scopes)}).data["token"]
            return type(world.api)(world, token)

        reader, invoices = key("clients:read"), key("invoices:write")

        assert (reader.get(path).status, upload(reader, path).status) == (200, 403)
        assert (invoices.get(path).status, upload(invoices, path).status) == (403, 403)

    def test_no_other_call_exists(self, world: World, path: str) -> None:
        id_ = upload(world.api, path).data["id"]

        assert world.api.delete(path).status == 405
        assert world.api.get(f"{path}/{id_}").status == 404
        assert world.api.get("/receipts/x/support-documents").status == 404


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("a.pdf", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\Estado de cuenta.pdf", "Estado de cuenta.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", "document.pdf"),
        ("", "document.pdf"),
        ("dir/", "document.pdf"),
        ("   ", "document.pdf"),
        ("ñ" * 300 + ".pdf", "ñ" * 200),
        ("=cmd|'calc'!A0.pdf", "=cmd|'calc'!A0.pdf"),
    ],
)
def test_file_names_lose_paths_and_what_cannot_be_seen(claimed: str, kept: str) -> None:
    assert safe_file_name(claimed, "application/pdf") == kept


def test_kinds_by_their_first_bytes() -> None:
    assert media_type_of(b"\n" * 1_019 + b"%PDF-") == "application/pdf"
    assert media_type_of(b"\n" * 1_020 + b"%PDF-") is None
    assert media_type_of(b"RIFF....WAVE") is None
    assert media_type_of(b"") is None
