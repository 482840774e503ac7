"""``GET /files/{file_id}``: bytes of a signed link, no credential (contract conventions.md section 10)."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from timbra.http.routing import Call, Router
from timbra.http.signed_urls import FileLinks

Opener = Callable[[str], Awaitable[Response]]
"""Gives the reply for a file id, or raises FileNotFound; each domain with files has one."""


def routes(links: FileLinks, open_file: Opener) -> Router:
    """The operation on signed links."""
    router = Router(tag="Files")

    @router.get("/files/{file_id}", "File", produces="*/*", public=True)
    async def get_file(call: Call, file_id: str) -> Response:
        links.check(file_id, call.query.get("exp"), call.query.get("sig"))
        return await open_file(file_id)

    return router
