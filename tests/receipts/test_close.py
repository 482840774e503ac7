"""Canceling receipts, and what is never opened again."""

from receipts.test_create import sold
from world import World


def test_a_canceled_receipt_stays_canceled(world: World) -> None:
    receipt = sold(world).data

    first = world.api.delete(f"/receipts/{receipt['id']}")
    again = world.api.delete(f"/receipts/{receipt['id']}")

    assert (first.status, first.message, first.data["status"]) == (200, "Receipt canceled successfully", "canceled")
    assert again.data == first.data
    assert world.events(of="receipt.") == [("receipt.created", receipt["id"]), ("receipt.deleted", receipt["id"])]
    assert world.event_bodies("receipt.deleted") == [first.data]


def test_what_is_open_or_void_is_not_reopened(world: World) -> None:
    receipt = sold(world).data
    url = f"/receipts/{receipt['id']}/reopen"

    pending = world.api.post(url, {"reason": "otra vez"})
    world.api.delete(f"/receipts/{receipt['id']}")
    canceled = world.api.post(url)

    assert [(r.status, r.error_code) for r in (pending, canceled)] == [(400, "business_rule_violation")] * 2
    assert world.api.get(f"/receipts/{receipt['id']}").data["status"] == "canceled"


def test_an_unknown_receipt_is_not_found(shared_world: World) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/reopen")):
        reply = shared_world.api.call(method, f"/receipts/receipt_none{path}", {} if method != "GET" else None)
        assert (reply.status, reply.error_code) == (404, "resource_not_found")
