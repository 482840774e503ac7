"""The rule of 72 hours: a PAC that is away, or silent, for hours and days, under a clock that the test moves."""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from invariants import violations
from lxml import etree

from timbra.invoices import sweep
from timbra.pac.port import (
    Abilities,
    Busy,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Hints,
    StampOutcome,
    Unknown,
)
from timbra.pac.sandbox.provider import SandboxPac
from timbra.platform.clock import FrozenClock
from world import HOUR_MS, MINUTE_MS, NOON_MS, World

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
DOWN, SILENT_WITH, SILENT_WITHOUT = "down", "silent, has it", "silent, does not have it"
END_MS = 83 * HOUR_MS
HOURS = range(1, 81) if IS_SOAK else (1, 25, 61, 70, 71, 72, 73, 80)


@dataclass(frozen=True)
class Trouble:
    """What the PAC does with one document until ``until_ms``."""

    kind: str
    until_ms: int


class MoodyPac:
    """The sandbox behind a bad line. ``stamps``: (instant, bytes) of every stamping call, by reference."""

    name, abilities = "sandbox", Abilities(Dedup.BY_XML)

    def __init__(self, honest: SandboxPac, clock: FrozenClock) -> None:
        self.honest, self.clock = honest, clock
        self.next = Trouble(DOWN, 0)
        self.troubles: dict[str, Trouble] = {}
        self.stamps: dict[str, list[tuple[int, bytes]]] = defaultdict(list)

    def _trouble(self, reference: str) -> str:
        trouble = self.troubles.setdefault(reference, self.next)
        return trouble.kind if self.clock.now_ms() < trouble.until_ms else ""

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        self.stamps[reference].append((self.clock.now_ms(), xml))
        trouble = self._trouble(reference)
        if trouble == DOWN:
            return Busy("unreachable")
        if trouble == SILENT_WITHOUT:
            return Unknown("no answer")
        outcome = await self.honest.stamp(xml, reference, hints=hints)
        return Unknown("no answer") if trouble == SILENT_WITH else outcome

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        if self._trouble(reference):
            return Unknown("no answer")
        return await self.honest.find(xml, reference, hints=hints)

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        return await self.honest.cancel(request, hints=hints)


@pytest.fixture
def pac(world: World) -> MoodyPac:
    honest: Any = world.parts.test.pacs[0]
    moody = MoodyPac(honest, world.clock)
    world.parts.test.pacs[:] = [moody]  # type: ignore[index]
    return moody


def age_ms(xml: bytes, at_ms: int) -> int:
    """How old bytes were at an instant, by their Fecha (central time, UTC-6)."""
    issued = datetime.fromisoformat(f"{etree.fromstring(xml).get('Fecha')}-06:00")
    return at_ms - int(issued.timestamp()) * 1000


def instants() -> list[int]:
    """When the background work looks, in ms after noon: every ten minutes, or now and then except around the limit."""
    if IS_SOAK:
        return list(range(0, END_MS, 10 * MINUTE_MS))
    fine = range(70 * HOUR_MS, 74 * HOUR_MS, 20 * MINUTE_MS)
    return sorted({*range(0, END_MS, 2 * HOUR_MS), *fine})


def live_through(world: World, until_ms: int = END_MS) -> None:
    for instant in instants():
        if NOON_MS + instant > world.clock.now_ms() and instant <= until_ms:
            world.clock.advance(NOON_MS + instant - world.clock.now_ms())
            world.sweep()
            world.run(sweep.alarm_overdue(world.parts))


