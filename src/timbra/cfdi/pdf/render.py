"""PDF bytes from a view. The layout engine (typst) is kept compiled, one per thread; user text is only ever data."""

import json
import threading
from pathlib import Path

import typst

from timbra.cfdi.pdf.brand import Brand
from timbra.cfdi.pdf.sheet import sheet
from timbra.cfdi.pdf.view import View
from timbra.cfdi.pdf.words import Language

TEMPLATE = "invoice.typ"
# Part of every cache key of a rendered file: raise it with any change that alters the printed page.
TEMPLATE_VERSION = 2


class Renderer:
    """Prints views as PDF. Made once by the wiring; ``render`` may be called from any thread.

    root: the folder that holds the template and its ``fonts`` (``timbra.cfdi.pdf.ASSETS``). Equal arguments give equal
    bytes on every machine: system fonts and the clock are not looked at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(root / "fonts")])
        self._local = threading.local()

    def render(
        self,
        view: View,
        *,
        language: Language,
        brand: Brand,
        test_mode: bool,
        canceled: bool = False,
        notes: str | None = None,
    ) -> bytes:
        """The document as PDF. ``test_mode`` and unstamped documents carry SIN VALIDEZ FISCAL across every page."""
        content = sheet(view, language=language, brand=brand, test_mode=test_mode, canceled=canceled, notes=notes)
        pdf = self._compiler().compile(
            sys_inputs={"sheet": json.dumps(content, ensure_ascii=False, separators=(",", ":"))},
            format="pdf",
            timestamp=0,
            pdf_tags=False,
        )
        assert isinstance(pdf, bytes)
        return pdf

    def _compiler(self) -> typst.Compiler:
        compiler: typst.Compiler | None = getattr(self._local, "compiler", None)
        if compiler is None:
            compiler = typst.Compiler(str(self._root / TEMPLATE), root=str(self._root), font_paths=self._fonts)
            self._local.compiler = compiler
        return compiler
