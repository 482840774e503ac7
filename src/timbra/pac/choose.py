"""Which PAC is asked, and in which order.

A team's PACs are asked in its own order. One whose breaker is open goes to the end: it would only say "not now". The next
one is asked only after an answer that means "nothing happened" (``Busy``); see ``invoices.stamp``.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from timbra.pac.port import PacPort, StatusPort


@dataclass(frozen=True, slots=True)
class PacSide:
    """The stamping side of one mode: PACs in failover order, who tells a document's state, whose stamps count.

    learn: asked with the number of a PAC's certificate that is not among ``certificates``; True when it is there now.
    """

    pacs: Sequence[PacPort]
    status: StatusPort | None
    certificates: Mapping[str, bytes]  # NoCertificadoSAT → DER
    learn: Callable[[str], Awaitable[bool]] | None = None

    def named(self, name: str) -> PacPort | None:
        """The PAC that a document is held by."""
        return next((pac for pac in self.pacs if pac.name == name), None)


def in_order(pacs: Sequence[PacPort]) -> list[PacPort]:
    """The order in which a document is offered to them now."""
    return sorted(pacs, key=is_resting)  # sorting is stable: the team's order otherwise


def is_resting(pac: PacPort) -> bool:
    """Its breaker is open; the sandbox has none."""
    return bool(getattr(pac, "is_resting", False))
