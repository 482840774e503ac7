"""The printed representation of a CFDI: read a document as a view, print it as PDF."""

from pathlib import Path

from timbra.cfdi.pdf.brand import Brand
from timbra.cfdi.pdf.render import TEMPLATE_VERSION, Renderer
from timbra.cfdi.pdf.texts import SatTexts
from timbra.cfdi.pdf.view import Texts, View, from_document
from timbra.cfdi.pdf.words import Language, amount_in_words

ASSETS = Path(__file__).parent

__all__ = [
    "ASSETS",
    "TEMPLATE_VERSION",
    "Brand",
    "Language",
    "Renderer",
    "SatTexts",
    "Texts",
    "View",
    "amount_in_words",
    "from_document",
]
