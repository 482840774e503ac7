"""One round of calls for a leased document: the PAC that may have it is asked, else the first one that can be reached.

Before a PAC hears of the document the row says so (``held_by``), and while it does no other PAC is called. The next PAC is
asked only after ``Busy``; a denial counts only when the PAC has had time to see what it was sent.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import structlog

from timbra.invoices import record as outcome_record
from timbra.invoices import store_stamping
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.parts import LEASE_MS, InvoiceParts
from timbra.pac.choose import PacSide
from timbra.pac.port import (
    Ability,
    Busy,
    CancelAccepted,
    Dedup,
    FindOutcome,
    Hints,
    NotThere,
    PacPort,
    Rejected,
    StampOutcome,
    Unknown,
)
from timbra.platform import faults, json
from timbra.platform.clock import monotonic_s
from timbra.platform.db import Tx
from timbra.platform.scope import SERVER, Actor

log = structlog.get_logger(__name__)

CALL_S: Final = 20.0  # more than a PAC's own limits (3 s to connect, 18 s in all), less than half a lease
WORTHWHILE_S: Final = 1.0  # with less time left no further PAC is told of the document

T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """One leased document on its way through the stamping path."""

    record: InvoiceRecord
    sealed: bytes
    hints: Hints
    actor: Actor = SERVER
    is_fresh: bool = False  # Tx 1 of this very run named the PAC: it has not heard of the document yet
    on_settled: outcome_record.OnSettled | None = None
    deadline_s: float | None = None  # of the request that waits, on the clock of ``monotonic_s``
    asked_ms: int = 0  # when a PAC was last told of the document in this run

    @property
    def left_s(self) -> float:
        """How long a call may take."""
        return CALL_S if self.deadline_s is None else min(CALL_S, self.deadline_s - monotonic_s())


class LeaseLost(Exception):
    """Somebody else works on the document: this run stops without a further call."""


def hints_of(record: InvoiceRecord) -> Hints:
    """The test-mode wishes of a document; a live one has none."""
    if record.livemode or record.metadata == "{}":
        return Hints()
    wishes = json.loads(record.metadata.encode())
    stamp, cancel = wishes.get("sandbox"), wishes.get("sandbox_cancel")
    return Hints(stamp=stamp if isinstance(stamp, str) else None, cancel=cancel if isinstance(cancel, str) else None)


async def find(parts: InvoiceParts, side: PacSide, job: Job, name: str) -> FindOutcome:
    """What the PAC that may have stamped the document says; one that is gone or cannot tell needs a person."""
    pac = side.named(name)
    if pac is None:
        await alarm(parts, job, f"{name} may have stamped the document, and the team has no account there any more")
        return Unknown(f"{name} is not configured any more")
    if pac.abilities.dedup is Dedup.NONE and Ability.RECOVER not in pac.abilities.can:
        await alarm(parts, job, f"{name} may have stamped the document and cannot be asked: look it up there")
    found = await _within(job, pac.find(job.sealed, job.record.id, hints=job.hints))
    if isinstance(found, NotThere) and not await _may_deny(parts, job, pac):
        found = Unknown("denied, which proves nothing so soon after the document was sent", found.said)
    await note(parts, job, name, "find", found)
    return found


async def _may_deny(parts: InvoiceParts, job: Job, pac: PacPort) -> bool:
    """Whether the PAC has had the time that it needs to see what it was sent last."""
    visible_after_ms = int(pac.abilities.visible_after_s * 1000)
    if not visible_after_ms:
        return True
    record = job.record
    noted_ms = await parts.database.read(lambda tx: store_stamping.last_asked_ms(tx, record, pac.name))
    # A process that died in the middle of a call noted nothing; it was alive no later than this one began.
    asked_ms = max(noted_ms, job.asked_ms, parts.started_ms)
    return parts.clock.now_ms() >= asked_ms + visible_after_ms


async def first_reachable(parts: InvoiceParts, side: PacSide, job: Job) -> tuple[StampOutcome, str]:
    """(what the first PAC that was not busy said, its name); it holds the document then. Busy: nobody holds it."""
    outcome: StampOutcome = Busy("no PAC is configured")
    name = ""
    for pac in side.pacs:
        if name and job.left_s < WORTHWHILE_S:
            break
        name = pac.name
        if job.record.held_by != name:
            await hold(parts, job, name)
        job.is_fresh = False
        faults.point("stamp.before_pac")
        outcome = await _within(job, pac.stamp(job.sealed, job.record.id, hints=job.hints))
        job.asked_ms = parts.clock.now_ms()
        faults.point("stamp.after_pac")
        if outcome_word(outcome) != "stamped":
            await note(parts, job, name, "stamp", outcome)
        if not isinstance(outcome, Busy):
            return outcome, name
    await hold(parts, job, None)
    return outcome, name


async def _within(job: Job, call: Awaitable[T]) -> T | Unknown:
    """The outcome of a call, Unknown when the time that is left runs out first."""
    left_s = max(job.left_s, 0.05)
    try:
        async with asyncio.timeout(left_s):
            return await call
    except TimeoutError:
        return Unknown(f"no answer within {left_s:.1f} s")


async def hold(parts: InvoiceParts, job: Job, pac: str | None) -> None:
    """Before ``pac`` hears of the document the database says so. Raises LeaseLost."""
    if job.record.held_by == pac:
        return
    until = parts.clock.now_ms() + LEASE_MS

    def unit(tx: Tx) -> bool:
        return store_stamping.hold(tx, job.record, pac) and store_stamping.extend_lease(tx, job.record, until)

    if not await parts.database.write(unit):
        raise LeaseLost(job.record.id)
    job.record = replace(job.record, held_by=pac, lease_until_ms=until)


async def note(parts: InvoiceParts, job: Job, pac: str, call: str, outcome: Any) -> None:
    """A line in the document's ledger."""
    name, detail = describe(outcome)
    now_ms = parts.clock.now_ms()
    await parts.database.write(
        lambda tx: store_stamping.add_attempt(
            tx, job.record, pac=pac, call=call, outcome=name, detail=detail, at_ms=now_ms, said=outcome.said
        )
    )


def outcome_word(outcome: Any) -> str:
    """The outcome's name in the ledger."""
    return describe(outcome)[0]


def describe(outcome: Any) -> tuple[str, str | None]:
    """(word, detail) of an outcome for the ledger."""
    if isinstance(outcome, Rejected):
        return "rejected", f"{outcome.code} {outcome.text}"
    if isinstance(outcome, Busy | Unknown):
        return type(outcome).__name__.lower(), outcome.reason
    if isinstance(outcome, CancelAccepted):
        return "taken", outcome.code
    return "not_there" if isinstance(outcome, NotThere) else "stamped", None


async def alarm(parts: InvoiceParts, job: Job, text: str) -> None:
    """A person must look: the log and the audit row say why, once. Nothing else changes."""
    now_ms = parts.clock.now_ms()
    if await parts.database.write(lambda tx: outcome_record.alarmed(tx, job.record, text, now_ms)):
        log.error("invoice_alarm", invoice=job.record.id, team=job.record.team_id, reason=text)
