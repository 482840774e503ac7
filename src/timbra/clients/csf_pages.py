"""What stands on the pages of an uploaded PDF. The file is opened in a child process only; see ``csf_child``."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from timbra.http.errors import FieldError, Invalid, InvalidFile, UploadFailed
from timbra.http.multipart import Upload

PART: Final = "file"
FILE_BYTES_MAX: Final = 5 * 1024 * 1024
MARK: Final = b"%PDF-"
WALL_S: Final = 12
CHILD: Final = Path(__file__).with_name("csf_child.py")
_SAYS: Final = {
    "encrypted": "The file is encrypted: send it as SAT gave it",
    "pages": "The file has more than 20 pages",
    "broken": "The file is not a PDF that can be read",
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pages:
    """Text of each page in the order it was printed, and the texts of the QR codes."""

    texts: tuple[str, ...]
    codes: tuple[str, ...]


def uploaded(form: Upload) -> bytes:
    """The bytes of the part ``file``. Raises Invalid, UploadFailed (empty, too large), InvalidFile."""
    file = form.files.get(PART)
    if file is None:
        raise Invalid([FieldError(PART, "required", "is required: the PDF as a part of multipart/form-data")])
    if not file.content:
        raise UploadFailed("The file is empty")
    if len(file.content) > FILE_BYTES_MAX:
        raise UploadFailed("The file is larger than 5 MiB", status=413)
    if not file.content.startswith(MARK):
        raise InvalidFile("The file is not a PDF")
    return file.content


async def pages_of(content: bytes) -> Pages:
    """The pages of a PDF; within 12 s and the memory of the child, whatever the file holds. Raises InvalidFile."""
    found = await asyncio.to_thread(_asked, content)
    if found["state"] != "ok":
        raise InvalidFile(_SAYS[found["state"]])
    texts = tuple(found["texts"])
    if not "".join(texts).strip():
        raise InvalidFile("The file has no text, only pictures: send the PDF itself, not a scan or a photograph of it")
    return Pages(texts, tuple(found["codes"]))


def _asked(content: bytes) -> dict[str, Any]:
    """What the child says; ``broken`` when it died, hung or ran out of memory on the way."""
    try:
        run = subprocess.run(  # noqa: S603 (our own program, nothing of the file in its arguments)
            [sys.executable, "-I", str(CHILD)],
            input=content,
            capture_output=True,
            timeout=WALL_S,
            env={},
            cwd="/",
            check=True,
        )
        found: dict[str, Any] = json.loads(run.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        _log.warning("csf.child_failed", reason=type(error).__name__, code=getattr(error, "returncode", None))
        return {"state": "broken"}
    return found
