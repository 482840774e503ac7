"""The QR code on a Constancia must speak of the same taxpayer as its text. It is read, not followed."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from timbra.clients.csf_text import NotACsf

SAT: Final = "sat.gob.mx"
CARD: Final = "10"  # D1 of the code beside the card: D3 is idCIF_RFC
UNREAD: Final = "The QR code could not be read, so it was not compared with the text"


def warnings(codes: tuple[str, ...], tax_id: str, id_cif: str | None) -> list[str]:
    """[] when the code beside the card agrees with the text, a warning when no code was read.

    Raises NotACsf when a code of SAT speaks of another taxpayer, or when there are codes and none of them is SAT's.
    """
    cards = [code for code in codes if _parameter(code, "D1") == CARD and _is_sat(code)]
    for code in cards:
        if not _agrees(code, tax_id, id_cif):
            raise NotACsf("its QR code is of another taxpayer than its text")
    if cards:
        return []
    if any(not _is_sat(code) for code in codes):
        raise NotACsf("its QR code does not lead to SAT")
    return [UNREAD]


def _is_sat(code: str) -> bool:
    try:
        host = urlsplit(code).hostname or ""
    except ValueError:
        return False
    return host == SAT or host.endswith(f".{SAT}")


def _parameter(code: str, name: str) -> str | None:
    found = re.search(rf"[?&]{name}=([^&#]*)", code)
    return found[1] if found else None


def _agrees(code: str, tax_id: str, id_cif: str | None) -> bool:
    """An RFC may hold "&" and "Ñ", which SAT has written raw, in UTF-8 and in Latin-1."""
    value = code.partition("D3=")[2]
    readings = {unquote(value, encoding) for encoding in ("utf-8", "latin-1")}
    ends = f"_{tax_id}"
    return any(reading.endswith(ends) and id_cif in (None, reading.removesuffix(ends)) for reading in readings)
