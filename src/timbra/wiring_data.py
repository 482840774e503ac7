"""The parts for uploaded files and for SAT's lists, put together for ``wiring``."""

from collections.abc import Callable

from timbra.clients import store as client_store
from timbra.documents.parts import DocumentParts, Parent
from timbra.http.signed_urls import FileLinks
from timbra.invoices import store as invoice_store
from timbra.platform.clock import Clock
from timbra.platform.config import Settings
from timbra.platform.db import Database, Tx
from timbra.platform.egress import Egress
from timbra.platform.scope import TeamScope
from timbra.platform.storage import Storage
from timbra.platform.vault import Vault
from timbra.sat_lists.load import LoadParts
from timbra.sat_lists.sync import SyncParts, sources_of_setting


def document_parts(
    settings: Settings, database: Database, clock: Clock, links: FileLinks, vault: Vault
) -> DocumentParts:
    """Support documents of clients and invoices. Raises StorageUnavailable when a local folder cannot be made."""
    return DocumentParts(
        database=database,
        clock=clock,
        storage=Storage.open(settings.storage_url),
        links=links,
        parents={"client": _client, "invoice": _invoice},
        installation=vault.derive("files of this server").hex()[:16],
    )


def sync_parts(
    settings: Settings, database: Database, clock: Clock, egress: Egress, changed: Callable[[Tx], None]
) -> SyncParts:
    """SAT's lists and where they come from. changed: told in the transaction that puts other entries in force."""
    sources = sources_of_setting(settings.sat_list_sources)
    return SyncParts(LoadParts(database, clock, changed), egress, sources)


def _client(tx: Tx, scope: TeamScope, id_: str) -> Parent | None:
    client = client_store.get(tx, scope, id_)
    return None if client is None else Parent(client.id, client.id)


def _invoice(tx: Tx, scope: TeamScope, id_: str) -> Parent | None:
    invoice = invoice_store.find(tx, scope, id_)
    return None if invoice is None else Parent(invoice.id, invoice.uuid or invoice.id)
