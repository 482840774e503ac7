"""What stands on the pages of an uploaded PDF. The file is opened in a child process only; see ``csf_child``."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from timbra.http.errors import FieldError, Invalid, InvalidFile, UploadFailed
from timbra.http.multipart import Upload
from timbra.platform import json

PART: Final = "file"
FILE_BYTES_MAX: Final = 5 * 1024 * 1024
MARK: Final = b"%PDF-"
WALL_S: Final = 12
SAID_BYTES_MAX: Final = 4 * 1024 * 1024
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
        raise InvalidFile(_SAYS.get(found["state"], _SAYS["broken"]))
    pages = Pages(tuple(map(str, found["texts"])), tuple(map(str, found["codes"])))
    if not "".join(pages.texts).strip():
        raise InvalidFile("The file has no text, only pictures: send the PDF itself, not a scan or a photograph of it")
    return pages


def _asked(content: bytes) -> dict[str, Any]:
    """What the child says; ``broken`` when it died, hung or ran out of memory on the way, or says too much."""
    command = [sys.executable, "-I", str(CHILD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env={}, cwd="/") as child:  # noqa: S603 (our own program)
        alarm = threading.Timer(WALL_S, child.kill)
        alarm.start()
        try:
            found = json.loads(_said(child, content))
        except json.JsonRefused:
            found = None
        finally:
            alarm.cancel()
            child.kill()
    if isinstance(found, dict) and "state" in found:
        return found
    _log.warning("csf.child_failed", code=child.returncode)
    return {"state": "broken"}


def _said(child: subprocess.Popen[bytes], content: bytes) -> bytes:
    """What the child prints, cut off where it is more than a child that works would print."""
    assert child.stdin is not None, "a pipe was asked for"
    assert child.stdout is not None, "a pipe was asked for"
    with contextlib.suppress(BrokenPipeError), child.stdin as given:
        given.write(content)
    return child.stdout.read(SAID_BYTES_MAX)
