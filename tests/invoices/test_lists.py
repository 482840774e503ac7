"""GET /invoices/income and /invoices/egress: order, pages, filters, totals."""

from typing import Any

import pytest

from world import NOON_MS, World


def listed(world: World, query: str = "") -> list[str]:
    reply = world.api.get(f"/invoices/income{query}")
    assert reply.status == 200, reply.json
    return [row["uuid"] for row in reply.data]


def sell(world: World, count: int) -> list[str]:
    """Invoices a second apart, oldest first."""
    made = []
    for number in range(count):
        made.append(world.issue(100 + number)["uuid"])
        world.clock.advance(1_000)
    return made


def test_an_empty_list(world: World) -> None:
    reply = world.api.get("/invoices/income")

    assert reply.json == {
        "success": True, "message": "Invoices retrieved successfully", "data": [], "next": None, "has_more": False,
        "total_results": 0,
    }  # fmt: skip


def test_rows_are_whole_objects_without_links(world: World) -> None:
    invoice = world.issue(return_files_urls=True)

    (row,) = world.api.get("/invoices/income").data

    assert row == {**invoice, "files": {"pdf": None, "xml": None}}


def test_newest_first_in_pages_without_gaps_or_repeats(world: World) -> None:
    made = sell(world, 7)
    seen, path = [], "/invoices/income?limit=3"
    while True:
        reply = world.api.get(path)
        seen += [row["uuid"] for row in reply.data]
        assert reply.json["total_results"] >= 7
        if not reply.json["has_more"]:
            assert reply.json["next"] is None
            break
        world.issue(1)  # what is new does not shift the pages
        path = f"/invoices/income?limit=3&next={reply.json['next']}"

    assert seen == made[::-1]


def test_ascending_and_by_name(world: World) -> None:
    made = sell(world, 2)
    other = {"legal_name": "ALBA XKARAJAM MENDEZ", "tax_id": "XAMA620210DQ5", "tax_system": "612",
             "address": {"zip": "01219"}}  # fmt: skip
    alba = world.api.post("/invoices/income", world.sale() | {"client": other}).data["uuid"]

    assert listed(world, "?sort=asc") == [*made, alba]
    assert listed(world, "?order_by=name&sort=asc")[0] == alba
    assert listed(world, "?order_by=name&sort=desc")[-1] == alba


@pytest.fixture
def mixed(world: World) -> dict[str, str]:
    """One document of every sort, by what is special about it."""
    client = world.client(
        legal_name="XOCHILT CASAS CHAVEZ", tax_id="CACX7605101P8", tax_system="612", email="Xochilt@Casas.example",
        address={"zip": "36257"},
    )  # fmt: skip
    made = {
        "plain": world.issue()["uuid"],
        "ppd": world.issue(payment_method="PPD")["uuid"],
        "usd": world.issue(currency="USD", exchange_rate=17)["uuid"],
        "series": world.issue(series="VIP", folio_number=77)["uuid"],
        "metadata": world.issue(metadata={"order": "7781", "paid": True, "weight": 12.5, "box": {"a": 1}})["uuid"],
        "person": world.api.post("/invoices/income", world.sale() | {"client": {"id": client}}).data["uuid"],
    }
    made["client"] = client
    canceled = world.issue()["uuid"]
    world.api.delete(f"/invoices/{canceled}", {"motive": "02"})
    made["canceled"] = canceled
    settled = world.issue(payment_method="PPD")["uuid"]
    world.credit([settled], 100)
    made["settled"] = settled
    world.api.post("/invoices/income", world.sale(metadata={"sandbox": "reject:CFDI40147"}))
    world.api.post("/invoices/income", world.sale(**{"async": True}))
    return made


def test_filters(world: World, mixed: dict[str, str]) -> None:
    cases: dict[str, set[str]] = {
        "payment_method=PPD": {"ppd", "settled"},
        "payment_method=ppd&status=unpaid": {"ppd"},
        "status=unpaid": {"ppd"},
        "status=paid&payment_method=PPD": {"settled"},
        "currency=usd": {"usd"},
        "series=VIP": {"series"},
        "folio_number=77": {"series"},
        "metadata.order=7781": {"metadata"},
        "metadata[paid]=true&metadata_weight=12.5": {"metadata"},
        "metadata.box=1": set(),
        f"client_id={mixed['client']}": {"person"},
        "tax_id=cacx7605101p8": {"person"},
        "email=XOCHILT@casas.example": {"person"},
        "status=canceled": {"canceled"},
        "status=CANCELLED": {"canceled"},
        "status=cancelado": {"canceled"},
        "status=": {"plain", "ppd", "usd", "series", "metadata", "person", "canceled", "settled"},
    }
    names = {uuid: name for name, uuid in mixed.items()}
    for query, expected in cases.items():
        reply = world.api.get(f"/invoices/income?limit=50&{query}")
        found = {names[row["uuid"]] for row in reply.data if row["uuid"]}
        assert found == expected, query
        assert reply.json["total_results"] == len(reply.data), query


