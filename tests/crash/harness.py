"""The crash harness: real server processes, clients that insist, a nemesis that kills, and a judge.

Everything random comes from one seed. The kills fall where the machine's timing puts them; what the clients do between
them is the same for the same seed.
"""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from invariants import violations
from sqlalchemy import text

from clients import Access, Client, History
from timbra.catalogs.load import SatData
from timbra.cli import demo
from timbra.invoices import sweep
from timbra.platform.clock import FrozenClock, SystemClock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.wiring import Wiring

START_S = 60
LIFE_S = (0.1, 0.4)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Servers:
    """The warm parent process, and its children by port."""

    parent: subprocess.Popen[str]
    pids: dict[int, int]

    def _tell(self, command: str) -> int:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(command + "\n")
        self.parent.stdin.flush()
        return int(self.parent.stdout.readline())

    async def start(self, port: int) -> None:
        """A server answers on the port."""
        self.pids[port] = self._tell(f"start {port}")
        deadline = time.monotonic() + START_S
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                assert time.monotonic() < deadline, "the server does not start"
                await asyncio.sleep(0.02)

    def kill(self, port: int) -> None:
        """SIGKILL; the process is gone."""
        assert self._tell(f"kill {self.pids.pop(port)}") == -9

    def stop(self, port: int) -> int:
        """SIGTERM; the exit status."""
        return self._tell(f"stop {self.pids.pop(port)}")


@contextmanager
def servers(environment: dict[str, str], log: Path) -> Iterator[Servers]:
    """Servers with these settings can be started; none is left afterwards."""
    program = Path(__file__).with_name("server.py")
    with log.open("wb") as errors:
        parent = subprocess.Popen(
            [sys.executable, program], env={**os.environ, **environment}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        assert parent.stdin is not None
        assert parent.stdout is not None
        try:
            assert parent.stdout.readline() == "ready\n", log.read_text()[-2000:]
            yield Servers(parent, {})
        finally:
            parent.stdin.close()
            parent.stdout.close()
            parent.wait(START_S)


@dataclass(frozen=True)
class Run:
    """One session: ``kills`` among ``clients``; ``last_only``: at the end all replicas but one stay dead."""

    seed: int
    kills: int
    clients: int = 6
    replicas: int = 1
    patience_s: float = 20


@dataclass
class Outcome:
    """What came of it. ``unfinished``: deeds that nobody answered for good."""

    history: History
    seconds: float
    unfinished: int
    exit_status: int


async def play(
    run: Run, running: Servers, access: Access, before_stop: Callable[[], Awaitable[None]] | None = None
) -> Outcome:
    """The clients' history under the kills. At the end one server is left, finishes what it can and is stopped."""
    chance, history, stopped = random.Random(run.seed), History(), asyncio.Event()
    ports = [free_port() for _ in range(run.replicas)]
    for port in ports:
        await running.start(port)
    begun = time.monotonic()
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    clients = [Client(number, run.seed, urls, access, history) for number in range(run.clients)]
    lives = [asyncio.create_task(client.live(stopped)) for client in clients]
    for left in reversed(range(run.kills)):
        await asyncio.sleep(chance.uniform(*LIFE_S))
        port = chance.choice(sorted(running.pids))
        running.kill(port)
        if left >= run.replicas - 1:  # the last ones never come back
            await running.start(port)
    stopped.set()
    await asyncio.gather(*lives)
    await asyncio.gather(*(client.finish(run.patience_s) for client in clients))
    if before_stop is not None:
        await before_stop()
    (last,) = running.pids
    status = running.stop(last)
    unfinished = sum(len(client.later) for client in clients)
    return Outcome(history, time.monotonic() - begun, unfinished, status)


def found(settings: Settings, sat: SatData) -> Access:
    """The demo team, in an empty database."""
    house = Wiring(settings)
    house.__dict__["sat"] = sat
    token = demo.ensure(house).test_key
    sql = "select id from clients where tax_id = 'URE180429TM6'"
    client_id = house.database.read_sync(lambda tx: tx.execute(text(sql)).scalar_one())
    house.close()
    return Access(token, client_id)


def drain(settings: Settings, sat: SatData) -> None:
    """The background work has done what was left, some minutes later."""
    clock = FrozenClock(SystemClock().now_ms())
    house = Wiring(settings, clock=clock)
    house.__dict__["sat"] = sat
    house.warm_up()

    async def work() -> None:
        for _ in range(4):
            clock.advance(61_000)
            await sweep.stamp_due(house.invoices)
            await sweep.follow_cancellations(house.invoices)

    asyncio.run(work())
    house.close()


def judge(history: History, database: Database) -> list[str]:
    """What is wrong with the database by itself, and with it against what the clients were promised."""
    return [*violations(database), *history.faults, *broken_promises(history, database)]


def broken_promises(history: History, database: Database) -> list[str]:
    """Acknowledged means stored, as it was acknowledged; one request has one document."""
    rows = database.read_sync(lambda tx: tx.execute(text("select * from invoices")).mappings().all())
    stored, faults = {row["id"]: row for row in rows}, []
    canceled = {promise.id for promise in history.promises if promise.word == "canceled"}
    ids: dict[str, set[str]] = defaultdict(set)
    for promise in history.promises:
        row = stored.get(promise.id)
        if row is None:
            faults.append(f"lost: {promise}")
            continue
        if promise.word != "canceled":
            ids[promise.request].add(promise.id)
        expected = {"valid": ("canceled",) if promise.id in canceled else ("valid",), "failed": ("failed",)}
        words = expected.get(promise.word, ("canceled",) if promise.word == "canceled" else ("valid", "failed"))
        if row["status"] not in words:
            faults.append(f"{promise} is {row['status']}")
        if promise.word == "valid" and (promise.uuid, promise.folio) != (row["uuid"], row["folio"]):
            faults.append(f"{promise} is stored as {row['uuid']}, folio {row['folio']}")
        if promise.word == "valid" and round(float(promise.total or 0) * 10**6) != row["total"]:
            faults.append(f"{promise} is stored with a total of {row['total']}")
    return faults + [f"request {name} was answered with {many}" for name, many in ids.items() if len(many) > 1]


def report(title: str, run: Run, outcome: Outcome, faults: list[str]) -> str:
    """One line of figures."""
    history = outcome.history
    doubled = sum("documents" in fault or "uuids" in fault or "answered with" in fault for fault in faults)
    lost = sum(fault.startswith("lost") for fault in faults)
    return (
        f"\n[{title}] seed {run.seed}: {run.kills} kills, {history.requests} requests, {history.unanswered} unanswered, "
        f"{len(history.promises)} acknowledged, {lost} lost, {doubled} doubled, {len(faults)} faults, "
        f"{outcome.seconds:.0f} s"
    )
