"""Takes text and QR codes out of a PDF that a stranger made. Runs as a process of its own: ``python csf_child.py < file.pdf``.

Everything it needs is imported before a byte of the file is looked at. From then on it can open no file, no socket and no
process, and has little memory and time: a file that breaks the reader breaks nobody else. It prints one JSON object.
"""

import codecs
import json
import resource
import sys
from typing import Any, Final

import pypdfium2
import zxingcpp
from pypdfium2 import raw

MEMORY_BYTES: Final = 256 * 1024 * 1024
PROCESSOR_S: Final = 10
PAGES_MAX: Final = 20
TEXT_MAX: Final = 100_000
CODES_MAX: Final = 20
CODE_TEXT_MAX: Final = 2_000
QR_CODES: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
PIXELS_MAX: Final = 1_800  # of the longer side of a page
PIXELS_PER_POINT: Final = 2.2  # SAT's QR codes are as small as 60 points


def confine() -> None:
    """This process can do nothing any more but compute and write to what is open."""
    codecs.lookup("utf-16-le")  # of PDFium's texts; Python opens a file for it
    limits = {
        resource.RLIMIT_CPU: PROCESSOR_S,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    if sys.platform != "darwin":  # macOS refuses it
        limits[resource.RLIMIT_AS] = MEMORY_BYTES
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))


def read(content: bytes) -> dict[str, Any]:
    """``state``: ok, broken, encrypted, pages (too many); with ok also the ``texts`` of the pages and the ``codes``."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_locked = getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        return {"state": "encrypted" if is_locked else "broken"}
    if raw.FPDF_GetSecurityHandlerRevision(document) != -1:
        return {"state": "encrypted"}
    count = len(document)
    if count > PAGES_MAX:
        return {"state": "pages"}
    try:
        return _contents(document, count)
    except pypdfium2.PdfiumError:
        return {"state": "broken"}


def _contents(document: Any, count: int) -> dict[str, Any]:
    texts: list[str] = []
    codes: list[str] = []
    left = TEXT_MAX
    for number in range(count):
        page = document[number]
        text = page.get_textpage().get_text_range()[:left]
        left -= len(text)
        texts.append(text)
        if number in (0, count - 1):  # SAT prints its codes on the first page and at the end
            codes += _codes(page)
        page.close()
    return {"state": "ok", "texts": texts, "codes": codes[:CODES_MAX]}


def _codes(page: Any) -> list[str]:
    longest = max(page.get_size())
    if not 0 < longest < float("inf"):  # tidy-skip: float (a page's size in points, no money)
        return []
    bitmap = page.render(scale=min(PIXELS_PER_POINT, PIXELS_MAX / longest), grayscale=True, may_draw_forms=False)
    pixels = memoryview(bitmap.buffer).cast("B").cast("B", (bitmap.height, bitmap.stride))
    found = zxingcpp.read_barcodes(pixels, formats=QR_CODES)
    return [code.text[:CODE_TEXT_MAX] for code in found]


if __name__ == "__main__":
    given = sys.stdin.buffer.read()
    confine()
    sys.stdout.write(json.dumps(read(given)))
