"""The only place that chooses real or sandbox parts and puts the house together."""

from functools import cached_property
from typing import Any

from starlette.responses import Response

from timbra.catalogs import routes as catalog_routes
from timbra.catalogs.home import Home
from timbra.catalogs.load import SatData, load
from timbra.catalogs.watch import Watch
from timbra.cfdi.pdf import ASSETS
from timbra.cfdi.pdf.letter import Letters
from timbra.cfdi.pdf.render import Renderer
from timbra.cfdi.pdf.texts import SatTexts
from timbra.clients import routes as client_routes
from timbra.clients import store_portal
from timbra.clients.parts import ClientParts
from timbra.credentials import pacs, slots, trust
from timbra.credentials import routes as credential_routes
from timbra.credentials.csd import Signers
from timbra.credentials.pacs import Pacs
from timbra.credentials.parts import CredentialParts
from timbra.documents import routes as document_routes
from timbra.documents.parts import DocumentParts
from timbra.http.errors import FileNotFound
from timbra.http.health import auth_health_routes
from timbra.http.idempotency import Idempotency
from timbra.http.pagination import Cursors
from timbra.http.ratelimit import RateLimits
from timbra.http.routing import Kit, Router
from timbra.http.signed_urls import FileLinks
from timbra.invoices import routes as invoice_routes
from timbra.invoices import stamp, store_team
from timbra.invoices import store as invoice_store
from timbra.invoices.files import Files
from timbra.invoices.parts import InvoiceParts
from timbra.invoices.wire import Printer
from timbra.pac.certificates import PacCertificates
from timbra.pac.choose import PacSide
from timbra.pac.sandbox.authority import PAC_NAME, PAC_RFC
from timbra.pac.sandbox.controls import Controls
from timbra.pac.sandbox.keys import Sandbox, ensure
from timbra.platform import audit
from timbra.platform.db import Tx
from timbra.platform.due import Due
from timbra.platform.jobs import Jobs
from timbra.platform.mailer import Attachment, Mailer, MailServer
from timbra.platform.scope import TeamScope
from timbra.platform.search.service import Search
from timbra.platform.tenancy import acting_for
from timbra.platform.vault import Opener
from timbra.platform.vault_named import ReplySecrets, ServerSecrets
from timbra.receipts import routes as receipt_routes
from timbra.receipts.parts import ReceiptParts
from timbra.sandbox import routes as sandbox_routes
from timbra.sandbox.doors import Doors
from timbra.sandbox.pages import Pages
from timbra.sandbox.parts import SandboxParts
from timbra.sat.status import SatStatusService
from timbra.sat_lists.look_up import LookUp
from timbra.sat_lists.sync import SyncParts
from timbra.services import routes as service_routes
from timbra.teams import key_routes, remove
from timbra.teams import routes as team_routes
from timbra.teams import store as team_store
from timbra.teams.authenticate import TeamAuthenticator
from timbra.teams.key_use import KeyUse
from timbra.teams.parts import TeamParts
from timbra.teams.wire import team_json
from timbra.users import routes as user_routes
from timbra.users import signup
from timbra.users import store as user_tokens
from timbra.users.parts import UserParts
from timbra.webhooks import routes as webhook_routes
from timbra.webhooks.courier import Courier
from timbra.webhooks.parts import WebhookParts
from timbra.wiring_clients import client_parts
from timbra.wiring_data import data_routes, document_parts, schedule_data, sync_parts
from timbra.wiring_foundations import Foundations
from timbra.wiring_health import health
from timbra.wiring_leases import void_leases
from timbra.wiring_pacs import RemotePacs, pac_certificates
from timbra.wiring_receipts import has_documents, receipt_parts, sources
from timbra.wiring_sandbox import due_work, sandbox_parts, sandbox_side
from timbra.wiring_search import search_of, search_routes
from timbra.wiring_webhooks import schedule_webhooks, webhook_parts

