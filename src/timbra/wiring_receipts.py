"""The parts for receipts, put together for ``wiring``."""

from timbra.catalogs.load import SatData
from timbra.http.idempotency import Idempotency
from timbra.invoices import store_team
from timbra.invoices.parts import InvoiceParts
from timbra.platform.config import Settings
from timbra.platform.db import Tx
from timbra.platform.vault import Vault
from timbra.receipts import store
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.self_invoice import SelfInvoiceLinks
from timbra.receipts.settle import Sales
from timbra.sat_lists.look_up import LookUp


def receipt_parts(settings: Settings, vault: Vault, invoices: InvoiceParts, idempotency: Idempotency) -> ReceiptParts:
    """Receipts become documents through ``invoices``."""
    return ReceiptParts(invoices, self_invoice_links(settings, vault), idempotency)


def self_invoice_links(settings: Settings, vault: Vault) -> SelfInvoiceLinks:
    """Their key lives as long as the server."""
    return SelfInvoiceLinks(vault.derive("self-invoice links"), settings.portal_url or settings.origin)


def sources(settings: Settings, vault: Vault, sat: SatData) -> Sales:
    """Who hears of documents that are made from receipts."""
    return Sales(self_invoice_links(settings, vault), sat.catalogs, LookUp())


def has_documents(tx: Tx, team_id: str) -> bool:
    """Whether the team has an invoice or a receipt in either mode."""
    return store_team.has_any(tx, team_id) or store.has_any(tx, team_id)
