"""A PAC's refusal in the terms of the request: which field to change, and what to send where we can tell."""

from timbra.cfdi.matrix import lookup
from timbra.cfdi.model import Invoice
from timbra.cfdi.rules.finding import Finding, Level
from timbra.cfdi.text import clean_rfc, collapse, without_capital_regime


def of_pac(code: str, invoice: Invoice) -> Finding | None:
    """The finding that stands for a code a PAC answered, None when the code is unknown.

    ``path`` keeps ``[]`` where only the PAC's text could name the line. Names are proposed as SAT writes them: upper
    case, single blanks, without régimen de capital and without a dot at the end.
    """
    row = lookup(code)
    if row is None:
        return None
    fix = None
    if row.code in ("CFDI40143", "CFDI40144", "CFDI40145"):
        now = invoice.receiver.rfc if row.code == "CFDI40143" else invoice.receiver.name
        proposed = clean_rfc(now) if row.code == "CFDI40143" else _as_registered(now)
        fix = proposed if proposed != now else None
    return Finding(row.code, row.path, row.explanation, fix, Level.PAC_ONLY)


def _as_registered(name: str) -> str:
    short = without_capital_regime(collapse(name).upper())
    return short.rstrip(" .,") or name
