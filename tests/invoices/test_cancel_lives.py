"""Random lives of cancellations end as the simulated SAT has them; none is told as canceled before SAT says so.

50 lives in every run, 1,000 with TIMBRA_SOAK. A failure prints its seed: TIMBRA_SEED repeats it.
"""

import os
from random import Random
from typing import Any

import pytest

from timbra.cfdi.sat_status import SatStatus
from timbra.pac.sandbox import store as simulated
from timbra.pac.sandbox.cases import Receiver, sat_says
from timbra.platform.tenancy import acting_for
from world import World

LIVES = 1_000 if os.environ.get("TIMBRA_SOAK") else 50
SEED = int(os.environ.get("TIMBRA_SEED", "20261122"))
CASES = (
    None,
    None,
    None,
    "without_acceptance",
    "pending",
    "accepted",
    "rejected",
    "expired",
    "not_cancelable",
    "refused:204",
)
RECEIVERS = ("not_asked", "accepts", "rejects", "silent")
PACS = ("normal", "normal", "normal", "down", "slow", "drops_answer")
PAUSES_S = (1, 30, 60, 600, 3_600, 86_400, 3 * 86_400)
WORDS = {
    "Cancelado sin aceptación": ("canceled", "without_acceptance"),
    "Cancelado con aceptación": ("canceled", "accepted"),
    "Plazo vencido": ("canceled", "expired"),
    "Solicitud rechazada": ("valid", "rejected"),
    "En proceso": ("valid", "pending"),
}


class Lives:
    """One server, its simulated SAT, and documents whose cancellation is asked for again and again."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.uuids: list[str] = []

    def begin(self) -> None:
        self.world.api.call("PUT", "/sandbox", {"pacs": {"sandbox": None, "sandbox_backup": None}})
        case = self.random.choice(CASES)
        metadata = {"sandbox_cancel": case} if case else {}
        self.uuids.append(self.world.issue(self.random.choice((10, 900, 5_000)), metadata=metadata)["uuid"])

    def step(self) -> None:
        self.random.choice((self.ask, self.ask, self.ask, self.wait, self.wait, self.answer, self.look, self.set_up))()

    def ask(self) -> None:
        uuid = self.random.choice(self.uuids)
        reply = self.world.api.delete(f"/invoices/{uuid}", {"motive": self.random.choice(("02", "03"))})
        assert reply.status in (200, 202, 400, 409, 422), reply.json

    def wait(self) -> None:
        self.world.sweep(after_s=self.random.choice(PAUSES_S))

    def answer(self) -> None:
        uuid, word = self.random.choice(self.uuids), self.random.choice(("accept", "reject"))
        reply = self.world.api.post(f"/sandbox/documents/{uuid}/answer", {"answer": word})
        assert reply.status in (200, 400), reply.json

    def look(self) -> None:
        reply = self.world.api.get(f"/invoices/{self.random.choice(self.uuids)}/cancellation")
        assert reply.status == 200, reply.json

    def set_up(self) -> None:
        pacs = {name: {"behaviour": self.random.choice(PACS)} for name in ("sandbox", "sandbox_backup")}
        body = {"pacs": pacs, "receiver": {"behaviour": self.random.choice(RECEIVERS)}}
        reply = self.world.api.call("PUT", "/sandbox", body)
        assert reply.status == 200, reply.json

    def calm(self) -> None:
        """Everything works again; time goes by until nothing is open that SAT will ever close."""
        self.world.api.delete("/sandbox", {})
        for _ in range(20):
            self.world.sweep(after_s=86_400)

    def at_sat(self) -> dict[str, SatStatus]:
        with acting_for(self.world.scope):
            found = self.world.database.read_sync(lambda tx: [simulated.find_by_uuid(tx, uuid) for uuid in self.uuids])
        now_ms = self.world.clock.now_ms()
        return {one.uuid: sat_says(one.cancel_hint, Receiver.NOT_ASKED, one.answer, now_ms) for one in found if one}

    def here(self) -> dict[str, tuple[str, str | None]]:
        sql = "select uuid, status, cancellation_status from invoices where uuid is not null"
        return {uuid: (status, word) for uuid, status, word in self.world.query(sql)}


def told_too_early(lives: Lives) -> list[str]:
    """Documents that are canceled here and in force at SAT."""
    at_sat = lives.at_sat()
    return [
        uuid for uuid, (status, _) in lives.here().items() if status == "canceled" and at_sat[uuid].state != "Cancelado"
    ]


def differing(lives: Lives) -> list[tuple[str, Any, Any]]:
    """(uuid, here, at SAT) of documents whose end differs."""
    here, found = lives.here(), []
    for uuid, sat in lives.at_sat().items():
        if sat.cancellation is None:
            agrees = here[uuid][0] == "valid" and here[uuid][1] in (None, "failed")
        else:
            agrees = here[uuid] == WORDS[sat.cancellation] or (
                # Refused by the PAC after the receiver's rejection: the newest request is what shows.
                sat.cancellation == "Solicitud rechazada" and here[uuid] == ("valid", "failed")
            )
        if not agrees:
            found.append((uuid, here[uuid], sat))
    return found


def test_lives_end_as_sat_has_them(world: World) -> None:
    lives = Lives(world, SEED)
    for number in range(LIVES):
        lives.begin()
        for _ in range(4):
            lives.step()
        if number % 10 == 9:
            assert told_too_early(lives) == [], f"seed {SEED}, after {number + 1} lives"
    lives.calm()

    assert differing(lives) == [], f"seed {SEED}"
    canceled = [uuid for uuid, (status, _) in lives.here().items() if status == "canceled"]
    assert len(canceled) > LIVES // 5
    events = world.events()
    assert [events.count(("invoice.canceled", uuid)) for uuid in canceled] == [1] * len(canceled)


@pytest.mark.parametrize("status", ["canceled", "valid"])
def test_the_checker_sees_a_difference(world: World, status: str) -> None:
    lives = Lives(world, SEED)
    lives.uuids = [world.issue(100)["uuid"]]
    if status == "valid":
        world.api.delete(f"/invoices/{lives.uuids[0]}", {"motive": "02"})
    sql = f"update invoices set status = '{status}'"
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql(sql))

    assert [uuid for uuid, _, _ in differing(lives)] == lives.uuids
    assert told_too_early(lives) == (lives.uuids if status == "canceled" else [])
