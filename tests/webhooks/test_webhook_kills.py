"""Couriers are killed while they deliver to receivers that fail half of the time and hang every tenth.

Every event reaches every endpoint, repeats have the same webhook-id, and first tries of an object keep its order. One
courier on SQLite, three on PostgreSQL. TIMBRA_SOAK=1: 10,000 events and 200 kills; TIMBRA_SOAK_EVENTS and
TIMBRA_SOAK_KILLS change that.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from timbra.platform import events
from timbra.platform.db import Database, Tx
from world import World

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
EVENTS = int(os.environ.get("TIMBRA_SOAK_EVENTS", "10000")) if IS_SOAK else 100
KILLS = int(os.environ.get("TIMBRA_SOAK_KILLS", "200")) if IS_SOAK else 5
BETWEEN_KILLS_S = (0.3, 1.5) if IS_SOAK else (0.2, 0.6)
OBJECTS, ENDPOINTS, CHUNK = 40, 3, 25
PATIENCE_S = 1_200 if IS_SOAK else 60


class Receivers:
    """Three endpoints behind one port: what arrived, in order, and what was taken."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.arrived: list[tuple[str, str]] = []
        self.taken: Counter[tuple[str, str]] = Counter()
        self.all_taken = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        await reader.readexactly(int(headers["content-length"]))
        key = (head.split()[1], headers["webhook-id"])
        self.arrived.append(key)
        luck = self.random.random()
        if luck < 0.1:
            await asyncio.sleep(1.5)
            raise ConnectionError
        if luck < 0.6:
            writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        else:
            self.taken[key] += 1
            if len(self.taken) == EVENTS * ENDPOINTS:
                self.all_taken.set()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


class Couriers:
    """The fork server of ``courier_process``."""

    def __init__(self, url: str, keys: Path) -> None:
        script = Path(__file__).parent / "courier_process.py"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, str(script), url, str(keys)], stdin=pipe, stdout=pipe, text=True
        )
        assert self._answer() == "ready"
        self.living: list[int] = []

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _say(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    async def start(self) -> None:
        self.living.append(int(await asyncio.to_thread(self._say, "start")))

    async def kill(self, pid: int) -> None:
        assert await asyncio.to_thread(self._say, f"kill {pid}") == "-9"
        self.living.remove(pid)

    def close(self) -> None:
        for pid in list(self.living):
            self._say(f"kill {pid}")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


async def happen(world: World, database: Database) -> None:
    """EVENTS events of OBJECTS objects, a chunk at a time."""
    for start in range(0, EVENTS, CHUNK):

        def unit(tx: Tx, start: int = start) -> None:
            now_ms = time.time_ns() // 1_000_000
            for number in range(start, min(start + CHUNK, EVENTS)):
                events.append(tx, world.scope, "invoice.created", f"inv_{number % OBJECTS}", "{}", now_ms)

        await database.write(unit)
        await asyncio.sleep(0.02)


async def play(world: World, receivers: Receivers, database: Database, couriers: Couriers) -> None:
    """Couriers deliver and die until nothing is left to deliver."""
    for _ in range(1 if database.is_sqlite else 3):
        await couriers.start()
    happening = asyncio.create_task(happen(world, database))
    for _ in range(KILLS):
        await asyncio.sleep(receivers.random.uniform(*BETWEEN_KILLS_S))
        await couriers.kill(receivers.random.choice(couriers.living))
        await couriers.start()
    await happening
    async with asyncio.timeout(PATIENCE_S):
        await receivers.all_taken.wait()
    await asyncio.sleep(1)  # the last outcomes are recorded


def test_kills_lose_nothing_and_invert_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("TIMBRA_CRASH_SEED", time.time_ns() % 10**6))
    receivers = Receivers(seed)

    async def run() -> float:
        async with receivers.listening() as port:
            world.house.webhooks.egress._allowed = type(world.house.webhooks.egress._allowed).of("127.0.0.1")
            for number in range(ENDPOINTS):
                reply = await world.api.later("POST", "/webhooks", {"url": f"http://127.0.0.1:{port}/{number}"})
                assert reply.status == 201
            world.database.write_sync(lambda tx: tx.execute(text("update events set number = 0")))
            world.database.write_sync(lambda tx: tx.execute(text("update webhooks set created_ms = 0")))
            began_s = time.monotonic()
            await play(world, receivers, database, couriers)
            return time.monotonic() - began_s

    database = Database(world.url)
    couriers = Couriers(world.url, world.founded.keys_dir)
    try:
        took_s = world.run(run())
    finally:
        couriers.close()
        database.close()

    sql = "select id, object_id, position from events where number > 0"
    order = {row[0]: (row[1], row[2]) for row in world.query(sql)}
    statuses = dict(world.query("select status, count(*) from webhook_deliveries group by status"))
    repeats = sum(count - 1 for count in receivers.taken.values())
    inverted = inversions(world, receivers, order)
    with capsys.disabled():
        print(
            f"\nwebhook kills, seed {seed}: {EVENTS} events x {ENDPOINTS}, {KILLS} kills, {len(receivers.arrived)} tries in "
            f"{took_s:.0f} s, {repeats} repeats ({repeats * 100 / (EVENTS * ENDPOINTS):.1f} %), {len(inverted)} inversions"
        )
    assert set(receivers.taken) == {(f"/{number}", event) for event in order for number in range(ENDPOINTS)}, seed
    assert {event for _, event in receivers.arrived} == set(order), seed
    assert inverted == [], seed
    assert statuses == {"succeeded": EVENTS * ENDPOINTS}, seed


def inversions(world: World, receivers: Receivers, order: dict[str, tuple[str, int]]) -> list[tuple[str, str]]:
    """Events that arrived for the first time after a later one of their object, unless an earlier try of theirs was lost.

    A try that is given up before the receiver has read it arrives late or never; the retry may be overtaken.
    """
    sql = "select url, event_id, attempts from webhook_deliveries d join webhooks w on w.id = d.endpoint_id"
    first = {(row[0][row[0].rindex("/") :], row[1]): json.loads(row[2])[0] for row in world.query(sql)}
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    found = []
    for path, event in dict.fromkeys(receivers.arrived):
        object_id, position = order[event]
        newest, by = latest.get((path, object_id), (0, ""))
        if position > newest:
            latest[path, object_id] = (position, event)
            continue
        mine, later = first[path, event], first[path, by]
        if mine["at"] > later["at"] or mine["error_category"] != "network_or_timeout":
            found.append((path, event))
    return found
