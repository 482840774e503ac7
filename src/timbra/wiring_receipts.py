"""The parts for receipts, put together for ``wiring``."""

from timbra.invoices import store_team
from timbra.invoices.parts import InvoiceParts
from timbra.platform.config import Settings
from timbra.platform.db import Tx
from timbra.platform.vault import Vault
from timbra.receipts import store
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.self_invoice import SelfInvoiceLinks


def receipt_parts(settings: Settings, vault: Vault, invoices: InvoiceParts) -> ReceiptParts:
    """Receipts become documents through ``invoices``; the key of their links lives as long as the server."""
    links = SelfInvoiceLinks(vault.derive("self-invoice links"), settings.portal_url or settings.origin)
    return ReceiptParts(invoices, links)


def has_documents(tx: Tx, team_id: str) -> bool:
    """Whether the team has an invoice or a receipt in either mode."""
    return store_team.has_any(tx, team_id) or store.has_any(tx, team_id)
