"""What this server's own rooms ask of a document beside its body, and what they hear of it; never part of a request."""

from dataclasses import dataclass
from typing import Protocol

from timbra.clients.model import Client
from timbra.invoices.model import InvoiceRecord
from timbra.platform.db import Tx
from timbra.platform.scope import Actor


@dataclass(frozen=True, slots=True)
class Inner:
    """receipts: ids of the sales that the document is for. receiver: one who is no client of the team, such as the public."""

    receipts: tuple[str, ...] = ()
    receiver: Client | None = None


NOTHING = Inner()


class Sources(Protocol):
    """What documents are made from, kept by a room above this one, which ``wiring`` hands in."""

    def settled(self, tx: Tx, record: InvoiceRecord, actor: Actor, at_ms: int) -> None:
        """The document is valid or failed from now on; whoever asked for it follows in this transaction."""
        ...


class NoSources:
    """Documents that are made from nothing else."""

    def settled(self, _tx: Tx, _record: InvoiceRecord, _actor: Actor, _at_ms: int) -> None:
        """Nobody follows."""


NO_SOURCES = NoSources()
