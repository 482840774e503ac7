"""No key sees or touches what is another team's or of the other mode: every operation, every place an id can stand.

The rows come from the server's own route table: an operation whose path ids the matrix does not know fails the build.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from timbra.http.routing import Operation
from timbra.migrations.tables import metadata
from timbra.platform.db import Tx
from world import IVA, Api, World

# What an id in a path names, by the beginning of the path; "" marks paths whose parameter is no id of a team's object.
KINDS = {
    "/v2/clients/": "client",
    "/v2/clients/validate/": "client",
    "/v2/services/": "service",
    "/v2/invoices/income/": "income",
    "/v2/invoices/egress/": "egress",
    "/v2/invoices/payment/": "payment",
    "/v2/invoices/": "income",
    "/v2/receipts/": "receipt",
    "/v2/sandbox/documents/": "income",
    "/v2/files/": "file",
    "/v2/sat-lists/check/": "rfc",  # public data, the same for everybody
    "/v2/teams/": "team",
    "/v2/users/": "user",
    "/v2/users/reset-password/": "user",
    "/v2/api-keys/": "key",
    "/v2/webhooks/": "webhook",
    "/v2/events/": "event",
    "/v2/catalogs/": "catalog",  # the same for every team
}
UNKNOWN = {
    "client": "client_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "service": "service_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "income": "00000000-0000-4000-8000-000000000000",
    "egress": "00000000-0000-4000-8000-000000000000",
    "payment": "00000000-0000-4000-8000-000000000000",
    "receipt": "receipt_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "team": "team_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "user": "user_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "key": "key_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "webhook": "wh_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
    "event": "evt_01K9ZE2M4Q6S8V0X1Z3B5D7F9H",
}
SHARED_BY_MODES = {"team", "user", "key", "file"}  # a team's live key may see these with ids met in test mode
BODIES: dict[str, Any] = {"DELETE": {"motive": "02"}}
# Kept per key or per run, not part of what a team owns.
NOT_OWNED = {"idempotency_records", "job_workers"}


@dataclass(frozen=True)
class Row:
    """One operation with an id of a kind in its path."""

    method: str
    path: str
    kind: str


def _rows(operations: list[tuple[str, Operation]]) -> Iterator[Row]:
    for path, operation in operations:
        if "{" in path and path.startswith("/v2/"):
            prefixes = [prefix for prefix in KINDS if path.startswith(prefix + "{")]
            kind = KINDS[max(prefixes, key=len)] if prefixes else ""
            yield Row(operation.method, path, kind)


@pytest.fixture
def victims(world: World) -> dict[str, str]:
    """One object of each kind of the first team, in test mode."""
    invoice = world.issue(100)
    service = world.api.post("/services", {"description": "Renta", "unit_price": 10}).data["id"]
    credit = world.credit([invoice["uuid"]], 10).data["id"]
    user = world.query("select owner from teams where id = :t", t=world.team_id)[0][0]
    key = world.query("select id from api_keys where team_id = :t order by id", t=world.team_id)[0][0]
    return {
        "client": world.university(),
        "service": service,
        "income": invoice["uuid"],
        "egress": credit,
        "payment": world.pay(world.issue(100, payment_method="PPD")["uuid"]).data["uuid"],
        "receipt": world.api.post(
            "/receipts", {"client": {"id": world.university()}, "items": [{"description": "Renta", "unit_price": 10}]}
        ).data["id"],
        "team": world.team_id,
        "user": user,
        "key": key,
        "webhook": world.api.post("/webhooks", {"url": "https://1.1.1.1/"}).data["id"],
        "event": world.api.get("/events?limit=1").data[0]["id"],
    }


def owned(world: World) -> dict[str, list[Any]]:
    """Every row of the first team, table by table."""

    def unit(tx: Tx) -> dict[str, list[Any]]:
        found = {}
        for table in metadata.sorted_tables:
            if "team_id" in table.columns and table.name not in NOT_OWNED:
                order = ", ".join(column.name for column in table.primary_key.columns)
                rows = tx.execute(
                    text(f"select * from {table.name} where team_id = :t order by {order}"), {"t": world.team_id}
                )
                found[table.name] = [tuple(row) for row in rows]
        return found

    return world.database.read_sync(unit)


def matrix(world: World) -> list[Row]:
    return list(_rows(world.operations()))


def _url(row: Row, value: str) -> str:
    url = row.path.removeprefix("/v2")
    first = url.index("{")
    url = url[:first] + value + url[url.index("}") + 1 :]
    while "{" in url:  # further parameters are names, not ids
        url = url[: url.index("{")] + "A" + url[url.index("}") + 1 :]
    return url


def test_every_operation_with_an_id_has_a_row(world: World) -> None:
    assert [row for row in matrix(world) if not row.kind] == []


def _attack(world: World, api: Api, victims: dict[str, str], kinds: set[str]) -> list[str]:
    """Operations that answer a foreign id otherwise than an unknown one."""
    leaks = []
    for row in matrix(world):
        if row.kind not in kinds:
            continue
        body = BODIES.get(row.method, {}) if row.method != "GET" else None
        foreign = api.call(row.method, _url(row, victims[row.kind]), body)
        unknown = api.call(row.method, _url(row, UNKNOWN[row.kind]), body)
        same = {**foreign.json, "request_id": ""} == {**unknown.json, "request_id": ""}
        if foreign.status not in (400, 404) or foreign.status != unknown.status or not same:
            leaks.append(f"{row.method} {row.path}: {foreign.status} {foreign.json.get('message')}")
    return leaks


def test_an_id_of_another_team_is_an_unknown_id(world: World, victims: dict[str, str]) -> None:
    before = owned(world)

    assert _attack(world, world.rival, victims, set(UNKNOWN)) == []
    assert owned(world) == before


def test_an_id_of_the_other_mode_is_an_unknown_id(world: World, victims: dict[str, str]) -> None:
    before = owned(world)

    assert _attack(world, world.live, victims, set(UNKNOWN) - SHARED_BY_MODES) == []
    assert owned(world) == before


def test_an_id_of_another_kind_is_an_unknown_id(world: World, victims: dict[str, str]) -> None:
    confused = {kind: victims["service" if kind != "service" else "client"] for kind in UNKNOWN}
    before = owned(world)

    assert _attack(world, world.api, confused, set(UNKNOWN)) == []
    assert owned(world) == before


def test_no_operation_acts_on_a_team_of_another_account(world: World) -> None:
    before = owned(world)
    leaks = []
    for path, operation in world.operations():
        if operation.public or not path.startswith("/v2/"):
            continue
        url = path.removeprefix("/v2").replace("{id}", "x").replace("{file_id}", "x").replace("{seriesId}", "A")
        reply = world.rival.call(
            operation.method, f"{url}?team={world.team_id}", {} if operation.method != "GET" else None
        )
        if reply.status not in (400, 404) or "data" in reply.json:
            leaks.append(f"{operation.method} {path}: {reply.status}")

    assert leaks == []
    assert owned(world) == before


def test_ids_in_bodies_of_another_team_are_not_found(world: World, victims: dict[str, str]) -> None:
    line = {"description": "Renta", "unit_price": 10, "taxes": [IVA]}
    before = owned(world)
    own = world.rival.post("/clients", {"legal_name": "KERNEL", "tax_id": "KIJ0906199R1", "tax_system": "601"})

    by_client = world.rival.post("/invoices/income", {"client": {"id": victims["client"]}, "items": [line]})
    by_line = world.rival.post(
        "/invoices/income", {"client": {"id": own.data["id"]}, "items": [{**line, "id": victims["service"]}]}
    )

    # The rival has no certificate: what matters is that nothing of the other team's shows.
    for reply in (by_client, by_line):
        assert reply.status in (400, 404)
        assert victims["client"] not in reply.raw.text
        assert "Robótica" not in reply.raw.text
    assert owned(world) == before


def test_a_cursor_of_another_team_or_mode_is_no_cursor(world: World) -> None:
    for number in range(3):
        world.client(legal_name=f"CLIENTE {number}", tax_id="XIA190128J61")
    cursor = world.api.get("/clients?limit=1").json["next"]

    for api in (world.rival, world.live):
        reply = api.get(f"/clients?limit=1&next={cursor}")

        assert (reply.status, reply.error_code) == (400, "invalid_field_value")
        assert reply.details == ["next: is not a cursor of this list"]


def test_one_idempotency_key_means_another_request_in_each_team_and_mode(world: World) -> None:
    body = {"name": "Mostrador"}

    replies = [api.post("/clients", body, idempotency_key="k-1") for api in (world.api, world.live, world.rival)]

    assert [reply.status for reply in replies] == [201, 201, 201]
    assert len({reply.data["id"] for reply in replies}) == 3


def test_a_signed_link_opens_its_own_file_only(world: World) -> None:
    first, second = world.issue(100), world.issue(200)
    link = world.api.get(f"/invoices/{first['uuid']}/files").data["xml"]

    other = link.replace(first["internal_id"], second["internal_id"])

    assert world.api.get(link).status == 200
    assert (world.api.get(other).status, world.api.get(other).error_code) == (404, "file_not_found")
