"""A plain page of text as PDF: a title, paragraphs, and labelled rows below them."""

import json
from collections.abc import Sequence
from pathlib import Path

import typst

from timbra.cfdi.pdf.figures import printable

TEMPLATE = "letter.typ"


class Letters:
    """Prints letters. root: the folder of the template and its ``fonts`` (``timbra.cfdi.pdf.ASSETS``)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(root / "fonts")])

    def render(self, title: str, paragraphs: Sequence[str], rows: Sequence[tuple[str, str]]) -> bytes:
        """The page; texts are only ever data. Equal texts give equal bytes."""
        content = {"title": printable(title), "paragraphs": [printable(p) for p in paragraphs], "rows": list(rows)}
        compiler = typst.Compiler(str(self._root / TEMPLATE), root=str(self._root), font_paths=self._fonts)
        pdf = compiler.compile(
            sys_inputs={"letter": json.dumps(content, ensure_ascii=False)}, format="pdf", timestamp=0, pdf_tags=False
        )
        assert isinstance(pdf, bytes)
        return pdf
