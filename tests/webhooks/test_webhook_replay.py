import pytest

from factories.receivers import Receiver, deliver, hook, log_of
from timbra.platform import events
from timbra.platform.db import Tx
from world import DAY_MS, NOON_MS, World


def happen(world: World, *objects: str, type_: str = "invoice.created") -> None:
    def unit(tx: Tx) -> None:
        for object_id in objects:
            events.append(tx, world.scope, type_, object_id, f'{{"id":"{object_id}"}}', world.clock.now_ms())

    world.database.write_sync(unit)


def got(receiver: Receiver) -> list[str]:
    return [message.json["data"]["object"]["id"] for message in receiver.got]


def fail_for_good(world: World, endpoint_id: str) -> None:
    """Every delivery that waits for its next try has had its last one."""
    world.database.write_sync(
        lambda tx: tx.connection.exec_driver_sql(
            "update webhook_deliveries set status = 'failed', due_ms = null where status = 'retrying'"
        )
    )


def test_retry_is_a_new_delivery_tried_at_once(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    (old,) = log_of(world, made["id"])
    receiver.answer = lambda _: (200, b"")

    reply = world.api.post(f"/webhooks/{made['id']}/deliveries/{old['id']}/retry")
    deliver(world)

    assert (reply.status, reply.message) == (202, "Delivery queued")
    assert reply.data["id"] != old["id"]
    assert (reply.data["manual"], reply.data["status"], reply.data["attempts"]) == (True, "pending", [])
    assert reply.data["event_id"] == old["event_id"]
    assert [message.id for message in receiver.got] == [old["event_id"]] * 2
    assert [row["status"] for row in log_of(world, made["id"]) if row["manual"]] == ["succeeded"]
    action = world.query("select action from audit_log where action like 'webhook.%' order by seq")[-1][0]
    assert action == "webhook.retry"


def test_delivery_that_succeeded_may_be_sent_again(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    (old,) = log_of(world, made["id"])

    for _ in range(2):
        assert world.api.post(f"/webhooks/{made['id']}/deliveries/{old['id']}/retry").status == 202
    deliver(world)

    assert got(receiver) == ["a", "a", "a"]


def test_retry_that_fails_goes_on_by_the_schedule(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    (old,) = log_of(world, made["id"])
    world.api.post(f"/webhooks/{made['id']}/deliveries/{old['id']}/retry")

    deliver(world)

    (new,) = (row for row in log_of(world, made["id"]) if row["manual"])
    assert (new["status"], new["next_attempt_at"] >= NOON_MS + 5_000) == ("retrying", True)


def test_delivery_that_is_being_sent_cannot_be_retried(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    (old,) = log_of(world, made["id"])
    world.database.write_sync(
        lambda tx: tx.connection.exec_driver_sql("update webhook_deliveries set status = 'processing'")
    )

    reply = world.api.post(f"/webhooks/{made['id']}/deliveries/{old['id']}/retry")

    assert (reply.status, reply.error_code) == (409, "resource_conflict")
    assert world.rows("webhook_deliveries") == 1


def test_test_delivery_may_be_retried(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    test = world.api.post(f"/webhooks/{made['id']}/test", {"event": "invoice.created"}).data["delivery"]

    assert world.api.post(f"/webhooks/{made['id']}/deliveries/{test['id']}/retry").status == 202
    deliver(world)

    assert receiver.got[0].body == receiver.got[1].body


def test_inactive_endpoint_is_sent_nothing_again(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    (old,) = log_of(world, made["id"])
    world.api.call("PUT", f"/webhooks/{made['id']}", {"status": "inactive"})

    for path, body in ((f"deliveries/{old['id']}/retry", {}), ("resend", {"from": 0, "to": NOON_MS})):
        reply = world.api.post(f"/webhooks/{made['id']}/{path}", body)
        assert (reply.status, reply.error_code) == (
            400,
            "business_rule_violation" if path != "resend" else reply.error_code,
        )
    assert world.rows("webhook_deliveries") == 1


def test_resend_of_what_failed_and_was_not_taken_since(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "a", "b", "c")
    happen(world, "d", type_="invoice.canceled")
    deliver(world)
    fail_for_good(world, made["id"])
    receiver.answer = lambda _: (200, b"")
    taken = next(row for row in log_of(world, made["id"]) if row["resource_id"] == "b")
    world.api.post(f"/webhooks/{made['id']}/deliveries/{taken['id']}/retry")
    deliver(world)
    receiver.got.clear()

    reply = world.api.post(
        f"/webhooks/{made['id']}/resend", {"from": NOON_MS, "to": NOON_MS, "events": ["invoice.stamped"]}
    )
    deliver(world)

    assert (reply.status, reply.message, reply.data) == (202, "Deliveries queued", {"queued": 2})
    assert sorted(got(receiver)) == ["a", "c"]
    rest = world.api.post(f"/webhooks/{made['id']}/resend", {"from": NOON_MS, "to": NOON_MS})
    assert rest.data == {"queued": 1}
    again = world.api.post(f"/webhooks/{made['id']}/resend", {"from": NOON_MS, "to": NOON_MS})
    assert again.data == {"queued": 0}


def test_resend_of_everything_is_what_the_endpoint_listens_to(world: World, receiver: Receiver) -> None:
    happen(world, "before")
    made = hook(world, receiver.url, events=["invoice.created"])
    happen(world, "a")
    happen(world, "b", type_="invoice.canceled")
    deliver(world)
    receiver.got.clear()

    reply = world.api.post(f"/webhooks/{made['id']}/resend", {"from": 0, "to": NOON_MS, "status": "all"})
    recent = world.api.post(f"/webhooks/{made['id']}/resend", {"from": NOON_MS - 1, "to": NOON_MS, "status": "all"})
    deliver(world)

    assert (reply.status, reply.paths) == (400, [("to", "max")])
    assert recent.data["queued"] == 2
    assert got(receiver) == ["before", "a"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, [("from", "required"), ("to", "required")]),
        ({"from": NOON_MS, "to": NOON_MS - 1}, [("to", "min")]),
        ({"from": NOON_MS - 90 * DAY_MS - 1, "to": NOON_MS}, [("to", "max")]),
        ({"from": NOON_MS, "to": NOON_MS, "status": "succeeded"}, [("status", "enum")]),
        ({"from": NOON_MS, "to": NOON_MS, "events": ["X"]}, [("events[0]", "format")]),
    ],
)
def test_bad_range_is_refused(world: World, receiver: Receiver, body: dict[str, object], paths: object) -> None:
    made = hook(world, receiver.url)

    reply = world.api.post(f"/webhooks/{made['id']}/resend", body)

    assert (reply.status, reply.paths) == (400, paths)


def test_more_than_ten_thousand_are_refused(world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.webhooks.replay.RESENT_MAX", 3)
    made = hook(world, receiver.url)
    happen(world, *"abcd")
    deliver(world)

    reply = world.api.post(f"/webhooks/{made['id']}/resend", {"from": NOON_MS, "to": NOON_MS, "status": "all"})

    assert (reply.status, reply.error_code) == (400, "business_rule_violation")
    assert world.rows("webhook_deliveries") == 4


def test_repeated_resend_is_one(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    happen(world, "a")
    deliver(world)
    body = {"from": NOON_MS, "to": NOON_MS, "status": "all"}

    first, second = (world.api.post(f"/webhooks/{made['id']}/resend", body, idempotency_key="r-1") for _ in range(2))
    deliver(world)

    assert (first.data, second.data) == ({"queued": 1}, {"queued": 1})
    assert got(receiver) == ["a", "a"]
