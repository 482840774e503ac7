"""What the verbs of this room work with; ``wiring`` puts it together once."""

from dataclasses import dataclass

from timbra.http.idempotency import Idempotency
from timbra.invoices.parts import InvoiceParts
from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.json import Raw
from timbra.receipts.model import Receipt
from timbra.receipts.self_invoice import SelfInvoiceLinks
from timbra.receipts.shown import shown


@dataclass(frozen=True, slots=True)
class ReceiptParts:
    """Everything the room needs from outside. ``invoices`` issues the documents."""

    invoices: InvoiceParts
    links: SelfInvoiceLinks
    idempotency: Idempotency

    @property
    def database(self) -> Database:
        """Where receipts and documents are."""
        return self.invoices.database

    @property
    def clock(self) -> Clock:
        """The clock of the team acted for."""
        return self.invoices.clock

    def show(self, receipt: Receipt, files: dict[str, str | None] | None = None) -> Raw:
        """The receipt as ready JSON. files: links to its files, none in lists and events."""
        return shown(receipt, self.links, files)
