"""Lists over many invoices: one page, a page far inside, with and without filters, over HTTP.

TIMBRA_BENCH_FULL=1 loads 1,000,000 rows (half of them egress); otherwise 100,000. The data is kept between runs.
"""

import os
import sqlite3
import statistics
import sys
import time
import urllib.request
from pathlib import Path

from _server import Server, cache_dir, demo, load_average

ROWS = 1_000_000 if os.environ.get("TIMBRA_BENCH_FULL") else 100_000
LIMIT = 100
PAGES = min(5_000, ROWS // 2 // LIMIT - 1)
CALLS = 200
BATCH = 10_000


def main() -> None:
    folder = cache_dir() / f"lists-{ROWS}"
    found = demo(folder)
    with Server(folder) as server:  # one real document of each kind, to copy
        if _count(folder) < ROWS:
            _issue(server, found["test_key"])
    _fill(folder)
    with Server(folder) as server:
        base = f"/v2/invoices/egress?limit={LIMIT}"
        first, cursor = _measure(server, found["test_key"], base)
        for _ in range(PAGES - 1):
            cursor = _page(server, found["test_key"], f"{base}&next={cursor}")[1]
        far, _ = _measure(server, found["test_key"], f"{base}&next={cursor}")
        rows = [
            ("page 1", first),
            (f"page {PAGES + 1}", far),
            ("status=valid", _measure(server, found["test_key"], f"{base}&status=valid")[0]),
            ("client_id", _measure(server, found["test_key"], f"{base}&client_id=client_00000007")[0]),
            ("by name", _measure(server, found["test_key"], f"{base}&order_by=name&sort=asc")[0]),
        ]
    print(load_average())
    print(f"{ROWS:,} invoices, {LIMIT} a page{'':<8}{'p50 ms':>10}{'p99 ms':>10}{'x page 1':>10}")
    floor = statistics.median(first)
    for name, times in rows:
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"{name:<34}{p50 * 1e3:>10.1f}{p99 * 1e3:>10.1f}{p50 / floor:>10.2f}")
    print("targets: page 1 p99 < 60 ms, the far page <= 1.3 x page 1")


def _count(folder: Path) -> int:
    with sqlite3.connect(folder / "timbra.sqlite") as db:
        return int(db.execute("select count(*) from invoices").fetchone()[0])


def _issue(server: Server, key: str) -> None:
    line = {"description": "Consultoría", "unit_price": 100}
    client = {"search": {"on_key": "tax_id", "on_value": "URE180429TM6"}}
    body = {"client": client, "items": [line, line, line]}
    uuid = server.call("POST", "/v2/invoices/income", key, body)["data"]["id"]
    related = [{"documents": [uuid]}]
    server.call("POST", "/v2/invoices/egress", key, {**body, "items": [line], "related_documents": related})


def _fill(folder: Path) -> None:
    """Copies of the two documents until there are ROWS, with ids, folios, clients and times of their own."""
    db = sqlite3.connect(folder / "timbra.sqlite")
    have = db.execute("select count(*) from invoices").fetchone()[0]
    columns = [row[1] for row in db.execute("pragma table_info(invoices)")]
    samples = {
        row[columns.index("kind")]: list(row) for row in db.execute("select * from invoices order by created_ms desc")
    }
    place = {name: columns.index(name) for name in columns}
    insert = f"insert into invoices values ({','.join('?' * len(columns))})"
    began = int(time.time() * 1000) - ROWS * 10
    for start in range(have, ROWS, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, ROWS)):
            row = list(samples["EI"[number % 2]])
            row[place["id"]] = f"inv_{number:026d}"
            row[place["uuid"]] = f"{number:08x}-0000-4000-8000-000000000000"
            row[place["folio"]] = number + 10
            row[place["created_ms"]] = began + number * 10
            row[place["client_id"]] = f"client_{number % 1000:08d}"
            row[place["client_sort"]] = f"cliente {number % 1000:04d}"
            row[place["unique_key"]] = None
            rows.append(row)
        db.executemany(insert, rows)
        db.commit()
    for kind in "EI":
        total = db.execute("select count(*) from invoices where kind = ? and status = 'valid'", (kind,)).fetchone()[0]
        db.execute("update invoice_counts set documents = ? where kind = ? and status = 'valid'", (total, kind))
    db.execute("analyze")
    db.commit()
    db.close()


def _page(server: Server, key: str, path: str) -> tuple[float, str]:
    request = urllib.request.Request(server.origin + path, headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as reply:
        body = reply.read()
    took = time.perf_counter() - began
    following = body.rpartition(b'"next":')[2].partition(b",")[0].strip(b'"').decode()
    return took, following


def _measure(server: Server, key: str, path: str) -> tuple[list[float], str]:
    calls = [_page(server, key, path) for _ in range(CALLS)]
    return [took for took, _ in calls], calls[0][1]


if __name__ == "__main__":
    sys.exit(main())
