"""Searches over many clients, on SQLite and on PostgreSQL, over HTTP: what people type, one caller and two at a time.

TIMBRA_BENCH_FULL=1: 200,000 clients; otherwise 20,000. SQLite's data is kept between runs, PostgreSQL's server is made for
the run (needs its programs installed).
"""

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy import func, insert, select

from _load import Result, request, run
from _server import TIMBRA, Server, _environment, cache_dir, demo, load_average
from timbra.migrations.tables import metadata
from timbra.platform.db import Database, Tx
from timbra.platform.folding import sort_key

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
import with_postgres

CLIENTS = 200_000 if os.environ.get("TIMBRA_BENCH_FULL") else 20_000
QUERIES = 600  # of each kind
SECONDS = 12
BATCH = 5_000
TARGET_MS = 50

FIRST = [
    "MARIA",
    "JOSE",
    "JUAN",
    "GUADALUPE",
    "FRANCISCO",
    "LUIS",
    "ANA",
    "CARLOS",
    "JORGE",
    "ROSA",
    "MARTHA",
    "PEDRO",
    "MIGUEL",
    "ALEJANDRA",
    "FERNANDO",
    "RICARDO",
]
LAST = [
    "GARCIA",
    "LOPEZ",
    "MARTINEZ",
    "HERNANDEZ",
    "GONZALEZ",
    "PEREZ",
    "RODRIGUEZ",
    "SANCHEZ",
    "RAMIREZ",
    "CRUZ",
    "FLORES",
    "GOMEZ",
    "MORALES",
    "PEÑA",
]
TRADES = [
    "COMERCIALIZADORA",
    "GRUPO",
    "SERVICIOS",
    "CONSTRUCTORA",
    "TRANSPORTES",
    "DISTRIBUIDORA",
    "CONSULTORÍA",
    "INMOBILIARIA",
]
SYLLABLES = [
    "ba",
    "ca",
    "do",
    "ra",
    "mi",
    "lo",
    "te",
    "sa",
    "ni",
    "pe",
    "gu",
    "za",
    "ro",
    "ve",
    "mo",
    "na",
    "ti",
    "lu",
    "es",
    "an",
]
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def main() -> None:
    print(f"{CLIENTS:,} clients, {load_average()}")
    print(f"{'':<34}{'p50 ms':>9}{'p99 ms':>9}{'found':>9}{'p99/target':>12}")
    folder = cache_dir() / f"search-{CLIENTS}"
    _measure("SQLite", folder)
    with _postgresql() as url:
        _measure("PostgreSQL", Path(tempfile.mkdtemp(prefix="timbra-bench-")) / "data", TIMBRA_DATABASE_URL=url)
    print(f"target: p99 of all kinds together < {TARGET_MS} ms; {load_average()}")


@contextmanager
def _postgresql() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="timbra-pg-"))
    server = with_postgres.Server(home)
    try:
        server.start()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield server.url.replace("/postgres?", "/bench?")
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _measure(name: str, folder: Path, **extra: str) -> None:
    if extra:
        subprocess.run([TIMBRA, "migrate"], env=_environment(folder, extra), check=True, capture_output=True)
    key = demo(folder, **extra)["test_key"]
    database = Database(extra.get("TIMBRA_DATABASE_URL", f"sqlite:///{folder / 'timbra.sqlite'}"))
    people = _fill(database)
    began = time.monotonic()
    if database.read_sync(_indexed) < CLIENTS:
        subprocess.run([TIMBRA, "search", "rebuild"], env=_environment(folder, extra), check=True, capture_output=True)
        took = time.monotonic() - began
        print(f"{name}: index made in {took:.0f} s, {took / CLIENTS * 1e6:.0f} us a client")
        if not database.is_sqlite:
            _vacuum(database)
    database.close()
    kinds = _queries(people)
    with Server(folder, **extra) as server:
        everything = []
        for kind, texts in kinds.items():
            found = server.call("GET", f"/v2/clients/search?q={quote(texts[0])}", key)["found"]
            calls = [request("GET", f"/v2/clients/search?q={quote(text)}", key) for text in texts]
            everything += calls
            _row(f"{name}, {kind}", _timed(server, calls, 1, 3), found)
        random.Random(1).shuffle(everything)
        _row(f"{name}, all kinds mixed", _timed(server, everything, 1, SECONDS))
        _row(f"{name}, two callers", _timed(server, everything, 2, SECONDS))


