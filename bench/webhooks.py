"""Webhook deliveries of one process: throughput to a fast receiver, event to first attempt, and what a dead endpoint costs.

Run: python bench/webhooks.py [events]. On PostgreSQL: python scripts/with_postgres.py python bench/webhooks.py. Floors on
the reference machine (see _machine.py): 200 deliveries a second on SQLite, 300 on PostgreSQL; event to first attempt p95
below 1 s; a dead endpoint raises the p95 of another by at most 20 % (and 20 ms, which is noise of a poll every 200 ms).
"""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

from _machine import described, signatures_per_s, slowness
from _server import TIMBRA, Server, demo, load_average

EVENTS = 3_000
PROBES, PROBES_PER_S = 150, 15
PER_S_SQLITE, PER_S_POSTGRESQL = 200, 300
P95_MS, DEAD_PART, NOISE_MS = 1_000, 1.2, 20
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver(asyncio.Protocol):
    """Answers every request at once, or never; notes when each came, with the time the event tells of itself."""

    def __init__(self, came: list[tuple[float, int]], *, is_dead: bool = False) -> None:
        self._came = came
        self._is_dead = is_dead
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(bytes(self._buffer[:end]).lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) < end + 4 + length:
            return
        message = json.loads(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._came.append((time.time(), message["created"]))
        if not self._is_dead:
            self._transport.write(OK)


class Base:
    """A database of its own for one run: an SQLite file, or a new database on the server that the environment names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = os.environ.get("TIMBRA_TEST_DATABASE_URL")
        self.settings = {"TIMBRA_WEBHOOK_ALLOW_PRIVATE_HOSTS": "127.0.0.1"}
        if self._server is not None:
            name = f"bench_{uuid.uuid4().hex}"
            with psycopg.connect(self._server, autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name}")
            self.settings["TIMBRA_DATABASE_URL"] = self._server.replace("/postgres?", f"/{name}?")
            subprocess.run([TIMBRA, "migrate"], env={**os.environ, **self.settings}, check=True, capture_output=True)

    @property
    def is_sqlite(self) -> bool:
        return self._server is None

    def happen(self, team_id: str, count: int) -> None:
        """``count`` events, as if they had just been written."""
        now_ms = int(time.time() * 1000)
        row = "('evt_bench{0}', '{1}', false, 'invoice.created', 'inv_{2}', '{3}', {4})"
        body = json.dumps({"id": "x", "items": ["y" * 100] * 10})
        rows = ", ".join(row.format(number, team_id, number % 500, body, now_ms) for number in range(count))
        insert = f"INSERT INTO events (id, team_id, livemode, type, object_id, object, created_ms) VALUES {rows}"
        if self.is_sqlite:
            with sqlite3.connect(self.folder / "timbra.sqlite") as connection:
                connection.execute(insert.replace("false", "0"))
            connection.close()
            return
        url = self.settings["TIMBRA_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url, options="-c timbra.team=*") as server:
            server.execute(insert.encode())


async def listening(came: list[tuple[float, int]], *, is_dead: bool = False) -> tuple[asyncio.Server, str]:
    """A receiver and its URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(came, is_dead=is_dead), "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def throughput(base: Base, made: dict[str, str], count: int) -> tuple[float, float]:
    """Deliveries a second of a backlog, from the first to the last, and the server's CPU per delivery in ms."""
    came: list[tuple[float, int]] = []
    receiver, url = await listening(came)
    key = made["test_key"]
    with Server(base.folder, **base.settings) as server:
        await asyncio.to_thread(server.call, "POST", "/v2/webhooks", key, {"url": url, "events": ["invoice.created"]})
    await asyncio.to_thread(base.happen, made["team_id"], count)
    with Server(base.folder, **base.settings) as server:
        before = server.cpu_s()
        for _ in range(1_200):
            if len(came) >= count:
                break
            await asyncio.sleep(0.1)
        cpu_ms = (server.cpu_s() - before) * 1000 / count
    receiver.close()
    assert len(came) == count, f"{len(came)} of {count} arrived"
    return (count - 1) / (came[-1][0] - came[0][0]), cpu_ms


async def latency_ms(key: str, server: Server, *, dead: int) -> tuple[float, float]:
    """p50 and p95 from event to first attempt at an endpoint, beside ``dead`` others that never answer."""
    came: list[tuple[float, int]] = []
    receiver, url = await listening(came)
    silent, dead_url = await listening([], is_dead=True)
    ids = []
    for each in [url, *[dead_url] * dead]:
        body = {"url": each, "events": ["customer.created"]}
        ids.append((await asyncio.to_thread(server.call, "POST", "/v2/webhooks", key, body))["data"]["id"])
    for number in range(PROBES):
        await asyncio.to_thread(server.call, "POST", "/v2/clients", key, {"name": f"Probe {number}"})
        await asyncio.sleep(1 / PROBES_PER_S)
    await asyncio.sleep(3)
    for endpoint in ids:
        await asyncio.to_thread(server.call, "DELETE", f"/v2/webhooks/{endpoint}", key)
    receiver.close()
    silent.close()
    assert len(came) == PROBES, f"{len(came)} of {PROBES} arrived"
    waits = sorted((at * 1000 - created) for at, created in came)
    return waits[len(waits) // 2], waits[len(waits) * 95 // 100]


async def measure(folder: Path, count: int) -> dict[str, Any]:
    base = Base(folder)
    made = demo(folder, **base.settings)
    per_s, cpu_ms = await throughput(base, made, count)
    with Server(folder, **base.settings) as server:
        alone = await latency_ms(made["test_key"], server, dead=0)
        beside = await latency_ms(made["test_key"], server, dead=1)
        again = await latency_ms(made["test_key"], server, dead=0)
    return {
        "per_s": per_s,
        "cpu_ms": cpu_ms,
        "alone": min(alone, again, key=lambda pair: pair[1]),
        "beside": beside,
        "sqlite": base.is_sqlite,
    }


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    folder = Path(tempfile.mkdtemp(prefix="timbra-webhooks-"))
    try:
        signatures = signatures_per_s()
        slow = slowness(1000 / signatures)
        print(described(1000 / signatures))
        found = asyncio.run(measure(folder / "data", count))
        floor = PER_S_SQLITE if found["sqlite"] else PER_S_POSTGRESQL
        (p50, p95), (dead50, dead95) = found["alone"], found["beside"]
        name = "SQLite" if found["sqlite"] else "PostgreSQL"
        print(
            f"{'':12} {'a second':>8} {'there, /s':>10} {'CPU ms':>7} {'p50 ms':>7} {'p95 ms':>7} {'dead p50':>9} {'dead p95':>9} {'ratio':>6}"
        )
        print(
            f"{name:12} {found['per_s']:8.0f} {found['per_s'] * slow:10.0f} {found['cpu_ms']:7.2f} {p50:7.0f} {p95:7.0f} {dead50:9.0f} {dead95:9.0f} "
            f"{dead95 / p95:6.2f}  {load_average()}"
        )
        met = found["per_s"] >= floor / slow and p95 < P95_MS * slow and dead95 <= p95 * DEAD_PART + NOISE_MS * slow
        return 0 if met else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
