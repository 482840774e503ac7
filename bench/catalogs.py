"""Catalogues: product key searches as people type them, and the look-ups that every document makes.

Run: python bench/catalogs.py. CPU, so that other load disturbs it least. Limits: a search p99 20 ms, a look-up 1 us.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

from timbra.catalogs.load import load
from timbra.catalogs.wanted import Wanted

SEARCH_MS, LOOK_UP_US = 20.0, 1.0
DAY = date(2026, 11, 22)
SEARCHES = 3_000
LOOK_UPS = 200_000


def typed(names: list[str], rng: random.Random) -> str:
    """The beginning of a name, some of its words, a code, or a name with one letter left out."""
    name = rng.choice(names)
    match rng.randrange(4):
        case 0:
            return name[: rng.randint(1, len(name))]
        case 1:
            words = name.split()
            return " ".join(rng.sample(words, min(len(words), 2)))
        case 2:
            return str(rng.randint(10, 95)) + "1" * rng.randint(0, 6)
    at = rng.randrange(len(name))
    return name[:at] + name[at + 1 :]


def each_us(look_up: Callable[[], object]) -> float:
    """Microseconds of one call, the least of five rounds."""
    best = 1e9
    for _ in range(5):
        started = time.process_time()
        for _ in range(LOOK_UPS):
            look_up()
        best = min(best, time.process_time() - started)
    return best / LOOK_UPS * 1e6


def row(name: str, value: float, unit: str, limit: float | None = None) -> None:
    verdict = "" if limit is None else f"{value / limit:>6.2f}  {'ok' if value <= limit else 'MISSED'}"
    print(f"{name:<44}{value:>9.2f} {unit}  {verdict}")


def main() -> None:
    data = load(Path(tempfile.gettempdir()) / "timbra-tests")
    found = data.shelf.catalog("product_keys")
    assert found is not None
    search = found[1]
    rng = random.Random(20261122)
    names = [
        str(entry["name"])
        for at in range(0, 52_000, 500)
        for entry in search.find(Wanted("2026-11-22", offset=at)).entries
    ]
    spent = []
    for _ in range(SEARCHES):
        q = typed(names, rng)
        started = time.process_time()
        search.find(Wanted("2026-11-22", q))
        spent.append((time.process_time() - started) * 1e3)
    spent.sort()
    print(f"{'':<44}{'':>9}     ratio to the limit")
    row(f"product keys, {SEARCHES} searches, median", median(spent), "ms")
    row("product keys, p99", spent[SEARCHES * 99 // 100], "ms", SEARCH_MS)
    row("product keys, slowest", spent[-1], "ms")
    catalogs = data.catalogs
    row("product key in force", each_us(lambda: catalogs.product_in_force("84111506", DAY)), "us", LOOK_UP_US)
    row("unit in force", each_us(lambda: catalogs.unit_in_force("E48", DAY)), "us", LOOK_UP_US)
    row("postal code in force", each_us(lambda: catalogs.zip_in_force("64000", DAY)), "us", LOOK_UP_US)
    row("place of a postal code", each_us(lambda: catalogs.zip_info("64000")), "us", LOOK_UP_US)


if __name__ == "__main__":
    sys.exit(main())
