"""A team's accounts at stamping providers: kept sealed, and opened into the PACs that its documents go to.

The order of the accounts is the order of failover. Which providers there are is ``wiring``'s to say.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from timbra.credentials import store_pacs
from timbra.credentials.store_pacs import StoredPac
from timbra.pac.port import PacPort
from timbra.platform import audit, json
from timbra.platform.audit import Action
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import Actor, TeamScope
from timbra.platform.vault import Opener, SecretContext

PURPOSE = "pac credentials"  # of the opener that wiring hands out
HELD_MAX = 1_024
RECHECK_MS = 5_000  # an account changed by another process is noticed within this time

# (provider, credentials, livemode) → the PAC
Build = Callable[[str, Mapping[str, str], bool], PacPort]


class Refused(Exception):
    """The account cannot be kept or removed; the text says why."""


@dataclass(slots=True)
class _Held:
    opened: dict[str, tuple[int, PacPort]]  # by provider: (updated_ms of the credentials, PAC)
    pacs: Sequence[PacPort]
    checked_ms: int


class Pacs:
    """The PACs of every team, opened when first asked for. For one event loop."""

    def __init__(self, database: Database, opener: Opener, clock: Clock, build: Build) -> None:
        self._database = database
        self._opener = opener
        self._clock = clock
        self._build = build
        self._held: OrderedDict[TeamScope, _Held] = OrderedDict()  # least recently asked first

    async def of(self, scope: TeamScope) -> Sequence[PacPort]:
        """The team's PACs in its order, none when it has no account. Raises DatabaseUnavailable, VaultRefused.

        Asks the database when the answer in memory is older than 5 s.
        """
        held = self._held.get(scope)
        now_ms = self._clock.now_ms()
        if held is None or not 0 <= now_ms - held.checked_ms < RECHECK_MS:
            stored = await self._database.read(lambda tx: store_pacs.connections(tx, scope))
            held = self._opened(scope, stored, held, now_ms)
            self._held[scope] = held
            if len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        self._held.move_to_end(scope)
        return held.pacs

    def forget(self, scope: TeamScope) -> None:
        """The next use reads the accounts anew."""
        self._held.pop(scope, None)

    def close(self) -> None:
        """No opened credentials are left."""
        self._held.clear()

    def _opened(self, scope: TeamScope, stored: Sequence[StoredPac], held: _Held | None, now_ms: int) -> _Held:
        before = held.opened if held else {}
        opened: dict[str, tuple[int, PacPort]] = {}
        for one in stored:
            known = before.get(one.provider)
            if known is None or known[0] != one.updated_ms:
                known = one.updated_ms, self._build(one.provider, credentials(self._opener, scope, one), scope.livemode)
            opened[one.provider] = known
        return _Held(opened, [pac for _, pac in opened.values()], now_ms)


def _place(scope: TeamScope, provider: str) -> SecretContext:
    return SecretContext("pac_connections", "sealed_credentials", provider, scope.team_id, scope.livemode)


def credentials(opener: Opener, scope: TeamScope, stored: StoredPac) -> dict[str, str]:
    """The credentials of one account in clear. Raises VaultRefused."""
    opened: dict[str, str] = json.loads(opener.open(_place(scope, stored.provider), stored.sealed_credentials).reveal())
    return opened


def connect(
    tx: Tx, scope: TeamScope, provider: str, given: Mapping[str, str], *, opener: Opener, actor: Actor, at_ms: int
) -> None:
    """The team has this account at the provider, its credentials sealed; the audit log names neither."""
    store_pacs.put(tx, scope, provider, opener.seal(_place(scope, provider), json.dumps(dict(given))), at_ms)
    audit.append(tx, scope, Action.TEAM_PAC_CONNECT, provider, actor, at_ms, changes={"livemode": scope.livemode})


def disconnect(tx: Tx, scope: TeamScope, provider: str, *, held: int, actor: Actor, at_ms: int) -> None:
    """The account is gone, for good.

    held: documents that only this provider can tell about. Raises Refused while there are any, and for no such account.
    """
    if held:
        raise Refused(f"{held} documents may have been stamped by {provider}: nobody else can tell. Keep it until then")
    if not store_pacs.remove(tx, scope, provider):
        raise Refused(f"the team has no account at {provider} in this mode")
    audit.append(tx, scope, Action.TEAM_PAC_REMOVE, provider, actor, at_ms, changes={"livemode": scope.livemode})


def put_in_order(tx: Tx, scope: TeamScope, providers: Sequence[str], *, actor: Actor, at_ms: int) -> None:
    """The accounts are asked in this order. Raises Refused unless each is named once."""
    known = [one.provider for one in store_pacs.connections(tx, scope)]
    if sorted(known) != sorted(providers):
        raise Refused(f"name each of the team's accounts once: {', '.join(known) or 'it has none'}")
    store_pacs.set_positions(tx, scope, list(providers), at_ms)
    changes = {"livemode": scope.livemode, "order": list(providers)}
    audit.append(tx, scope, Action.TEAM_PAC_ORDER, scope.team_id, actor, at_ms, changes=changes)
