"""A PAC that hangs: how long callers wait meanwhile, and how the backlog goes when it answers again.

Run: python bench/pac_outage.py [seconds]. A real server on SQLite whose sandbox PAC takes a minute for every stamp; 20 new
callers a second issue, two read. Then the server starts again with a PAC that answers, and works off what was left over. Bounds:
reads p95 below 200 ms, creates answered in less than 21 s, the backlog gone in less than 10 minutes, in folio order up to the
eight documents that are stamped at once.
"""

import asyncio
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import _load
from _server import Server, demo, load_average
from issue import bodies

SECONDS = 20.0
CREATES_PER_S, READERS = 20, 2
HANG_MS = 60_000
READ_P95_MS, CREATE_S, DRAIN_S, AT_ONCE = 200, 21.0, 600.0, 8
STAMPED = "select i.folio from invoices i join stamp_attempts a on a.invoice_id = i.id and a.outcome = 'stamped'"


async def _outage(port: int, key: str, creates: list[bytes], seconds: float) -> tuple[_load.Result, _load.Result]:
    reads = [_load.request("GET", "/v2/invoices/income?limit=20", key)]
    return await asyncio.gather(
        _arriving(port, creates, seconds),
        _load.run(port, reads, clients=READERS, seconds=seconds + CREATE_S, expect=200),
    )


async def _arriving(port: int, requests: list[bytes], seconds: float) -> _load.Result:
    """Callers that come at an even pace, whatever becomes of the others."""
    result = _load.Result(seconds=seconds)

    async def caller(number: int) -> None:
        await asyncio.sleep(number / CREATES_PER_S)
        connection = await _load.connect(port)
        sent = time.monotonic()
        status, body = await connection.send(requests[number % len(requests)])
        result.times.append(time.monotonic() - sent)
        if status != 202:
            result.failures.setdefault(status, body[:500])
        connection.close()

    await asyncio.gather(*(caller(number) for number in range(int(seconds * CREATES_PER_S))))
    return result


def _pending(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute("select count(*) from invoices where status = 'pending'").fetchone()[0])


def _disorder(database: Path) -> int:
    """The farthest that a document was stamped before one with a lower folio."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        folios = [row[0] for row in connection.execute(f"{STAMPED} order by a.at_ms, a.rowid")]
    return max((place - folio for place, folio in zip(sorted(folios), folios, strict=True)), default=0)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    folder = Path(tempfile.mkdtemp(prefix="timbra-outage-"))
    try:
        key = demo(folder)["test_key"]
        with Server(folder, TIMBRA_SANDBOX_LATENCY_MS=str(HANG_MS)) as server:
            client_id = server.call("GET", "/v2/clients?limit=1", key)["data"][0]["id"]
            posts = [_load.request("POST", "/v2/invoices/income", key, body) for body in bodies(client_id)]
            created, read = asyncio.run(_outage(server.port, key, posts, seconds))
        database = folder / "timbra.sqlite"
        backlog = _pending(database)
        with Server(folder):
            began = time.monotonic()
            while _pending(database) and time.monotonic() - began < DRAIN_S:
                time.sleep(0.5)
            drain_s = time.monotonic() - began
        figures = [
            ("reads, p95 ms", read.percentile_ms(95), READ_P95_MS),
            ("creates, slowest s", max(created.times), CREATE_S),
            (f"backlog of {backlog} gone after s", drain_s, DRAIN_S),
            ("farthest out of folio order", float(_disorder(database)), float(AT_ONCE)),
        ]
        print(f"a PAC that hangs, {CREATES_PER_S} creates a second for {seconds:.0f} s; {load_average()}")
        for name, found, bound in figures:
            print(f"  {name:34} {found:9.1f}  bound {bound:7.1f}  {found / bound:5.2f} ×")
        print(f"  answers other than 202 and 200: {created.failures | read.failures}")
        good = all(found <= bound for _, found, bound in figures) and not (created.failures | read.failures)
        return 0 if good and not _pending(database) else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
