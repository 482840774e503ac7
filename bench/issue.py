"""Issuing speed: POST /v2/invoices/income over HTTP against a real server on SQLite, with the sandbox PAC.

Run: python bench/issue.py [seconds]. The load generator runs on the same machine. Floors on the reference machine (see
_machine.py): 150 requests a second with p99 below 250 ms; 120 a second with a PAC of 500 ms and 200 clients in flight;
6 ms of the server's CPU per request.
"""

import asyncio
import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import _load
from _machine import described, rate, signatures_per_s, slowness
from _server import Server, demo, load_average

SECONDS = 15.0
WARM_UP_S = 3.0
CLIENTS, CLIENTS_SLOW, SLOW_MS = 16, 200, 500
PER_S, P99_MS, PER_S_SLOW, CPU_MS = 150, 250, 120, 6.0
IVA = {"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}


def bodies(client_id: str, count: int = 400) -> list[bytes]:
    """Three-line invoices, every one different."""
    return [
        json.dumps(
            {
                "client": {"id": client_id},
                "payment_method": "PUE",
                "payment_form": "03",
                "use": "G03",
                "items": [
                    {
                        "description": f"Consultoría en procesos, partida {line} de la orden {number}",
                        "quantity": line + 1,
                        "unit_price": 1500 + number + line / 100,
                        "discount": 100 if line == 0 else 0,
                        "product_key": "80141503",
                        "unit_key": "E48",
                        "taxes": [IVA | {"inclusive": line == 2}],
                    }
                    for line in range(3)
                ],
                "metadata": {"order": str(number)},
            }
        ).encode()
        for number in range(count)
    ]


def commits_per_s(folder: Path) -> float:
    """Durable commits of one thread, with the pragmas of the server: an invoice takes two, the sandbox a third."""
    connection = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (content) VALUES (?)", (bytes(8_000),))
        connection.execute("COMMIT")

    try:
        return rate(commit)
    finally:
        connection.close()


def measure(folder: Path, *, clients: int, seconds: float, latency_ms: int = 0) -> tuple[_load.Result, float]:
    """The replies of one run and the server's CPU per request in ms."""
    key = demo(folder)["test_key"]
    with Server(folder, TIMBRA_SANDBOX_LATENCY_MS=str(latency_ms)) as server:
        client_id = server.call("GET", "/v2/clients?limit=1", key)["data"][0]["id"]
        requests = [_load.request("POST", "/v2/invoices/income", key, body) for body in bodies(client_id)]
        asyncio.run(_load.run(server.port, requests, clients=clients, seconds=WARM_UP_S, expect=201))
        before = server.cpu_s()
        result = asyncio.run(_load.run(server.port, requests, clients=clients, seconds=seconds, expect=201))
        cpu_ms = (server.cpu_s() - before) * 1000 / len(result.times)
    return result, cpu_ms


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    folder = Path(tempfile.mkdtemp(prefix="timbra-issue-"))
    try:
        signatures, commits = signatures_per_s(), commits_per_s(folder)
        slow = slowness(1000 / signatures)
        print(described(1000 / signatures), f"; {commits:.0f} durable SQLite commits a second", sep="")
        print(
            f"{'':24} {'a second':>8} {'p50 ms':>7} {'p95 ms':>7} {'p99 ms':>7} {'CPU ms':>7} {'commits':>8} {'signs':>6} {'there, /s':>10}"
        )
        runs = [
            ("16 clients", CLIENTS, 0, PER_S, P99_MS),
            ("200 clients, PAC 500 ms", CLIENTS_SLOW, SLOW_MS, PER_S_SLOW, None),
        ]
        met = True
        for name, clients, latency_ms, per_s, p99_ms in runs:
            result, cpu_ms = measure(folder / "data", clients=clients, seconds=seconds, latency_ms=latency_ms)
            p50, p95, p99 = map(result.percentile_ms, (50, 95, 99))
            row = f"{name:24} {result.per_second:8.0f} {p50:7.0f} {p95:7.0f} {p99:7.0f} {cpu_ms:7.2f}"
            ratios = f"{result.per_second / commits:8.2f} {result.per_second / signatures:6.2f}"
            print(f"{row} {ratios} {result.per_second * slow:10.0f}  {load_average()}")
            met = met and not result.failures and result.per_second >= per_s / slow and cpu_ms <= CPU_MS * slow
            met = met and (p99_ms is None or p99 < p99_ms * slow)
            if result.failures:
                print(f"  failures: {result.failures}")
    finally:
        shutil.rmtree(folder)
    print("commits, signs: requests in relation to the floors above; there: on the reference machine.")
    print(f"Floors, scaled by {slow:.2f}:", "met" if met else "MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
