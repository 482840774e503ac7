"""A document to print: what its XML says, SAT's words for its codes, and what the printed page needs besides.

Reading is lenient on purpose: a missing node prints nothing, because what may be issued was decided before sealing.
"""

from dataclasses import dataclass
from typing import Protocol

from lxml import etree

from timbra.cfdi.cadena import TIMBRE, of_timbre
from timbra.cfdi.expression import verification_url
from timbra.cfdi.money import micro
from timbra.cfdi.read import ReadCfdi, read_cfdi
from timbra.cfdi.read_values import ReadTimbre


class Texts(Protocol):
    """SAT's own (Spanish) words for a code; ``catalog`` is SAT's name of the list, such as "c_RegimenFiscal"."""

    def text(self, catalog: str, code: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class View:
    """A whole document, ready to be laid out. ``timbre`` is None, cadena and address are empty before stamping."""

    cfdi: ReadCfdi
    timbre: ReadTimbre | None
    cadena: str
    verification_url: str
    texts: Texts


def from_document(root: etree._Element, *, texts: Texts) -> View:
    """The view of a parsed CFDI 4.0, stamped or not. Raises XmlRefused for another kind of document."""
    cfdi = read_cfdi(root)
    if not cfdi.timbres:
        return View(cfdi, None, "", "", texts)
    timbre = cfdi.timbres[0]
    address = verification_url(
        uuid=timbre.uuid,
        issuer_rfc=cfdi.issuer.rfc,
        receiver_rfc=cfdi.receiver.rfc,
        total=micro(cfdi.total),
        sello=cfdi.sello,
    )
    return View(cfdi, timbre, of_timbre(next(root.iter(TIMBRE))), address, texts)
