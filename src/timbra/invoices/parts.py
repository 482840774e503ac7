"""What the verbs of this room work with; ``wiring`` puts it together once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from timbra.catalogs.load import SatData
from timbra.clients.screening import NOT_LOADED, Screening
from timbra.credentials.csd import Signers
from timbra.invoices.complements.port import NO_PAYMENTS, PaymentLinks
from timbra.invoices.inner import NO_SOURCES, Sources
from timbra.invoices.wire import Printer
from timbra.pac.choose import PacSide, in_order
from timbra.pac.port import PacPort
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

STAMP_WINDOW_MS = 72 * HOUR_MS  # SAT code 401: a PAC stamps a document up to 72 h after its Fecha
REBUILD_AFTER_MS = 71 * HOUR_MS
LEASE_MS = MINUTE_MS  # more than twice the longest PAC call
ALARM_AFTER_MS = (24 * HOUR_MS, 60 * HOUR_MS)

# Background tries of a pending document, then every 10 minutes.
RETRY_MS = (5_000, 15_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS)
RETRY_LAST_MS = 10 * MINUTE_MS

# Tries inside a request: the last pause repeats until the budget is spent.
REQUEST_PAUSES_S = (0.25, 0.5, 1.0, 2.0)
# Looks at SAT while a request to cancel, which SAT has received, does not show there yet.
WATCH_PAUSES_S = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class InvoiceParts:
    """Everything the room needs from outside."""

    database: Database
    clock: Clock
    sat: SatData
    signers: Signers
    printer: Printer
    test: PacSide
    live: PacSide
    enqueue: Callable[[Tx, TeamScope, str], None]  # the worker settles the invoice at once
    process: str  # name of this process, the owner of its leases
    live_pacs: Callable[[TeamScope], Awaitable[Sequence[PacPort]]] | None = None  # each team has its own
    screening: Screening = NOT_LOADED  # of clients that documents bring with them
    payments: PaymentLinks = NO_PAYMENTS
    sources: Sources = NO_SOURCES
    started_ms: int = 0  # when this process began: a call that an earlier one did not note was made before
    stamp_budget_s: float = 20.0
    pauses_s: Sequence[float] = field(default=REQUEST_PAUSES_S)
    watch_pauses_s: Sequence[float] = WATCH_PAUSES_S

    def side(self, livemode: bool) -> PacSide:
        """Test documents never meet a production PAC, live ones never the sandbox."""
        return self.live if livemode else self.test

    async def side_of(self, scope: TeamScope) -> PacSide:
        """The stamping side of a team: in live mode with its own PACs, those that can be asked now first."""
        side = self.side(scope.livemode)
        if not scope.livemode or self.live_pacs is None:
            return side
        return replace(side, pacs=in_order(await self.live_pacs(scope)))
