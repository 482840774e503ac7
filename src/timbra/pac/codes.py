"""What the codes of PACs mean: which ones refuse a document for its content, whatever PAC says them."""

import re
from typing import Final

# SAT's catalogue of refusals (Anexo 20, "Matriz de validaciones"). 307, stamped before, is no refusal.
SAT_REFUSALS: Final = frozenset({"301", "302", "303", "304", "305", "306", "308", "401", "402", "403"})
# CFDI40147, CRP20101, Reten20104, CCE201 ... : letters, then at least three digits.
_MATRIX: Final = re.compile(r"[A-Za-z]{2,8}[0-9]{3,6}", re.ASCII)
_LEADING: Final = re.compile(r"\s*([A-Za-z]{2,8}[0-9]{2,6}|[0-9]{3,6})\b\s*[-.:]?\s*(.*)", re.ASCII | re.DOTALL)

STAMPED_BEFORE: Final = "307"
DATE_OUT_OF_RANGE: Final = "401"
RECEIVED: Final = frozenset({"201", "202"})  # of a cancellation
TEXT_MAX: Final = 2_000


def refuses(code: str) -> bool:
    """The code is a verdict on the document: final for these bytes, at every PAC."""
    return code in SAT_REFUSALS or _MATRIX.fullmatch(code) is not None


def split(message: str) -> tuple[str, str]:
    """(code, text) of a message such as "CFDI40147 - El campo ..." or "307. El comprobante ..."; code "" without one."""
    found = _LEADING.match(message)
    if found is None:
        return "", message.strip()[:TEXT_MAX]
    return found[1], found[2].strip()[:TEXT_MAX]
