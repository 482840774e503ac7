"""The issuer's own look on its documents: two colours, a logo, a trade name. Nothing here reaches the XML."""

import base64
import re
import struct
from dataclasses import dataclass

DEFAULT_COLOR = "#1f3a5f"
LOGO_MAX_PIXELS = 2_000_000
LOGO_WIDTH, LOGO_HEIGHT = 190, 50  # the printed logo fits into this, in points
_PNG = b"\x89PNG\r\n\x1a\n"
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_READABLE = 4.5  # contrast of small text on white, WCAG 2.2 criterion 1.4.3


@dataclass(frozen=True, slots=True)
class Brand:
    """Colours as #RGB or #RRGGBB; ``logo_png``: a PNG of at most 2 megapixels; ``contact``: short lines under the issuer.

    Raises ValueError for a colour or logo of another form.
    """

    primary_color: str | None = None
    secondary_color: str | None = None
    logo_png: bytes | None = None
    alias: str | None = None
    contact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for color in (self.primary_color, self.secondary_color):
            if color is not None and not _COLOR.fullmatch(color):
                raise ValueError("brand color must be #RGB or #RRGGBB")
        if self.logo_png is not None:
            width, height = _png_size(self.logo_png)
            if not 0 < width * height <= LOGO_MAX_PIXELS:
                raise ValueError("logo must be a PNG of at most 2 megapixels")

    @property
    def accent(self) -> str:
        """The colour of rules and marks, as the issuer chose it."""
        return _long(self.primary_color or DEFAULT_COLOR)

    @property
    def second(self) -> str:
        """The colour of the small second mark; the accent when none was chosen."""
        return _long(self.secondary_color) if self.secondary_color else self.accent

    @property
    def ink(self) -> str:
        """The accent, darkened until text in it can be read on white."""
        red, green, blue = (int(self.accent[i : i + 2], 16) for i in (1, 3, 5))
        while 1.05 / (_luminance(red, green, blue) + 0.05) < _READABLE:
            red, green, blue = red * 15 // 16, green * 15 // 16, blue * 15 // 16
        return f"#{red:02x}{green:02x}{blue:02x}"

    def logo(self) -> dict[str, str | float] | None:
        """The logo as ``svg``, the way to hand image bytes to the layout as text, and its printed ``width`` in points."""
        if self.logo_png is None:
            return None
        width, height = _png_size(self.logo_png)
        data = base64.b64encode(self.logo_png).decode("ascii")
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>'
        )
        return {"svg": svg, "width": min(LOGO_WIDTH, LOGO_HEIGHT * width / height)}


def _png_size(data: bytes) -> tuple[int, int]:
    if data[:8] != _PNG or data[12:16] != b"IHDR" or len(data) < 33:
        raise ValueError("logo must be a PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _long(color: str) -> str:
    digits = color[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(d * 2 for d in digits))


def _luminance(red: int, green: int, blue: int) -> float:
    """Relative luminance of an sRGB colour, 0 (black) to 1 (white)."""

    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
