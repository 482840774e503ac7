"""The crash-point sweep: for n = 1, 2, 3 … the process dies at its n-th fault point, another one takes over.

Every committed transaction is a fault point, the simulated PAC's own included. Two points without a commit between them
leave the same database, so the other points count only where they lie inside a transaction. Afterwards the background
work runs, the client repeats its requests with the same keys, and nothing may be wrong. In half of the runs the client
comes first. TIMBRA_SOAK=1 lets the second process die too, at each of its points.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from invariants import violations

from timbra.invoices import rounds, stamp
from timbra.invoices.parts import InvoiceParts
from timbra.pac.port import StampOutcome
from timbra.platform import faults
from world import Reply, World

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
AFTER_LEASES_S = 61
LAST_POINT = 200
COUNTED = ("db.committed", "issue.after_folio")
PPD = {"payment_method": "PPD", "payment_form": "99"}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Death:
    """Kills the process at its ``at``-th fault point: nothing that it would still do has an effect."""

    at: int
    passed: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        if name in COUNTED or self.came:
            self.passed.append(name)
        if len(self.passed) >= self.at:
            raise Killed(name)

    @property
    def came(self) -> bool:
        return len(self.passed) >= self.at


@contextmanager
def dying(world: World, at: int) -> Iterator[Death]:
    """What runs inside may die; if it does, another process has replaced it afterwards."""
    death = Death(at)
    faults.install(death)
    try:
        yield death
    except Killed:
        pass
    finally:
        faults.install(None)
    if death.came:
        world.restart()


@dataclass(frozen=True)
class Story:
    """``before`` makes what ``deeds`` work on; each deed is repeated until it has its answer."""

    deeds: Callable[[World, str, Any], list[Reply]]
    ends: tuple[int, ...]  # statuses of the last repetition
    before: Callable[[World, str], Any] = lambda world, name: None


def post(world: World, kind: str, name: str, **fields: Any) -> Reply:
    metadata = {"request": name, **fields.pop("metadata", {})}
    body = world.sale(fields.pop("price", 1000), metadata=metadata, **fields)
    return world.api.post(f"/invoices/{kind}", body, idempotency_key=name)


def income(**fields: Any) -> Callable[[World, str, Any], list[Reply]]:
    return lambda world, name, _: [post(world, "income", name, **fields)]


def sandbox(hint: str) -> dict[str, Any]:
    return {"metadata": {"sandbox": hint}}


def sold(world: World, name: str, **fields: Any) -> str:
    return str(post(world, "income", f"{name}-sold", **fields).data["id"])


def credit(world: World, name: str, uuid: str) -> Reply:
    related = [{"relationship": "01", "documents": [uuid]}]
    return post(world, "egress", f"{name}-credit", price=300, related_documents=related)


def credited(world: World, name: str) -> tuple[str, str]:
    uuid = sold(world, name, **PPD)
    return uuid, str(credit(world, name, uuid).data["id"])


def cancel(world: World, uuid: str, motive: str = "02", **fields: Any) -> Reply:
    return world.api.delete(f"/invoices/{uuid}", {"motive": motive, **fields})


def replaced(world: World, name: str, old: str) -> list[Reply]:
    related = [{"relationship": "04", "documents": [old]}]
    new = post(world, "income", f"{name}-new", related_documents=related)
    return [new, cancel(world, old, "01", substitution_uuid=new.data["id"])]


STORIES = {
    "income": Story(income(), (201,)),
    "body key": Story(
        lambda world, name, _: [world.api.post("/invoices/income", world.sale(
            1000, metadata={"request": name}, idempotency_key=name))], (201,)
    ),
    "new client inline": Story(income(client={
        "legal_name": "XOCHILT CASAS CHAVEZ", "tax_id": "CACX7605101P8", "tax_system": "612",
        "address": {"zip": "36257"}}), (201,)),
    "async": Story(income(**{"async": True}), (201,)),
    "egress": Story(
        lambda world, name, uuid: [credit(world, name, uuid)], (201,),
        before=lambda world, name: sold(world, name, **PPD),
    ),
    "egress refused": Story(
        lambda world, name, uuid: [post(
            world, "egress", name, price=300, related_documents=[{"relationship": "01", "documents": [uuid]}],
            **sandbox("reject:CFDI40147"))], (422,), before=lambda world, name: sold(world, name, **PPD),
    ),
    "answer lost": Story(income(**sandbox("pac_timeout")), (201,)),
    "request lost": Story(income(**sandbox("pac_timeout_lost")), (201,)),
    "refused": Story(income(**sandbox("reject:CFDI40147")), (422,)),
    "first PAC down": Story(income(**sandbox("pac_down_first")), (201,)),
    "all PACs down": Story(income(**sandbox("pac_down")), (201,)),
    "slow PAC": Story(income(**sandbox("pac_slow")), (201,)),
    "cancel": Story(
        lambda world, _, uuid: [cancel(world, uuid)], (200,), before=lambda world, name: sold(world, name),
    ),
    "cancel a credit": Story(
        lambda world, _, made: [cancel(world, made[1]), cancel(world, made[0])], (200, 200), before=credited,
    ),
    "cancel with replacement": Story(replaced, (201, 200), before=sold),
    "cancel with acceptance": Story(
        lambda world, _, uuid: [cancel(world, uuid)], (200,),
        before=lambda world, name: sold(world, name, metadata={"sandbox_cancel": "accepted"}),
    ),
}  # fmt: skip


def drain(world: World) -> None:
    """The background work until nothing is due any more, minutes later."""
    for pause_s in (AFTER_LEASES_S, AFTER_LEASES_S, 10 * AFTER_LEASES_S):
        world.sweep(after_s=pause_s)


def run(world: World, story: Story, name: str, at: list[int]) -> bool:
    """One run with a death at each of ``at``; whether the last one came. Whatever came, all is well afterwards."""
    made = story.before(world, name)
    client_first = sum(at) % 2 == 0
    with dying(world, at[0]) as death:
        story.deeds(world, name, made)
        drain(world)
    for later in at[1:]:
        world.clock.advance(AFTER_LEASES_S * 1000)
        with dying(world, later) as death:
            if client_first:
                story.deeds(world, name, made)
            drain(world)
    world.clock.advance(AFTER_LEASES_S * 1000)  # a client that is told 409 waits and asks again
    if not client_first:
        drain(world)
    story.deeds(world, name, made)
    drain(world)
    replies = story.deeds(world, name, made)
    where = f"{name}, died at points {at}: {death.passed}"
    assert [reply.status for reply in replies] == list(story.ends), where + str([reply.json for reply in replies])
    assert violations(world.database) == [], where
    return death.came


def points_of(world: World, title: str) -> int:
    """How many points the story has; it survived a death at each of them."""
    for n in range(1, LAST_POINT):
        if not run(world, STORIES[title], f"{title}-{n}", [n]):
            return n - 1
        for again in range(1, LAST_POINT) if IS_SOAK else ():
            if not run(world, STORIES[title], f"{title}-{n}-{again}", [n, again]):
                break
    raise AssertionError("the story never ends")


@pytest.mark.parametrize("title", STORIES)
def test_dying_at_any_point_leaves_nothing_wrong(title: str, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    points = points_of(world, title)

    assert points > 3
    with capsys.disabled():
        print(f"\n[crash points] {title}: {points} points", end="")


def test_a_naive_retry_does_not_survive_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A design that seals anew instead of asking after the bytes it sent: the sweep must see the second stamp."""

    async def naive(parts: InvoiceParts, job: rounds.Job) -> tuple[StampOutcome, str]:
        if not job.is_fresh:
            await rounds.hold(parts, job, None)
            await stamp._rebuild(parts, job)
        return await rounds.first_reachable(parts, parts.side(livemode=False), job)

    monkeypatch.setattr(stamp, "_once", naive)

    with pytest.raises(AssertionError, match="stamp without invoice"):
        points_of(world, "income")