def _timed(server: Server, calls: list[bytes], callers: int, seconds: float) -> Result:
    result = asyncio.run(run(server.port, calls, clients=callers, seconds=seconds, expect=200))
    assert not result.failures, result.failures
    return result


def _row(name: str, result: Result, found: int | None = None) -> None:
    p50, p99 = statistics.median(result.times) * 1000, result.percentile_ms(99)
    print(f"{name:<34}{p50:>9.1f}{p99:>9.1f}{found if found is not None else '':>9}{p99 / TARGET_MS:>12.2f}")


def _indexed(tx: Tx) -> int:
    return int(tx.execute(select(func.count()).select_from(metadata.tables["search_documents"])).scalar_one())


def _vacuum(database: Database) -> None:
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE")


# --- data -------------------------------------------------------------------------------------------------------------


def _fill(database: Database) -> list[dict[str, Any]]:
    """The clients, made where they are missing: always the same ones."""
    clients = metadata.tables["clients"]
    sample = database.read_sync(
        lambda tx: dict(tx.execute(select(clients).where(clients.c.tax_id == "URE180429TM6")).mappings().first() or {})
    )
    people = [_person(number) for number in range(CLIENTS)]
    have = database.read_sync(lambda tx: int(tx.execute(select(func.count()).select_from(clients)).scalar_one()))
    for start in range(0, CLIENTS if have < CLIENTS else 0, BATCH):
        rows = [{**sample, **person} for person in people[start : start + BATCH]]
        database.write_sync(lambda tx, rows=rows: tx.execute(insert(clients), rows))
    return people


def _person(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    if number % 3 == 0:
        made = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))).upper() for _ in range(2)]
        words = [chance.choice(TRADES), *made, "SA DE CV"]
        initials = "".join(word[0] for word in words[:3])
        email = f"contacto@{made[0].lower()}.com.mx"
    else:
        rare = "".join(chance.choices(SYLLABLES, k=3)).upper()
        words = [chance.choice(FIRST), chance.choice(LAST), rare if chance.random() < 0.5 else chance.choice(LAST)]
        initials = words[1][:2] + words[2][0] + words[0][0]
        email = (
            f"{words[0].lower()}.{words[1].lower()}{chance.randint(1, 999)}@{chance.choice(['gmail', 'hotmail'])}.com"
        )
    born = f"{chance.randint(0, 99):02}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    name, email = " ".join(words), email.replace("ñ", "n")
    return {
        "id": f"client_01{number:024d}",
        "created_ms": 1_750_000_000_000 + number * 1000,
        "updated_ms": 1_750_000_000_000 + number * 1000,
        "name": name,
        "legal_name": name,
        "email": email,
        "email_key": email,
        "phone": f"{chance.choice(['55', '33', '81'])} {chance.randint(1000, 9999)} {chance.randint(1000, 9999)}",
        "tax_id": initials.replace("Ñ", "X") + born + "".join(chance.choices(SIGNS, k=3)),
        "name_key": name.lower(),
        "sort_name": sort_key(name),
    }


def _queries(people: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What people type, by kind."""
    chance = random.Random(7)
    some = [chance.choice(people) for _ in range(QUERIES)]

    def misspelt(text: str) -> str:
        at = chance.randrange(1, len(text) - 1)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    def words(person: dict[str, Any]) -> list[str]:
        found: list[str] = person["name"].split()
        return found

    common = [*FIRST, *LAST, *TRADES, "sa de cv", "com mx", "gmail", "contacto"]
    return {
        "RFC": [person["tax_id"] for person in some],
        "begin of an RFC": [person["tax_id"][: chance.randint(3, 8)] for person in some],
        "id": [person["id"] for person in some],
        "e-mail": [person["email"] for person in some],
        "phone": [person["phone"] for person in some],
        "whole name": [person["name"] for person in some],
        "two words": [" ".join(chance.sample(words(person), 2)) for person in some],
        "one typo": [misspelt(words(person)[1]) for person in some],
        "typo in each of two": [" ".join(map(misspelt, words(person)[:2])) for person in some],
        "while typing": [person["name"][: chance.randint(2, 12)] for person in some],
        "two letters": [words(person)[0][:2] for person in some],
        "a common word": [chance.choice(common) for _ in some],
    }


if __name__ == "__main__":
    sys.exit(main())
