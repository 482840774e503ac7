"""The sandbox put together for ``wiring``: simulated PACs and SAT, and the room that controls them."""

from collections.abc import Sequence
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
from timbra.platform.team_clock import TeamClock
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


def sandbox_parts(
    clock: TeamClock, machine: Clock, controls: Controls, invoices: InvoiceParts, credentials: CredentialParts
) -> SandboxParts:
    """What the control room works with; due work is done in the order given here when a clock was moved."""
    return SandboxParts(
        database=invoices.database,
        clock=clock,
        machine=machine,
        controls=controls,
        pacs=PACS,
        due_work={
            "stamped": partial(sweep.stamp_due, invoices),
            "alarms": partial(sweep.alarm_overdue, invoices),
            "cancellations": partial(sweep.follow_cancellations, invoices),
            "certificates": partial(expiry.warn, credentials),
        },
        follow=partial(cancel_follow.follow, invoices),
    )
