"""The crash-point sweep: for n = 1, 2, 3 … the worker dies at its n-th fault point, another one takes over."""

import asyncio

from factories.receivers import Receiver, deliver, hook
from timbra.platform import events, faults
from timbra.platform.db import Tx
from world import SECOND_MS, World

LAST_POINT = 60
AFTER_LEASE_MS = 16 * SECOND_MS
OBJECTS = ("a", "b", "a")


class Killed(BaseException):
    """The process is gone."""


def happen(world: World) -> list[str]:
    """One event of each of OBJECTS; their ids, in order."""

    def unit(tx: Tx) -> list[str]:
        now_ms = world.clock.now_ms()
        return [events.append(tx, world.scope, "invoice.created", each, "{}", now_ms) for each in OBJECTS]

    return world.database.write_sync(unit)


def dies(world: World, at: int) -> bool:
    """Whether a worker that had everything to do reached its ``at``-th fault point, and died there."""
    house, passed = world.house, 0

    def hook_(_name: str) -> None:
        nonlocal passed
        passed += 1
        if passed >= at:
            raise Killed

    async def gone(*_: object) -> None:
        raise Killed

    faults.install(hook_)
    try:
        deliver(world)
    except Killed:
        house.database.write = gone  # type: ignore[method-assign]
        drains = list(house.courier._drains)
        for task in drains:
            task.cancel()
        world.run(asyncio.wait(drains) if drains else asyncio.sleep(0))
        for task in drains:
            assert task.cancelled() or task.exception() is not None or task.done()
        return True
    finally:
        faults.install(None)
    return False


def test_a_worker_may_die_anywhere(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, events=["invoice.created"])
    deliver(world)

    for at in range(1, LAST_POINT):
        receiver.got.clear()
        ids = happen(world)
        died = dies(world, at)
        if died:
            world.restart()
            receiver.open_again()
            world.clock.advance(AFTER_LEASE_MS)
        deliver(world)

        arrived = list(dict.fromkeys(message.id for message in receiver.got))
        assert set(arrived) == set(ids), at
        assert arrived.index(ids[0]) < arrived.index(ids[2]), at
        assert world.query("select distinct status from webhook_deliveries") == [("succeeded",)], at
        if not died:
            break
    else:
        raise AssertionError("the worker never came to its end")
    assert at > 8
