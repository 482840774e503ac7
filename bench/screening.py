"""SAT's lists: how long a load takes, and how long until every client was looked up again, on both databases.

TIMBRA_BENCH_CLIENTS (100,000) clients of one team, a list of TIMBRA_BENCH_ROWS (265,000: SAT's longest); one client in a
hundred is on it. PostgreSQL too when started by `scripts/with_postgres.py`.
"""

import asyncio
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from _server import load_average
from timbra.cli import demo
from timbra.clients import rescreen
from timbra.clients.tables import clients
from timbra.platform import migrate
from timbra.platform.config import Settings
from timbra.sat_lists import load
from timbra.sat_lists.look_up import LookUp
from timbra.sat_lists.sync import published_of
from timbra.wiring import Wiring

CLIENTS = int(os.environ.get("TIMBRA_BENCH_CLIENTS", "100000"))
ROWS = int(os.environ.get("TIMBRA_BENCH_ROWS", "265000"))
LISTED_EACH = 100
CHANGED = 1_000
TARGET_S = 60
TITLES = "RFC,RAZON SOCIAL,TIPO PERSONA,SUPUESTO,FECHA DE PRIMERA PUBLICACION,ENTIDAD FEDERATIVA"
FIRMES = published_of("69_firmes")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    server = os.environ.get("TIMBRA_TEST_DATABASE_URL")
    results = {"SQLite": measured(folder / "sqlite", None)}
    if server:
        results["PostgreSQL"] = measured(folder / "postgresql", server)
    shutil.rmtree(folder)
    print(load_average())
    print(f"{CLIENTS:,} clients, list of {ROWS:,} rows{'':<16}" + "".join(f"{name:>14}" for name in results))
    for step in next(iter(results.values())):
        print(f"{step:<50}" + "".join(f"{found[step]:>12.1f} s" for found in results.values()))
    worst = max(found["first screening"] for found in results.values())
    print(f"target: a screening < {TARGET_S} s; x target: {worst / TARGET_S:.2f}")


def measured(folder: Path, server: str | None) -> dict[str, float]:
    """Seconds by step."""
    name = f"screening_{uuid.uuid4().hex[:8]}"
    url = None
    if server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = server.replace("/postgres?", f"/{name}?")
    house = Wiring(Settings(data_dir=folder, database_url=url))
    migrate.upgrade(house.database)
    fill(house)
    found = asyncio.run(steps(house, folder))
    house.close()
    if server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return found


async def steps(house: Wiring, folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}

    async def step(name: str, work: Callable[[], Awaitable[Any]]) -> None:
        begin = time.perf_counter()
        await work()
        found[name] = time.perf_counter() - begin

    first, changed = folder / "first.csv", folder / "changed.csv"
    write(first, 0)
    write(changed, CHANGED)
    await step("first load", lambda: loaded(house, first))
    await step("first screening", lambda: screened(house, CLIENTS))
    await step("the same file again", lambda: loaded(house, first))
    await step("screening, nothing to change", lambda: screened(house, 0))
    await step(f"load with {CHANGED:,} rows added and removed", lambda: loaded(house, changed))
    await step("screening after it", lambda: screened(house, None))
    return found


async def loaded(house: Wiring, path: Path) -> None:
    async with load.loading(house.sat_lists.load, FIRMES):
        await load.load(house.sat_lists.load, FIRMES, [path])


async def screened(house: Wiring, expected: int | None) -> None:
    changed = await rescreen.rescreen(house.database, house.clock, LookUp())
    assert expected is None or 0 <= changed - expected <= 2, (changed, expected)  # the demo team has clients of its own


def rfc(number: int) -> str:
    first, rest = divmod(number, 26**3)
    a, rest = divmod(rest, 26**2)
    b, c = divmod(rest, 26)
    return f"{LETTERS[a]}{LETTERS[b]}{LETTERS[c]}{10 + first % 80:02}0101AB1"


def listed() -> Iterator[int]:
    """Numbers of the RFCs on the list: every hundredth client's, then those of nobody's clients."""
    yield from range(0, CLIENTS, LISTED_EACH)
    yield from range(CLIENTS, CLIENTS + ROWS - CLIENTS // LISTED_EACH)


def write(path: Path, skipped: int) -> None:
    """The list without its first rows, with as many others at its end."""
    numbers = list(listed())[skipped:] + [CLIENTS + ROWS + n for n in range(skipped)]
    lines = [TITLES, *(f"{rfc(n)},EMPRESA {n} SA DE CV,M,FIRMES,01/01/2014,JALISCO" for n in numbers)]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="cp1252")


def fill(house: Wiring) -> None:
    """The clients are there."""
    team = demo.ensure(house).team

    def one(tx: Any) -> dict[str, Any]:
        row = tx.execute(text("select * from clients where team_id = :t"), {"t": team.id}).mappings().first()
        return dict(row)

    shape = house.database.read_sync(one)
    for start in range(0, CLIENTS, 5_000):
        rows = [
            {**shape, "id": f"client_{n:026}", "tax_id": rfc(n), "sat_status": None}
            for n in range(start, min(start + 5_000, CLIENTS))
        ]
        house.database.write_sync(lambda tx, rows=rows: tx.execute(clients.insert(), rows))


if __name__ == "__main__":
    main()
