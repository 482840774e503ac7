"""SIGTERM: what was begun is finished and answered, then the process ends with success and leaves nothing to do."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness import found, free_port
from invariants import violations
from sqlalchemy import text

from clients import IVA, Access
from timbra.app import create_app
from timbra.catalogs.load import SatData
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.wiring import Wiring

LATENCY_MS = 2_000
START_S = 180  # a machine may be busy; nothing here waits for it in vain


@pytest.fixture
def access(crash_environment: dict[str, str], sat_data: SatData, monkeypatch: pytest.MonkeyPatch) -> Access:
    """The demo team on this test's database; the environment is that of its servers, whose PAC takes two seconds."""
    for name, value in {**crash_environment, "TIMBRA_SANDBOX_LATENCY_MS": str(LATENCY_MS)}.items():
        monkeypatch.setenv(name, value)
    return found(Settings(), sat_data)


@contextmanager
def program(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """``timbra ARGUMENTS``, gone afterwards."""
    with log.open("wb") as errors:
        process = subprocess.Popen([Path(sys.executable).with_name("timbra"), *arguments], stderr=errors)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + START_S
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def stamping(database: Database) -> int:
    """How many documents somebody holds the lease of."""
    sql = "select count(*) from invoices where status = 'pending' and lease_owner is not null"
    return int(database.read_sync(lambda tx: tx.execute(text(sql)).scalar_one()))


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def request(access: Access, name: str, **fields: Any) -> dict[str, Any]:
    items = [{"description": "Consultoría", "unit_price": 10, "taxes": [IVA]}]
    body = {"client": {"id": access.client_id}, "items": items, "metadata": {"request": name}, **fields}
    return {"json": body, "headers": {"authorization": f"Bearer {access.token}", "idempotency-key": name}}


def post(url: str, access: Access, name: str) -> httpx.Response:
    return httpx.post(f"{url}/v2/invoices/income", **request(access, name), timeout=START_S)


async def queue(access: Access, sat_data: SatData) -> int:
    """The status of the answer to an asynchronous request, from a server without a worker."""
    house = Wiring(Settings())
    house.__dict__["sat"] = sat_data
    transport = httpx.ASGITransport(create_app(wiring=house, with_worker=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://timbra") as http:
        reply = await http.post("/v2/invoices/income", **request(access, "later", **{"async": True}))
    house.close()
    return reply.status_code


def test_a_server_answers_what_it_has_begun(access: Access, tmp_path: Path, database_url: str) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    replies: list[httpx.Response] = []
    database = Database(database_url)

    with program(tmp_path / "log", "serve", "--port", str(port)) as server:
        until(lambda: answers(url))
        calls = [
            threading.Thread(target=lambda number=number: replies.append(post(url, access, f"r{number}")))
            for number in range(3)
        ]
        for call in calls:
            call.start()
        until(lambda: stamping(database) == 3)
        server.send_signal(signal.SIGTERM)
        for call in calls:
            call.join()
        status = server.wait(START_S)

    assert [(reply.status_code, reply.json()["data"]["status"]) for reply in replies] == [(201, "valid")] * 3
    assert status == 0
    assert violations(database) == []
    database.close()


def test_a_worker_finishes_what_it_has_begun(
    access: Access, sat_data: SatData, tmp_path: Path, database_url: str
) -> None:
    database = Database(database_url)
    status_code = asyncio.run(queue(access, sat_data))

    with program(tmp_path / "log", "worker") as worker:
        until(lambda: stamping(database) == 1)
        worker.send_signal(signal.SIGTERM)
        status = worker.wait(START_S)

    assert (status_code, status) == (202, 0)
    assert violations(database) == []
    database.close()
