"""The parts for uploaded files and for SAT's lists, put together for ``wiring``."""

from collections.abc import Callable
from typing import Final

from timbra.clients import rescreen
from timbra.clients import store as client_store
from timbra.documents import routes as document_routes
from timbra.documents import sweep
from timbra.documents.parts import DocumentParts, Parent
from timbra.http.routing import Router
from timbra.http.signed_urls import FileLinks
from timbra.invoices import store as invoice_store
from timbra.platform.clock import Clock
from timbra.platform.config import Settings
from timbra.platform.db import Database, Tx
from timbra.platform.egress import Egress
from timbra.platform.jobs import Jobs
from timbra.platform.scope import TeamScope
from timbra.platform.storage import Storage
from timbra.platform.vault import Vault
from timbra.sat_lists import routes as list_routes
from timbra.sat_lists import sync
from timbra.sat_lists.load import LoadParts
from timbra.sat_lists.look_up import LookUp
from timbra.sat_lists.sync import SyncParts, sources_of_setting

SCREEN_CLIENTS: Final = "screen_clients"
SCREEN_DELAY_S: Final = 2  # clients that were written against the former lists are committed by then


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


def sync_parts(settings: Settings, database: Database, clock: Clock, egress: Egress, jobs: Jobs) -> SyncParts:
    """SAT's lists and where they come from; a load that changed something has every client looked up again."""

    def changed(tx: Tx) -> None:
        jobs.enqueue(tx, SCREEN_CLIENTS, delay_s=SCREEN_DELAY_S)

    sources = sources_of_setting(settings.sat_list_sources)
    return SyncParts(LoadParts(database, clock, changed), egress, sources)


def schedule_data(
    jobs: Jobs, database: Database, clock: Clock, documents: Callable[[], DocumentParts], lists: Callable[[], SyncParts]
) -> None:
    """The jobs of files and lists are known. documents, lists: asked for when a job runs."""

    async def screen_clients() -> None:
        await rescreen.rescreen(database, clock, LookUp())

    async def sync_lists() -> None:
        await sync.sync(lists())

    async def remove_orphans() -> None:
        await sweep.remove_orphans(documents())

    jobs.register(SCREEN_CLIENTS, screen_clients)
    jobs.every("sat_lists.sync", "0 3 * * *", sync_lists)
    jobs.every("clients.screen", "30 3 * * *", screen_clients)
    jobs.every("documents.remove_orphans", "11 4 * * *", remove_orphans)


def data_routes(documents: DocumentParts, clock: Clock) -> list[Router]:
    """The operations on support documents and on SAT's lists, which go by the machine's clock."""
    return [document_routes.document_routes(documents), list_routes.routes(documents.database, clock)]


def _client(tx: Tx, scope: TeamScope, id_: str) -> Parent | None:
    client = client_store.get(tx, scope, id_)
    return None if client is None else Parent(client.id, client.id)


def _invoice(tx: Tx, scope: TeamScope, id_: str) -> Parent | None:
    invoice = invoice_store.find(tx, scope, id_)
    return None if invoice is None else Parent(invoice.id, invoice.uuid or invoice.id)
