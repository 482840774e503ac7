"""Files and multipart forms."""

import httpx

from world import Api, Reply

PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(40)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40)
PROOF = {"documentType": "payment_proof"}


def upload(
    api: Api,
    path: str,
    content: bytes | None = PDF,
    *,
    name: str = "comprobante.pdf",
    fields: dict[str, str] | None = None,
    **headers: str,
) -> Reply:
    """The reply to a form with one file, none when ``content`` is None."""
    files = {} if content is None else {"file": (name, content, "application/octet-stream")}
    return send(api, path, PROOF if fields is None else fields, list(files.items()), **headers)


def send(
    api: Api, path: str, fields: dict[str, str], files: list[tuple[str, tuple[str, bytes, str]]], **headers: str
) -> Reply:
    """The reply to a form of these parts, encoded as browsers do."""
    parts = [*files] or [("", ("", b"", ""))]
    request = httpx.Request("POST", "http://x/", data=fields, files=parts)
    return api.post(path, request.read(), content_type=request.headers["content-type"], **headers)