def test_states_and_their_synonyms(world: World, mixed: dict[str, str]) -> None:
    counts = {
        status: world.api.get(f"/invoices/income?status={status}").json["total_results"]
        for status in ("valid", "stamped", "active", "vigente", "pending", "processing", "created", "failed", "error")
    }

    assert counts == {
        "valid": 7, "stamped": 7, "active": 7, "vigente": 7, "pending": 1, "processing": 1, "created": 1, "failed": 1,
        "error": 1,
    }  # fmt: skip
    assert world.api.get("/invoices/income").json["total_results"] == 9
    assert world.api.get("/invoices/egress").json["total_results"] == 1


def test_windows_of_time(world: World) -> None:
    first, second, third = sell(world, 3)
    start = NOON_MS // 1000

    assert listed(world, f"?created[gte]={start + 1}") == [third, second]
    assert listed(world, f"?created_gt={start}&created[lt]={start + 2}") == [second]
    assert listed(world, f"?created[lte]={NOON_MS}") == [first]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=draft", "status"),
        ("status=nonsense", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("order_by=total", "order_by"),
        ("next=abc", "next"),
        ("payment_method=PAGO", "payment_method"),
        ("folio_number=x", "folio_number"),
        ("tax_id=%20", None),
        ("currency=PESOS", "currency"),
    ],
)
def test_a_bad_parameter(world: World, query: str, path: str | None) -> None:
    reply = world.api.get(f"/invoices/income?{query}")

    if path is None:
        assert reply.status == 200
    else:
        assert (reply.status, reply.error_code, [p for p, _ in reply.paths]) == (400, "invalid_field_value", [path])


def test_a_cursor_belongs_to_its_list(world: World) -> None:
    made = sell(world, 2)
    world.credit([made[0]], 1)
    cursor = world.api.get("/invoices/income?limit=1").json["next"]

    reply = world.api.get(f"/invoices/egress?next={cursor}")

    assert (reply.status, reply.details) == (400, ["next: is not a cursor of this list"])
    assert world.live.get(f"/invoices/income?next={cursor}").status == 400


def test_modes_and_teams_do_not_see_each_other(world: World) -> None:
    invoice = world.issue()

    for api in (world.live, world.rival):
        assert (api.get("/invoices/income").data, api.get("/invoices/income").json["total_results"]) == ([], 0)
        for path in ("income/{}", "{}/files", "{}/xml", "{}/pdf", "{}/acuse", "{}/cancellation"):
            for id_ in (invoice["uuid"], invoice["internal_id"]):
                reply = api.get("/invoices/" + path.format(id_))
                assert (reply.status, reply.error_code) == (404, "resource_not_found"), path


@pytest.mark.parametrize(
    "id_", ["inv_01KKCA5N8R2T4V6X8Z0B1D3F5H", "11111111-2222-4333-8444-555555555555", "draft_1", "x"]
)
def test_an_unknown_id(world: World, id_: str) -> None:
    reply: Any = world.api.get(f"/invoices/income/{id_}")

    assert (reply.status, reply.error_code) == (404, "resource_not_found")


def test_the_totals_follow_every_move(world: World) -> None:
    def total(status: str) -> int:
        return int(world.api.get(f"/invoices/income?status={status}").json["total_results"])

    waiting = world.api.post("/invoices/income", world.sale(**{"async": True})).data["id"]
    assert (total("pending"), total("valid"), total("canceled")) == (1, 0, 0)
    world.sweep()
    assert (total("pending"), total("valid"), total("canceled")) == (0, 1, 0)
    world.api.delete(f"/invoices/{waiting}", {"motive": "02"})
    assert (total("pending"), total("valid"), total("canceled")) == (0, 0, 1)
