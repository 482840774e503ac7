"""Services that many lines refer to: found and made together, whatever their number."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from sqlalchemy import event, text

from factories.api import START_MS, Api, caller
from timbra.catalogs.load import SatData
from timbra.http.body import Command, validate
from timbra.http.errors import Conflict, Invalid, NotFound
from timbra.platform import json
from timbra.platform.audit_check import Anchors, verify
from timbra.platform.db import Database
from timbra.services.line_services import services_of
from timbra.services.lines import LineBody
from timbra.services.model import Service
from timbra.teams.settings import TeamSettings

pytestmark = pytest.mark.anyio

PLAIN = {"description": "Renta", "unit_price": 100}
Found = Callable[..., Any]


class Items(Command):
    items: Annotated[list[LineBody], Field(min_length=1)]


def bodies(*items: dict[str, Any]) -> list[LineBody]:
    return validate(Items, json.loads(json.dumps({"items": items})), None).items


def sought(key: str = "sku", value: Any = None, **more: Any) -> dict[str, Any]:
    search = {"on_key": key, "auto_create": True} | ({} if value is None else {"on_value": value})
    return {**PLAIN, "search": search, **more}


@pytest.fixture
def found(database: Database, sat_data: SatData, api: Api) -> Found:
    async def call(*items: dict[str, Any], at_ms: int = START_MS, **settings: Any) -> dict[int, Service]:
        team = TeamSettings(json.dumps(settings))
        return await services_of(database, caller(), bodies(*items), team, sat_data.catalogs, at_ms)

    return call


def stored(database: Database) -> int:
    return int(database.read_sync(lambda tx: tx.execute(text("select count(*) from services")).scalar_one()))


async def test_five_thousand_lines_take_a_handful_of_statements(
    found: Found, database: Database, api: Api, tmp_path: Path
) -> None:
    statements: list[str] = []
    for engine in {database.writer, database.reader, database._looker}:
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    lines = [sought(sku=f"SKU-{n}", description=f"Renta {n}") for n in range(5_000)]

    started = time.process_time()
    first = await found(*lines)
    took_s = time.process_time() - started
    again = await found(*lines)

    assert len({service.id for service in first.values()}) == 5_000
    assert {at: service.id for at, service in again.items()} == {at: service.id for at, service in first.items()}
    assert len([one for one in statements if "timbra.team" not in one]) < 40
    assert took_s < 3  # 0.7 s alone on a core
    assert stored(database) == 5_000
    assert len(api.events()) == 5_000
    assert api.actions() == ["service.create"] * 5_000
    assert verify(database, Anchors(tmp_path, bytes(32))).faults == []


async def test_one_service_answers_every_search_it_fits(found: Found, database: Database) -> None:
    services = await found(
        sought("sku", "A", description="Renta de oficina"),
        sought("sku", "A", unit_price=7),
        sought("description", "renta de OFICINA", sku="A"),
        sought("description", description="Otra"),
        sought("description", description="otra"),
    )

    assert len({services[at].id for at in (0, 1, 2)}) == 1
    assert services[3].id == services[4].id
    assert stored(database) == 2


@pytest.mark.parametrize(
    ("item", "again"),
    [
        (sought("sku", " A  1 "), sought("sku", "A 1")),
        (sought("metadata.plan", 7), sought("metadata.plan", "7")),
        (sought("metadata.plan", True), sought("metadata.plan", "true")),
        (sought("metadata.plan", metadata={"plan": 12.5}), sought("metadata.plan", 12.5)),
        (sought("description"), sought("description", "RENTA")),
    ],
)
async def test_what_was_made_is_found_the_next_time(
    found: Found, database: Database, item: dict[str, Any], again: dict[str, Any]
) -> None:
    made = (await found(item))[0]

    assert (await found(again))[0].id == made.id
    assert stored(database) == 1


async def test_values_of_other_kinds_do_not_match(found: Found) -> None:
    await found(sought("metadata.plan", "7"), sought("metadata.flag", metadata={"flag": "x"}))

    for key, value in (("plan", "70"), ("plan", "true"), ("other", "7"), ("flag", "X")):
        with pytest.raises(NotFound):
            await found({**PLAIN, "search": {"on_key": f"metadata.{key}", "on_value": value}})


async def test_every_line_that_cannot_be_made_is_named(found: Found, database: Database) -> None:
    with pytest.raises(Invalid) as caught:
        await found(
            sought("sku", "A", product_key="99999999"),
            sought("sku", "B"),
            sought("sku", "C", unit_key="QQQ"),
        )

    assert [(row.path, row.code) for row in caught.value.fields] == [
        ("items[0].product_key", "not_in_catalog"),
        ("items[2].unit_key", "not_in_catalog"),
    ]
    assert stored(database) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("sku", "x" * 101), ("sku", "a|b"), ("metadata." + "k" * 41, "v"), ("metadata.k", "v" * 501)],
)
async def test_a_value_that_no_service_can_have_is_refused(
    found: Found, database: Database, key: str, value: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await found(sought(key, value))

    assert [row.path for row in caught.value.fields] == ["items[0].search.on_value"]
    assert stored(database) == 0


async def test_simultaneous_documents_share_their_services(found: Found, database: Database) -> None:
    lines = [sought("sku", f"S{n}") for n in range(30)]

    documents = await asyncio.gather(*(found(*(lines if n % 2 else lines[::-1])) for n in range(8)))

    assert stored(database) == 30
    assert len({service.id for document in documents for service in document.values()}) == 30


async def test_the_oldest_of_several_that_appear_meanwhile_counts(found: Found, api: Api) -> None:
    for _ in range(2):
        await api.call("POST", "/services", {**PLAIN, "sku": "TWICE"})

    with pytest.raises(Conflict) as caught:
        await found(sought("sku", "TWICE"), sought("sku", "NEW"))

    assert [row.path for row in caught.value.fields] == ["items[0].search.on_value"]


async def test_at_most_ten_matches_are_named(found: Found, api: Api) -> None:
    for _ in range(12):
        await api.call("POST", "/services", {**PLAIN, "sku": "MANY"})

    with pytest.raises(Conflict) as caught:
        await found(sought("sku", "MANY"))

    assert caught.value.details[0].count("service_") == 10


async def test_the_safety_check_looks_at_new_services_too(found: Found, database: Database) -> None:
    item = {**PLAIN, "search": {"on_key": "sku", "on_value": "A", "auto_create": True, "safety_check": True}}

    with pytest.raises(Conflict) as caught:
        await found(item, {**item, "unit_price": 99})

    assert [row.path for row in caught.value.fields] == ["items[1].unit_price"]
    assert stored(database) == 1  # services made from lines stay


async def test_a_unit_with_small_letters_or_a_long_name(found: Found) -> None:
    services = await found(sought("sku", "A", unit_key="ohm"), sought("sku", "B", unit_key="xoc"))

    assert (services[0].unit_key, services[0].unit_name) == ("Ohm", "Ohm")
    assert len(services[1].unit_name or "") == 100
