"""The QR code of a printed CFDI, as one SVG path. Source: Anexo 20, section I.D (code of at least 2.75 cm)."""

from itertools import groupby

import segno

# Any fixed mask is a valid code; letting the library try all eight costs five times the whole encoding.
MASK = 2
LEVEL = "M"


def svg(content: str) -> str:
    """A black square code without quiet zone (the page's white keeps it), one unit per module."""
    code = segno.make_qr(content, error=LEVEL, mask=MASK, boost_error=False)
    size = len(code.matrix)
    path = "".join(_runs(row, y) for y, row in enumerate(code.matrix))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}" height="{size}">'
        f'<path d="{path}"/></svg>'
    )


def _runs(row: bytes | bytearray, y: int) -> str:
    """Each run of dark modules of one row as a rectangle: wide rectangles leave no hairlines between modules."""
    path, x = "", 0
    for dark, group in groupby(row):
        length = sum(1 for _ in group)
        if dark:
            path += f"M{x} {y}h{length}v1h-{length}z"
        x += length
    return path
