"""The sandbox put together for ``wiring``: simulated PACs and SAT, and the room that controls them."""

from collections.abc import Callable, Sequence
from functools import partial

from timbra.catalogs.load import SatData
from timbra.cfdi.certificate import HasPublicKey
from timbra.credentials import expiry
from timbra.credentials.parts import CredentialParts
from timbra.credentials.signer import RsaSigner
from timbra.invoices import cancel_follow, sweep
from timbra.invoices.parts import InvoiceParts
from timbra.pac.choose import PacSide
from timbra.pac.sandbox.controls import Controls
from timbra.pac.sandbox.keys import Sandbox
from timbra.pac.sandbox.provider import SandboxKeys, SandboxPac, SandboxStatus
from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.due import Due
from timbra.platform.team_clock import TeamClock
from timbra.receipts.close_periods import close_periods
from timbra.receipts.parts import ReceiptParts
from timbra.sandbox.parts import SandboxParts

PACS = ("sandbox", "sandbox_backup")


def sandbox_side(
    database: Database,
    clock: Clock,
    data: SatData,
    sandbox: Sandbox,
    authorities: Sequence[HasPublicKey],
    controls: Controls,
    *,
    latency_ms: int,
) -> PacSide:
    """Test mode: two simulated PACs, so that failover can be tried, and a simulated SAT."""
    keys = SandboxKeys(sandbox.pac_facts, RsaSigner(sandbox.pac.key), authorities)
    pacs = [
        SandboxPac(
            name,
            database=database,
            clock=clock,
            data=data,
            keys=keys,
            controls=controls,
            latency_ms=latency_ms,
            is_first=name == PACS[0],
        )
        for name in PACS
    ]
    certificates = {sandbox.pac_facts.number: sandbox.pac.certificate}
    return PacSide(pacs, SandboxStatus(database, clock, controls), certificates)


def due_work(
    clock: TeamClock,
    invoices: Callable[[], InvoiceParts],
    credentials: Callable[[], CredentialParts],
    receipts: Callable[[], ReceiptParts],
) -> Due:
    """Work that falls due by a team's clock. Parts are made when the work is first done."""
    due = Due(clock)
    due.add("stamped", "invoices.stamp_due", "*/5 * * * * *", lambda scope: sweep.stamp_due(invoices(), scope))
    due.add("alarms", "invoices.alarm_overdue", "23 * * * * *", lambda scope: sweep.alarm_overdue(invoices(), scope))
    due.add(
        "cancellations",
        "invoices.follow_cancellations",
        "*/10 * * * * *",
        lambda scope: sweep.follow_cancellations(invoices(), scope),
    )
    due.add("periods", "receipts.close", "0 59 * * * *", lambda scope: close_periods(receipts(), scope))
    due.add("certificates", "credentials.warn", "37 9 * * *", lambda scope: expiry.warn(credentials(), scope))
    return due


def sandbox_parts(
    clock: TeamClock, machine: Clock, controls: Controls, invoices: InvoiceParts, due: Due
) -> SandboxParts:
    """What the control room works with."""
    return SandboxParts(
        database=invoices.database,
        clock=clock,
        machine=machine,
        controls=controls,
        pacs=PACS,
        due=due,
        follow=partial(cancel_follow.follow, invoices),
    )
