"""HTTP of support documents, and of the signed links to files (contract support-documents.md; conventions.md section 10)."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from timbra.documents import attach, form
from timbra.documents.parts import DocumentParts
from timbra.http.caller import Caller
from timbra.http.envelope import Answer, JSONReply
from timbra.http.idempotency import Claim
from timbra.http.multipart import Upload
from timbra.http.routing import Call, Router
from timbra.http.signed_urls import FileLinks

Opener = Callable[[str], Awaitable[Response]]
"""Gives the reply for a file id, or raises FileNotFound; each domain with files has one."""

UPLOADED: Final = "Support document uploaded successfully"
LISTED: Final = "Support documents retrieved successfully"
AREAS: Final = {"client": "clients", "invoice": "invoices", "payment": "payments"}


def routes(links: FileLinks, open_file: Opener) -> Router:
    """The operation on signed links."""
    router = Router(tag="Files")

    @router.get("/files/{file_id}", "File", produces="*/*", public=True)
    async def get_file(call: Call, file_id: str) -> Response:
        links.check(file_id, call.query.get("exp"), call.query.get("sig"))
        return await open_file(file_id)

    return router


def document_routes(parts: DocumentParts) -> Router:
    """The operations on the documents of every kind of object that ``parts`` knows."""
    router = Router(tag="Support documents")
    for kind in parts.parents:
        _of_kind(router, parts, kind)
    return router


def _of_kind(router: Router, parts: DocumentParts, kind: str) -> None:
    area = AREAS[kind]
    path = f"/{area}/{{id}}/support-documents"

    @router.post(path, UPLOADED, success=201, area=area)
    async def upload_document(caller: Caller, sent: Upload, claim: Claim, id: str) -> JSONReply:  # noqa: A002
        return await attach.attach(parts, caller, claim, kind, id, form.read(sent, caller.scope))

    @router.get(path, LISTED, area=area)
    async def list_documents(caller: Caller, id: str) -> Answer:  # noqa: A002 (the path names it)
        return await attach.listed(parts, caller.scope, kind, id)


async def document_file(parts: DocumentParts, file_id: str) -> Response:
    """The bytes that a signed link names. Raises FileNotFound, Unavailable."""
    file = await attach.by_link(parts, file_id)
    return Response(file.content, media_type=file.media_type, headers={"Content-Disposition": _download(file.name)})


def _download(name: str) -> str:
    """An attachment by its name: in ASCII for old clients, exactly for the others (RFC 6266)."""
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in name)
    exact = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{exact}'
