"""Multipart uploads, held in memory so that nothing uploaded touches the disk."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from timbra.http.errors import InvalidBody, UploadFailed

FILE_LIMIT_BYTES = 10 * 1024 * 1024
PARTS_LIMIT_BYTES = 64 * 1024
MAX_PARTS = 20


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a form. ``name`` and ``media_type`` are the client's claims."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A form: its text parts and its files, each by the name of the part. ``literal``: text parts as sent, untrimmed.

    file_parts: the name of every part that is a file, in their order; a name may stand there twice.
    """

    fields: dict[str, str]
    files: dict[str, UploadedFile]
    literal: dict[str, str] = field(default_factory=dict)
    file_parts: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """Field values and file digests, for fingerprints."""
        digests = {name: hashlib.sha256(file.content).hexdigest() for name, file in self.files.items()}
        return {"fields": self.literal or self.fields, "files": digests}


class _InMemoryParser(MultiPartParser):
    spool_max_size = FILE_LIMIT_BYTES + PARTS_LIMIT_BYTES + 1


async def parse_form(raw: bytes, content_type: str) -> Upload:
    """The parts of a multipart body. Raises InvalidBody for another media type, UploadFailed for a broken body."""
    if not content_type.strip().lower().startswith("multipart/form-data"):
        raise InvalidBody("This endpoint takes multipart/form-data")
    headers = Headers({"content-type": content_type})
    parser = _InMemoryParser(
        headers, _once(raw), max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=PARTS_LIMIT_BYTES
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise UploadFailed from error
    fields: dict[str, str] = {}
    files: dict[str, UploadedFile] = {}
    literal: dict[str, str] = {}
    file_parts: list[str] = []
    for name, part in form.multi_items():
        if isinstance(part, UploadFile):
            file_parts.append(name)
            files[name] = UploadedFile(part.filename or "", part.content_type or "", await part.read())
        else:
            literal[name] = part
            if part.strip():
                fields[name] = part.strip()
    await form.close()
    return Upload(fields, files, literal, tuple(file_parts))


async def _once(raw: bytes) -> AsyncGenerator[bytes, None]:
    yield raw
    yield b""
