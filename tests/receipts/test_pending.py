"""POST /clients/{id}/stamp-pending-receipts over a whole server."""

import pytest

from receipts.test_create import sold
from world import World


def pending(world: World, client: str) -> dict[str, object]:
    reply = world.api.post(f"/clients/{client}/stamp-pending-receipts")
    assert (reply.status, reply.message) == (200, "Pending receipts processed"), reply.json
    return dict(reply.data)


def test_each_receipt_of_the_client_gets_its_document(world: World) -> None:
    client = world.university()
    mine = [sold(world, client={"id": client}).data["id"] for _ in range(3)]
    other = sold(world).data
    void = sold(world, client={"id": client}).data["id"]
    world.api.delete(f"/receipts/{void}")

    data = pending(world, client)

    assert (data["stamped"], data["failed"], data["remaining"]) == (3, 0, 0)
    results = data["results"]
    assert isinstance(results, list)
    assert [(one["id"], one["status"], one["error"]) for one in results] == [(id_, "stamped", None) for id_ in mine]
    for one in results:
        assert world.api.get(f"/receipts/{one['id']}").data["invoice_id"] == one["invoice"]
    assert world.api.get(f"/receipts/{other['id']}").data == other
    assert pending(world, client) == {"stamped": 0, "failed": 0, "remaining": 0, "results": []}


def test_a_failure_is_left_out_for_ten_minutes(world: World) -> None:
    receipt = sold(world).data
    client = receipt["client"]["id"]

    first = pending(world, client)
    second = pending(world, client)
    world.clock.advance(600_000)
    third = pending(world, client)

    assert (first["stamped"], first["failed"], first["remaining"]) == (0, 1, 0)
    told = {"code": "missing_required_field", "message": "The request has 4 invalid fields"}
    assert first["results"] == [{"id": receipt["id"], "status": "failed", "invoice": None, "error": told}]
    assert (second["failed"], second["remaining"]) == (0, 0)
    assert third["failed"] == 1


def test_what_is_too_much_for_one_call_is_left_for_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.receipts.pending.AT_MOST", 2)
    client = world.university()
    mine = [sold(world, client={"id": client}).data["id"] for _ in range(3)]

    first, second = pending(world, client), pending(world, client)

    assert [(one["stamped"], one["failed"], one["remaining"]) for one in (first, second)] == [(2, 0, 1), (1, 0, 0)]
    assert {world.api.get(f"/receipts/{id_}").data["status"] for id_ in mine} == {"completed"}


def test_a_client_of_nobody_is_not_found(world: World) -> None:
    assert world.api.post("/clients/client_none/stamp-pending-receipts").status == 404