def test_outages_of_1_to_80_hours(world: World, pac: MoodyPac) -> None:
    made: dict[str, tuple[Trouble, int]] = {}
    for kind in (DOWN, SILENT_WITH, SILENT_WITHOUT):
        for hours in HOURS:
            pac.next = Trouble(kind, NOON_MS + hours * HOUR_MS)
            name = f"{kind} {hours}"
            reply = world.api.post("/invoices/income", world.sale(10, metadata={"request": name}))
            assert reply.status == (503 if kind == DOWN else 202)
            shown = reply.error["invoice"] if kind == DOWN else reply.data
            made[shown["id"]] = (pac.next, hours)

    live_through(world)

    rows = world.query("select id, status, generation, folio from invoices")
    alarms = defaultdict(list)
    for invoice_id, at_ms in world.query(
        "select resource_id, at_ms from audit_log where action = 'invoice.alarm' order by at_ms"
    ):
        alarms[invoice_id].append((at_ms - NOON_MS) // HOUR_MS)
    assert violations(world.database) == []
    assert sorted(folio for *_, folio in rows) == list(range(1, len(made) + 1))
    for invoice_id, status, generation, _folio in rows:
        trouble, hours = made[invoice_id]
        calls = pac.stamps[invoice_id]
        assert status == "valid", (trouble, hours)
        assert all(age_ms(xml, at_ms) <= 72 * HOUR_MS for at_ms, xml in calls), (trouble, hours)
        is_renewed = trouble.kind != SILENT_WITH and hours >= 71
        assert generation == (2 if is_renewed else 1), (trouble, hours)
        assert len({xml for _, xml in calls}) == generation, (trouble, hours)
        if trouble.kind == SILENT_WITH:
            assert len(calls) == 1, (trouble, hours)
        assert alarms[invoice_id] == [at for at in (24, 60) if hours > at], (trouble, hours)


def test_a_renewed_document_keeps_its_folio_and_gets_a_new_date(world: World, pac: MoodyPac) -> None:
    pac.next = Trouble(SILENT_WITHOUT, NOON_MS + 73 * HOUR_MS)
    before = world.api.post("/invoices/income", world.sale(10, metadata={"request": "a"})).data

    live_through(world)

    after = world.api.get(f"/invoices/income/{before['id']}").data
    (_, first), (_, second) = pac.stamps[before["id"]]
    assert (etree.fromstring(first).get("Fecha"), etree.fromstring(first).get("Folio")) == ("2026-10-09T12:00:00", "1")
    assert (etree.fromstring(second).get("Fecha"), etree.fromstring(second).get("Folio")) == (
        "2026-10-12T13:00:00",
        "1",
    )
    assert (after["status"], after["folio_number"], after["date"]) == ("valid", 1, NOON_MS + 73 * HOUR_MS)


def test_without_a_certificate_old_bytes_are_not_sent_again(
    world: World, pac: MoodyPac, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_: Any) -> None:
        return None

    pac.next = Trouble(DOWN, NOON_MS + 75 * HOUR_MS)
    world.api.post("/invoices/income", world.sale(10, metadata={"request": "a"}))
    ((invoice_id,),) = world.query("select id from invoices")

    with monkeypatch.context() as patched:
        patched.setattr(world.parts.signers, "signer_for", none)
        live_through(world, 78 * HOUR_MS)

    assert max(age_ms(xml, at_ms) for at_ms, xml in pac.stamps[invoice_id]) < 72 * HOUR_MS
    reasons = world.query("select detail from stamp_attempts where call = 'alarm' order by number")
    assert [row[0] for row in reasons] == [
        "pending for 24 hours", "pending for 60 hours", "no CSD to seal the document again with",
    ]  # fmt: skip
    live_through(world)
    assert world.query("select status, generation from invoices") == [("valid", 2)]
    assert violations(world.database) == []


def test_a_pac_that_is_silent_for_good_is_never_replaced(world: World, pac: MoodyPac) -> None:
    class Backup(MoodyPac):
        name = "backup"

    backup = Backup(pac.honest, world.clock)
    world.parts.test.pacs.append(backup)  # type: ignore[attr-defined]
    pac.next = Trouble(SILENT_WITHOUT, NOON_MS + 1_000 * HOUR_MS)
    world.api.post("/invoices/income", world.sale(10, metadata={"request": "a"}))

    live_through(world)

    assert world.query("select status, generation, held_by from invoices") == [("pending", 1, "sandbox")]
    assert (len(next(iter(pac.stamps.values()))), dict(backup.stamps)) == (1, {})
