"""Two PACs that lose answers, refuse, hesitate and go down, and a server that is killed in between: never two stamps.

The PACs live outside the server and remember what they stamped; they are judged afterwards, not what the server says.
TIMBRA_SOAK=1 issues 10,000 documents; ``make test`` a few hundred.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from invariants import violations
from lxml import etree

from timbra.cfdi import timbre
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.credentials.signer import RsaSigner
from timbra.pac.port import (
    Abilities,
    Ability,
    Busy,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Hints,
    NotThere,
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.sandbox.stamping import timbre_of
from timbra.platform import faults
from world import World

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
DOCUMENTS = 10_000 // 3 + 1 if IS_SOAK else 40  # of each of three kinds of PAC
LATE_MS, VISIBLE_MS = 10_000, 8_000
VISIBLE_AFTER_S = 20.0
MINUTES_TO_SETTLE = 75


class Killed(BaseException):
    """The process is gone."""


KINDS = {
    "recognises bytes, can be asked": Abilities(
        Dedup.BY_XML, frozenset({Ability.RECOVER}), visible_after_s=VISIBLE_AFTER_S
    ),
    "recognises bytes, sent again": Abilities(Dedup.BY_XML),
    "recognises nothing, can be asked": Abilities(
        Dedup.NONE, frozenset({Ability.RECOVER}), visible_after_s=VISIBLE_AFTER_S
    ),
}


@dataclass
class FaultyPac:
    """``stamps``: the UUIDs given for each reference, whether or not anybody heard of them."""

    name: str
    abilities: Abilities
    world: World
    chance: Random
    verdicts: dict[str, bool]  # shared by both
    stamps: dict[str, list[str]] = field(default_factory=dict)
    known: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)  # digest: (since, stamped)
    later: list[tuple[int, bytes, str]] = field(default_factory=list)
    down_until_ms: int = 0
    judge: Random = field(default_factory=lambda: Random(1))  # the first document is not refused

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        self._catch_up()
        luck = self.chance.random()
        if luck < 0.05:
            self.down_until_ms = self._now() + self.chance.choice([0, 0, 20_000])
        if luck < 0.05 or self._now() < self.down_until_ms:
            return Busy("down")
        if luck < 0.10:
            return Unknown("the request was lost")
        if luck < 0.13:
            self.later.append((self._now() + LATE_MS, xml, reference))
            return Unknown("no answer in time")
        if self._is_refused(reference):
            return Rejected("CFDI40147", "El campo DomicilioFiscalReceptor")
        digest = hashlib.sha256(xml).digest()
        if digest in self.known and self.abilities.dedup is not Dedup.NONE and self.chance.random() < 0.3:
            return Unknown("307 without the stamp")
        stamped = self._stamped(xml, reference)
        return Unknown("the answer was lost") if luck < 0.23 else Stamped(stamped)

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        if Ability.RECOVER not in self.abilities.can:
            outcome = await self.stamp(xml, reference, hints=hints)
            return Unknown(outcome.reason) if isinstance(outcome, Busy) else outcome
        self._catch_up()
        if self._now() < self.down_until_ms or self.chance.random() < 0.2:
            return Unknown("silent")
        since_ms, stamped = self.known.get(hashlib.sha256(xml).digest(), (0, b""))
        return Stamped(stamped) if stamped and self._now() >= since_ms + VISIBLE_MS else NotThere()

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        return Busy("not played here")

    def _now(self) -> int:
        return self.world.clock.now_ms()

    def _catch_up(self) -> None:
        """Requests that were late are stamped now, although nobody waits for them any more."""
        due = [one for one in self.later if one[0] <= self._now()]
        self.later = [one for one in self.later if one[0] > self._now()]
        for due_ms, xml, reference in due:
            if not self._is_refused(reference):
                self._stamped(xml, reference, due_ms)

    def _is_refused(self, reference: str) -> bool:
        """For its content, so by every PAC and every time."""
        return self.verdicts.setdefault(reference, self.judge.random() < 0.05)

    def _stamped(self, xml: bytes, reference: str, since_ms: int | None = None) -> bytes:
        digest = hashlib.sha256(xml).digest()
        if digest in self.known and self.abilities.dedup is not Dedup.NONE:
            return self.known[digest][1]
        made = bytearray(
            hashlib.sha256(digest + self.name.encode() + bytes([len(self.stamps.get(reference, ()))])).digest()[:16]
        )
        text = made.hex()
        uuid = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"
        sandbox = self.world.house.sandbox
        accepted: Any = SimpleNamespace(sello=etree.fromstring(xml).get("Sello"))
        at = local_time(self._now(), CENTRAL).replace(microsecond=0) + timedelta(0)
        tfd = timbre_of(accepted, uuid=uuid, at_local=at, pac=sandbox.pac_facts, signer=RsaSigner(sandbox.pac.key))
        self.stamps.setdefault(reference, []).append(uuid)
        self.known.setdefault(digest, (since_ms or self._now(), timbre.attach(xml, tfd)))
        return self.known[digest][1]


@contextmanager
def mortal(world: World, chance: Random, pacs: list[FaultyPac]) -> Iterator[None]:
    """One run in fifty dies at one of its next fault points, and is replaced."""
    left = chance.randint(1, 25) if chance.random() < 0.02 else 0
    dead = False

    def hook(_: str) -> None:
        nonlocal left, dead
        left -= 1
        if dead or left == 0:
            dead = True
            raise Killed

    if left:
        faults.install(hook)
    try:
        yield
    except Killed:
        pass
    finally:
        faults.install(None)
    if dead:
        world.restart()
        world.parts.test.pacs[:] = pacs  # type: ignore[index]


def issue(world: World, pacs: list[FaultyPac], chance: Random, name: str) -> None:
    """The caller repeats with the same key until there is an answer that ends it."""
    body = world.sale(100, metadata={"request": name})
    for _ in range(20):
        with mortal(world, chance, pacs):
            reply = world.api.post("/invoices/income", body, idempotency_key=name)
            assert reply.status in (200, 201, 202, 422, 503, 409), reply.json
            if reply.status != 409:
                return


def settle(world: World, pacs: list[FaultyPac], chance: Random) -> None:
    for _ in range(MINUTES_TO_SETTLE * 4):
        with mortal(world, chance, pacs):
            world.sweep(after_s=15)
        if world.query("select count(*) from invoices where status = 'pending'") == [(0,)]:
            return


@pytest.mark.parametrize("kind", KINDS)
def test_no_document_is_ever_stamped_twice(world: World, kind: str) -> None:
    seed = 20_261_122 if not IS_SOAK else int(os.environ.get("TIMBRA_SEED", "20261122"))
    chance = Random(f"{seed} {kind}")
    verdicts: dict[str, bool] = {}
    names = ("sandbox", "sandbox_backup")
    pacs = [FaultyPac(name, KINDS[kind], world, Random(f"{seed} {name}"), verdicts) for name in names]
    world.parts.test.pacs[:] = pacs  # type: ignore[index]

    for number in range(DOCUMENTS):
        issue(world, pacs, chance, f"request {number}")
        if chance.random() < 0.1:
            with mortal(world, chance, pacs):
                world.sweep(after_s=chance.choice([1, 5, 20]))
    settle(world, pacs, chance)

    found = world.query("select id, status, uuid, folio from invoices")
    for invoice_id, status, uuid, _folio in found:
        given = [one for pac in pacs for one in pac.stamps.get(invoice_id, [])]
        assert given == ([uuid] if status == "valid" else []), (seed, invoice_id, status)
        assert status in ("valid", "failed"), (seed, invoice_id)
    known = {invoice_id for invoice_id, *_ in found}
    assert {reference for pac in pacs for reference in pac.stamps} <= known
    folios = sorted(folio for _, status, _, folio in found if status == "valid")
    waiting = [released for (released,) in world.query("select folio from released_folios")]
    assert sorted(folios + waiting) == list(range(1, len(folios) + len(waiting) + 1))
    states = Counter(status for _, status, *_ in found)
    assert states["valid"] >= DOCUMENTS * 0.8, (states, len(known))
    # The checker looks for stamps in the table of the sandbox, which is not played here.
    assert [fault for fault in violations(world.database) if "nobody stamped" not in fault] == []
    assert all(pac.stamps for pac in pacs)


class Script(Random):
    """Draws in a given order, then nothing special happens."""

    def __init__(self, *draws: float) -> None:
        super().__init__(0)
        self.draws = list(draws)

    def random(self) -> float:
        return self.draws.pop(0) if self.draws else 0.99


@pytest.mark.parametrize(("visible_after_s", "stamps"), [(0.0, 2), (VISIBLE_AFTER_S, 1)])
def test_a_denial_believed_too_early_makes_two_stamps(world: World, visible_after_s: float, stamps: int) -> None:
    abilities = Abilities(Dedup.BY_XML, frozenset({Ability.RECOVER}), visible_after_s=visible_after_s)
    late = FaultyPac("sandbox", abilities, world, Script(0.11, 0.9, 0.01), {})  # late, denies, is away
    prompt = FaultyPac("sandbox_backup", abilities, world, Script(), {})
    world.parts.test.pacs[:] = [late, prompt]  # type: ignore[index]
    reply = world.api.post("/invoices/income", world.sale(100))
    assert reply.status == (202 if visible_after_s else 201)
    late.down_until_ms = 0

    for _ in range(6):
        world.sweep(after_s=15)
        late._catch_up()

    assert world.query("select status from invoices") == [("valid",)]
    assert sum(len(pac.stamps.get(reference, [])) for pac in (late, prompt) for reference in pac.stamps) == stamps
