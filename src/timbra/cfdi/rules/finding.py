"""What a rule finds: SAT's code, the request field to change, and a value that would be accepted."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

MAX_FINDINGS: Final = 50

Fix = str | int | Decimal | bool | dict[str, object] | list[object]


class Level(StrEnum):
    """What a finding means for the document."""

    REFUSE = "refuse"  # the caller's data: 400, nothing is sent
    WARN = "warn"  # only SAT knows: tell the caller, go on
    PAC_ONLY = "pac_only"  # against a register of taxpayers, which only a PAC has
    INVARIANT = "invariant"  # our own arithmetic: log, alarm, send nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    ``code``: SAT's (CFDI40161), or the field code ``format`` for a text the XML cannot carry. ``path``: JSON path of
    the request field; "" when the fault is ours. ``fix``: a value to send there, in the field's own JSON form (amounts
    are Decimal); None when only a person knows.
    """

    code: str
    path: str
    message: str
    fix: Fix | None = None
    level: Level = Level.REFUSE


def ours(code: str, message: str) -> Finding:
    """A broken promise of our own arithmetic."""
    return Finding(code, "", message, None, Level.INVARIANT)
