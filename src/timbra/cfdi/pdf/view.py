"""A document to print: what its XML says, SAT's words for its codes, and what the printed page needs besides.

Reading is lenient on purpose: a missing node prints nothing, because what may be issued was decided before sealing.
"""

from dataclasses import dataclass
from typing import Protocol

from lxml import etree

from timbra.cfdi.cadena import TIMBRE, of_timbre
from timbra.cfdi.read import ReadCfdi, read_cfdi
from timbra.cfdi.read_values import ReadTimbre


class Texts(Protocol):
    """SAT's own (Spanish) words for a code; ``catalog`` is SAT's name of the list, such as "c_RegimenFiscal"."""

    def text(self, catalog: str, code: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class View:
    """A whole document, ready to be laid out. ``timbre`` is None and ``cadena`` empty before stamping."""

    cfdi: ReadCfdi
    timbre: ReadTimbre | None
    cadena: str
    verification_url: str
    texts: Texts


def from_document(root: etree._Element, *, verification_url: str, texts: Texts) -> View:
    """The view of a parsed CFDI 4.0, stamped or not. Raises XmlRefused for another kind of document.

    verification_url: what the QR holds, SAT's address for this document; not looked at before stamping.
    """
    cfdi = read_cfdi(root)
    timbre = next(root.iter(TIMBRE), None) if cfdi.timbres else None
    cadena = "" if timbre is None else of_timbre(timbre)
    return View(cfdi, cfdi.timbres[0] if cfdi.timbres else None, cadena, verification_url, texts)
