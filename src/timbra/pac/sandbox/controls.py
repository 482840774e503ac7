"""How a team has set its sandbox: the behaviour of each simulated PAC and of the receivers, until it is set otherwise."""

from collections.abc import Mapping

from timbra.pac.sandbox import store_controls
from timbra.pac.sandbox.cases import NORMAL, Behaviour, Case, Control, Receiver
from timbra.platform.db import Database
from timbra.platform.tenancy import SERVER, open_team

RECEIVER = "receiver"  # the subject beside the PACs' names


class Controls:
    """The settings of all accounts; an account is the team that acts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts: set[str] | None = None  # with any setting, where no other process can change one

    def account(self) -> str | None:
        """The team acted for, None for the server itself."""
        team = open_team()
        return None if team == SERVER else team

    async def of(self, account: str | None) -> Mapping[str, Control]:
        """By subject: a PAC's name or RECEIVER. What is not there behaves normally."""
        if account is None or not await self._may_have(account):
            return {}
        return await self._database.look(lambda tx: store_controls.of(tx, account))

    async def pac(self, name: str) -> Case:
        """What this call to the PAC meets; a setting for a number of calls is used up by one."""
        account = self.account()
        if account is None or not await self._may_have(account):
            return NORMAL
        control = await self._database.look(lambda tx: store_controls.of(tx, account).get(name))
        if control is not None and control.calls is not None:
            control = await self._database.write(lambda tx: store_controls.use(tx, account, name))
        return NORMAL if control is None else Case(Behaviour(control.behaviour), control.code, control.seconds)

    async def is_down(self, name: str) -> bool:
        """Whether the PAC cannot be reached; asking uses nothing up."""
        control = (await self.of(self.account())).get(name)
        return control is not None and control.behaviour == Behaviour.DOWN

    async def receiver(self) -> Receiver:
        """What receivers of the acting team do."""
        control = (await self.of(self.account())).get(RECEIVER)
        return Receiver.NOT_ASKED if control is None else Receiver(control.behaviour)

    def noticed(self) -> None:
        """To be called when a transaction that changed settings has been committed."""
        self._accounts = None

    async def _may_have(self, account: str) -> bool:
        if not self._database.is_sqlite:
            return True
        if self._accounts is None:
            self._accounts = await self._database.look(store_controls.accounts)
        return account in self._accounts