DAY_S = 86_400
SETTLE_INVOICE = "settle_invoice"
LIVE_PAC = "el proveedor de certificación (PAC) configurado en este servidor"


class Wiring(Foundations):
    """Every part of one process, made when first asked for. The database must be migrated before ``start``."""

    # --- fiscal parts ----------------------------------------------------------------------------------------------

    @cached_property
    def sat(self) -> SatData:
        return load(self.settings.data_dir, self.settings.catalog_path)

    @cached_property
    def catalog_watch(self) -> Watch:
        return Watch(Home.of(self.settings.data_dir, self.settings.catalog_path), self.sat)

    @cached_property
    def signers(self) -> Signers:
        return Signers(self.database, self.csd_opener, self.clock)

    @cached_property
    def sandbox(self) -> Sandbox:
        return ensure(self.database, ServerSecrets(self.vault.opener("sandbox authority"), "sandbox_keys"), self.clock)

    @cached_property
    def trust(self) -> trust.Trust:
        return trust.load(folder=self.settings.sat_ca_dir, sandbox=self.sandbox.authority.certificate)

    @cached_property
    def controls(self) -> Controls:
        return Controls(self.database)

    @cached_property
    def sandbox_side(self) -> PacSide:
        """Test mode: two simulated PACs, so that failover can be tried."""
        return sandbox_side(
            self.database,
            self.team_clock,
            self.sat,
            self.sandbox,
            self.trust.authorities,
            self.controls,
            latency_ms=self.settings.sandbox_latency_ms,
        )

    @cached_property
    def pac_opener(self) -> Opener:
        return self.vault.opener(pacs.PURPOSE)

    @cached_property
    def remote_pacs(self) -> RemotePacs:
        return RemotePacs(self.egress, self.clock)

    @cached_property
    def pacs(self) -> Pacs:
        """The accounts of each team at real providers."""
        return Pacs(self.database, self.pac_opener, self.clock, self.remote_pacs.build)

    @cached_property
    def pac_certificates(self) -> PacCertificates:
        folder = self.settings.pac_certificate_dir or self.settings.data_dir / "pac-certificates"
        return pac_certificates(folder, self.trust.authorities, self.egress)

    @cached_property
    def links(self) -> FileLinks:
        return FileLinks(self.vault.derive("file urls"), self.settings.origin, self.clock)

    @cached_property
    def invoices(self) -> InvoiceParts:
        return InvoiceParts(
            database=self.database,
            clock=self.team_clock,
            sat=self.sat,
            signers=self.signers,
            printer=Printer(self.links, self.settings.document_url_days * DAY_S),
            test=self.sandbox_side,
            live=PacSide((), SatStatusService(self.egress), self.pac_certificates, self.pac_certificates.fetch),
            live_pacs=self.pacs.of,
            started_ms=self.clock.now_ms(),
            screening=LookUp(),
            sources=sources(self.settings, self.vault, self.sat),
            process=self.process,
            enqueue=lambda tx, scope, invoice_id: self.jobs.enqueue(
                tx, SETTLE_INVOICE, scope.team_id, "live" if scope.livemode else "test", invoice_id
            ),
        )

    @cached_property
    def receipts(self) -> ReceiptParts:
        return receipt_parts(self.settings, self.vault, self.invoices, self.idempotency)

    @cached_property
    def clients(self) -> ClientParts:
        return client_parts(self.settings, self.database, self.clock, self.sat.catalogs, self.egress)

    @cached_property
    def files(self) -> Files:
        return Files(self.database, Renderer(ASSETS), SatTexts(self.sat.catalogs.unit_name))

    @cached_property
    def teams(self) -> TeamParts:
        return TeamParts(
            database=self.database,
            clock=self.clock,
            catalogs=self.sat.catalogs,
            portal_url=self.settings.portal_url or self.settings.origin,
            sat_of=lambda tx, scope, _: slots.sat_object(tx, scope, self.team_clock.now_ms()),
            csd_rfcs=slots.rfcs,
            has_documents=has_documents,
            highest_folio=store_team.highest_folio,
            connected=lambda _tx, _team_id: (),
        )

    @cached_property
    def credentials(self) -> CredentialParts:
        return CredentialParts(
            database=self.database,
            clock=self.team_clock,
            trust=self.trust,
            opener=self.csd_opener,
            signers=self.signers,
            mail=self.mail,
            links=self.links,
            letters=Letters(ASSETS),
            allow_test_in_live=self.settings.allow_test_csd_in_live,
            show_team=self._show_team,
            pac_name=lambda livemode: LIVE_PAC if livemode else f"{PAC_NAME} ({PAC_RFC})",
        )

    def _show_team(self, tx: Tx, scope: TeamScope) -> dict[str, Any]:
        team = team_store.team(tx, scope.team_id)
        assert team is not None, "events tell of teams that exist"
        return team_json(tx, self.teams, team, livemode=scope.livemode)

    @cached_property
    def mailer(self) -> Mailer | None:
        """None while no mail server is configured."""
        if self.settings.mail is None:
            return None
        server = MailServer.from_url(self.settings.mail.get_secret_value())
        return Mailer(self.database, self.mail, server, self.clock, self._attachment)

    async def _attachment(self, file_id: str) -> Attachment:
        file = await self.files.by_link(file_id)
        return Attachment(file.name, file.media_type, file.content)

    @cached_property
    def users(self) -> UserParts:
        portal_url = self.settings.portal_url or self.settings.origin
        return UserParts(self.database, self.clock, self.mail, portal_url)

    @cached_property
    def webhooks(self) -> WebhookParts:
        return webhook_parts(self.settings, self.database, self.clock, self.vault, self.mail)

    @cached_property
    def courier(self) -> Courier:
        """Delivers events while it runs; one per worker."""
        return Courier(self.webhooks)

    @cached_property
    def documents(self) -> DocumentParts:
        return document_parts(self.settings, self.database, self.team_clock, self.links, self.vault)

    @cached_property
    def sat_lists(self) -> SyncParts:
        # The jobs are made here, because they cannot be made inside the load's transaction.
        return sync_parts(self.settings, self.database, self.clock, self.egress, self.jobs)

    @cached_property
    def sandbox_room(self) -> SandboxParts:
        return sandbox_parts(self.team_clock, self.clock, self.controls, self.invoices, self.due)

    @cached_property
    def sandbox_doors(self) -> Doors:
        key = self.vault.derive("sandbox pages")
        return Doors(key, self.settings.origin, self.clock, self.database, self.kit.authenticator)

    @property
    def sandbox_pages(self) -> Pages:
        return Pages(self.sandbox_room, self.sandbox_doors, self.kit.limits)

    # --- background work -------------------------------------------------------------------------------------------

    @cached_property
    def due(self) -> Due:
        """Work that falls due by a team's clock."""
        return due_work(self.team_clock, lambda: self.invoices, lambda: self.credentials, lambda: self.receipts)

    @cached_property
    def jobs(self) -> Jobs:
        jobs = Jobs(self.database, self.settings, self.clock)
        jobs.register(SETTLE_INVOICE, self._settle)
        self.due.schedule(jobs)
        if self.mailer is not None:
            jobs.every("mail.send", "*/10 * * * * *", self._send_mail)
        jobs.every("http.forget_keys", "41 3 * * *", self._forget_keys)
        jobs.every("teams.remove_due", "23 4 * * *", self._remove_teams)
        schedule_data(jobs, self.database, self.clock, lambda: self.documents, lambda: self.sat_lists)
        jobs.every("audit.anchor", "7 * * * *", self._anchor)
        schedule_webhooks(jobs, self.webhooks)
        return jobs

    async def _settle(self, team_id: str, mode: str, invoice_id: str) -> None:
        scope = TeamScope(team_id, mode == "live")
        with acting_for(scope):
            await stamp.resume(self.invoices, scope, invoice_id)

    async def _send_mail(self) -> None:
        assert self.mailer is not None, "without a mail server nothing is scheduled"
        await self.mailer.drain()

    async def _anchor(self) -> None:
        self.anchors.write(await self.database.read(audit.heads), self.clock.now_ms())

    async def _remove_teams(self) -> None:
        await remove.remove_due(self.teams)

    async def _forget_keys(self) -> None:
        def unit(tx: Tx) -> None:
            self.idempotency.purge(tx)
            user_tokens.forget_expired(tx, self.clock.now_ms())
            store_portal.forget_expired(tx, self.clock.now_ms())

        await self.database.write(unit)

    @cached_property
    def search(self) -> Search:
        return search_of(self.database)

    # --- HTTP ------------------------------------------------------------------------------------------------------

    @cached_property
    def idempotency(self) -> Idempotency:
        secrets = ReplySecrets(self.vault.opener("replayed replies"))
        return Idempotency(self.database, self.clock, secrets, is_refused=invoice_store.is_failed)

    @cached_property
    def key_use(self) -> KeyUse:
        return KeyUse(self.database, self.clock)

    @cached_property
    def authenticator(self) -> TeamAuthenticator:
        return TeamAuthenticator(self.database, self.token_keys, self.clock, self.key_use)

    @cached_property
    def kit(self) -> Kit:
        return Kit(
            authenticator=self.authenticator,
            idempotency=self.idempotency,
            limits=RateLimits(self.clock, self.settings.rate_limits, self.settings.rate_limit_storage),
            cursors=Cursors(self.vault.derive("list cursors")),
        )

    def routers(self) -> list[Router]:
        """Every operation below /v2."""
        catalogs = self.sat.catalogs
        return [
            self.health,
            auth_health_routes(),
            key_routes.routes(self.database, self.clock, self.token_keys, self.mail, self.authenticator.forget_records),
            signup.routes(self.users, self.token_keys, signup.Partners.of(self.settings.internal_api_keys)),
            team_routes.routes(self.teams),
            user_routes.routes(self.users),
            client_routes.routes(self.clients),
            service_routes.routes(self.database, self.clock, catalogs),
            catalog_routes.routes(self.sat.shelf, self.clock),
            invoice_routes.routes(self.invoices, self.files),
            receipt_routes.routes(self.receipts),
            *search_routes(self.search, self.invoices, self.receipts),
            credential_routes.routes(self.credentials),
            sandbox_routes.routes(self.sandbox_room),
            *data_routes(self.documents, self.clock),
            webhook_routes.routes(self.webhooks),
            document_routes.routes(self.links, self._open_file),
        ]

    async def _open_file(self, file_id: str) -> Response:
        if file_id.startswith("manifest_"):
            return await credential_routes.manifest_file(self.credentials, file_id)
        if file_id.startswith("doc_"):
            return await document_routes.document_file(self.documents, file_id)
        if "_inv_" not in file_id:
            raise FileNotFound
        return invoice_routes.served(await self.files.by_link(file_id))

    @cached_property
    def health(self) -> Router:
        return health(
            self.database,
            lambda: self.sat,
            lambda: self.token_keys,
            lambda: self.mailer,
            lambda: self.remote_pacs.is_troubled,
        )

    def warm_up(self) -> None:
        """What the first request would otherwise wait for is made now; leases of dead processes are void on SQLite."""
        self.team_clock.load()
        _ = self.kit, self.invoices, self.files
        if self.database.is_sqlite:
            self.database.write_sync(lambda tx: void_leases(tx, self.process, self.idempotency))

    def close(self) -> None:
        """No key, thread or connection is left. Parts that nobody asked for are not made in order to be closed."""
        for name in ("signers", "pacs", "jobs"):
            if name in self.__dict__:
                getattr(self, name).close()
        self.database.close()
