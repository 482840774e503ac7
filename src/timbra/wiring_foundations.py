"""What every part of the house stands on: settings, clocks, database, keys, mail and outgoing calls."""

from functools import cached_property

from timbra.credentials import csd
from timbra.platform import mail, vault_rotate
from timbra.platform.addresses import Allowed
from timbra.platform.audit_check import Anchors
from timbra.platform.clock import Clock, SystemClock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.egress import Egress
from timbra.platform.ids import new_id
from timbra.platform.team_clock import TeamClock
from timbra.platform.vault import Opener, Vault
from timbra.platform.vault_local import LocalKeys
from timbra.platform.vault_named import ServerSecrets
from timbra.teams.keys import TokenKeys


class Foundations:
    """Each part is made when first asked for."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, database: Database | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.database = database or Database(settings.url)
        self.process = new_id("proc")
        self.team_clock = TeamClock(self.database, self.clock)

    # --- secrets ---------------------------------------------------------------------------------------------------

    @cached_property
    def vault(self) -> Vault:
        keys = LocalKeys.open(self.settings.key_folder, may_create=not vault_rotate.is_sealed(self.database))
        vault_rotate.refuse_foreign(self.database, keys)
        return Vault(keys)

    @cached_property
    def token_keys(self) -> TokenKeys:
        keys = TokenKeys(
            ServerSecrets(self.vault.opener("api tokens"), "signing_keys"), self.clock, self.settings.issuer
        )
        keys.load(self.database)
        return keys

    @cached_property
    def anchors(self) -> Anchors:
        return Anchors(self.settings.data_dir, self.vault.derive("audit anchors"))

    @cached_property
    def csd_opener(self) -> Opener:
        return self.vault.opener(csd.PURPOSE)

    @cached_property
    def mail(self) -> mail.Outbox:
        return mail.Outbox(self.vault.opener(mail.PURPOSE), self.clock, is_on=self.settings.mail is not None)

    # --- outgoing calls --------------------------------------------------------------------------------------------

    @cached_property
    def egress(self) -> Egress:
        """Calls to hosts that the operator has configured: PACs, SAT, catalogues."""
        return Egress(Allowed.of(self.settings.egress_allow_private_hosts))
