import asyncio
from typing import Any

import pytest

from factories.receivers import Message, Receiver, deliver, hook, log_of
from timbra.platform import events
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from world import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, SECOND_MS, World


def happen(world: World, *objects: str, type_: str = "invoice.created", body: str = '{"a":1}') -> None:
    """One event of each object, in this order."""

    def unit(tx: Tx) -> None:
        for object_id in objects:
            events.append(tx, world.scope, type_, object_id, body, world.clock.now_ms())

    world.database.write_sync(unit)


def shown(world: World, endpoint_id: str) -> dict[str, Any]:
    return dict(world.api.get(f"/webhooks/{endpoint_id}").data)


def test_event_reaches_the_endpoint(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url, events=["customer.created"], security={"headers": {"X-Key": "a b"}})
    client = world.client(name="Mostrador")

    deliver(world)

    (message,) = receiver.got
    assert message.json == {
        "id": message.id,
        "type": "customer.created",
        "event": "customer.created",
        "created": NOON_MS,
        "livemode": False,
        "team": world.team_id,
        "data": {"object": world.api.get(f"/clients/{client}").data},
    }
    message.verify(made["secret"])
    assert message.headers["content-type"] == "application/json"
    assert message.headers["user-agent"] == "timbra-webhooks/1"
    assert message.headers["x-key"] == "a b"
    (row,) = log_of(world, made["id"])
    latency = row["latency_ms"]
    assert 0 <= latency < 5_000
    assert row == {
        "id": row["id"],
        "webhook_id": made["id"],
        "event_id": message.id,
        "event": "customer.created",
        "resource_id": client,
        "status": "succeeded",
        "attempts": [
            {
                "at": NOON_MS,
                "response_code": 200,
                "latency_ms": latency,
                "error_category": None,
                "response_excerpt": "ok",
            }
        ],
        "response_code": 200,
        "latency_ms": latency,
        "error_category": None,
        "next_attempt_at": None,
        "manual": False,
        "timestamp": NOON_MS,
        "updated_at": NOON_MS,
    }
    one = world.api.get(f"/webhooks/{made['id']}/deliveries/{row['id']}")
    assert one.data == {**row, "payload": message.json}
    endpoint = shown(world, made["id"])
    assert (endpoint["last_success_at"], endpoint["last_failure_at"], endpoint["failing_since"]) == (
        NOON_MS,
        None,
        None,
    )


def test_endpoint_gets_what_it_asked_for_under_the_name_it_asked_for(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, events=["client.updated", "invoice.stamped"])
    client = world.client(name="Uno")
    world.api.call("PUT", f"/clients/{client}", {"name": "Dos"})
    happen(world, "inv_1")

    deliver(world)

    assert [(each.json["type"], each.json["event"]) for each in receiver.got] == [
        ("customer.updated", "client.updated"),
        ("invoice.created", "invoice.stamped"),
    ]


def test_each_mode_and_team_hears_of_its_own(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, world.live)
    hook(world, receiver.url, world.rival)
    world.client(name="Uno")

    deliver(world)

    assert receiver.got == []
    world.client(world.rival, name="Dos")
    deliver(world)
    assert [message.json["data"]["object"]["name"] for message in receiver.got] == ["Dos"]


def test_endpoint_hears_of_nothing_older_than_itself(world: World, receiver: Receiver) -> None:
    world.client(name="Antes")
    world.clock.advance(2 * MINUTE_MS)
    hook(world, receiver.url)

    deliver(world)

    assert receiver.got == []


def test_inactive_endpoint_gets_nothing(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    world.run(world.house.courier.turn())  # relayed and begun
    world.api.call("PUT", f"/webhooks/{made['id']}", {"status": "inactive"})
    happen(world, "inv_2")

    deliver(world)

    assert [row["event"] for row in log_of(world, made["id"])] == ["invoice.created"]


def test_large_body_goes_without_items(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url)
    happen(world, "inv_1", body='{"id":"inv_1","total":12.50,"items":["' + "x" * 300_000 + '"]}')

    deliver(world)

    assert receiver.got[0].json["data"] == {"object": {"id": "inv_1", "total": 12.5, "items": []}, "truncated": True}
    assert b'"total":12.50' in receiver.got[0].body or b'"total":12.5' in receiver.got[0].body


def test_failed_delivery_is_tried_ten_times_in_three_days(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"Internal Server Error")
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    times: list[int] = []

    for _ in range(12):
        deliver(world)
        (row,) = log_of(world, made["id"])
        if row["next_attempt_at"] is None:
            break
        assert row["status"] == "retrying"
        times.append(row["next_attempt_at"] - world.clock.now_ms())
        world.clock.advance(times[-1])

    planned = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    for delay_ms, planned_s in zip(times, planned, strict=True):
        assert planned_s * 1_000 <= delay_ms <= planned_s * 1_100
    assert (row["status"], len(row["attempts"]), len(receiver.got)) == ("failed", 10, 10)
    assert len({message.id for message in receiver.got}) == 1
    assert len({message.body for message in receiver.got}) == 1
    assert row["attempts"][0] == {
        "at": NOON_MS, "response_code": 500, "latency_ms": row["attempts"][0]["latency_ms"],
        "error_category": "http_response", "response_excerpt": "Internal Server Error",
    }  # fmt: skip


def test_retry_that_is_taken_ends_it(world: World, receiver: Receiver) -> None:
    answers = iter([(500, b""), (200, b"")])
    receiver.answer = lambda _: next(answers)
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    failing = shown(world, made["id"])
    world.clock.advance(4 * SECOND_MS)
    deliver(world)
    assert len(receiver.got) == 1

    world.clock.advance(2 * SECOND_MS)
    deliver(world)

    (row,) = log_of(world, made["id"])
    assert (row["status"], len(row["attempts"]), row["response_code"]) == ("succeeded", 2, 200)
    assert failing["failing_since"] == failing["last_failure_at"] == NOON_MS
    after = shown(world, made["id"])
    assert (after["failing_since"], after["last_success_at"]) == (None, NOON_MS + 6 * SECOND_MS)
    stamps = [int(message.headers["webhook-timestamp"]) for message in receiver.got]
    assert stamps == [NOON_MS // 1_000, NOON_MS // 1_000 + 6]
    receiver.got[1].verify(made["secret"])


def test_receiver_may_say_when(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (429, b"", {"Retry-After": "120"})
    made = hook(world, receiver.url)
    happen(world, "inv_1")

    deliver(world)

    assert log_of(world, made["id"])[0]["next_attempt_at"] == NOON_MS + 120 * SECOND_MS


@pytest.mark.parametrize(
    ("url", "category"),
    [
        ("http://127.0.0.1:1/", "network_or_timeout"),
        ("https://10.0.0.1/", "private_host"),
        ("http://10.0.0.1/", "private_host"),
        ("https://nowhere.invalid/", "dns"),
    ],
)
def test_log_says_why_nobody_was_reached(world: World, receiver: Receiver, url: str, category: str) -> None:
    made = hook(world, receiver.url)
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql(f"update webhooks set url = '{url}'"))
    happen(world, "inv_1")

    deliver(world)

    (row,) = log_of(world, made["id"])
    assert (row["status"], row["error_category"], row["response_code"]) == ("retrying", category, None)


def test_redirect_is_a_failure_and_not_followed(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda message: (302, b"", {"Location": "/elsewhere"}) if message.path == "/hook" else (200, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_1")

    deliver(world)

    (row,) = log_of(world, made["id"])
    assert (row["status"], row["error_category"], row["response_code"]) == ("retrying", "redirect", 302)
    assert [message.path for message in receiver.got] == ["/hook"]


def test_log_keeps_the_beginning_of_an_answer(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (200, b"y" * 1_000_000)
    made = hook(world, receiver.url)
    happen(world, "inv_1")

    deliver(world)

    assert log_of(world, made["id"])[0]["attempts"][0]["response_excerpt"] == "y" * 4_096


def test_410_switches_the_endpoint_off_at_once(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (410, b"")
    gone, other = hook(world, receiver.url), hook(world, "http://127.0.0.1:1/", events=["webhook.disabled"])
    happen(world, *(f"inv_{number}" for number in range(40)))

    deliver(world)

    endpoint = shown(world, gone["id"])
    assert (endpoint["status"], endpoint["disabled_reason"]) == ("inactive", "gone")
    rows = log_of(world, gone["id"])
    assert {row["status"] for row in rows} == {"failed"}
    assert "endpoint_unavailable" in {row["error_category"] for row in rows}
    assert len(receiver.got) <= 20
    assert [row["event"] for row in log_of(world, other["id"])] == ["webhook.disabled"]
    told = world.event_bodies("webhook.disabled")
    assert [(body["id"], body["disabled_reason"]) for body in told] == [(gone["id"], "gone")]
    audited = world.query("select changes, user_id from audit_log where action = 'webhook.update'")
    assert audited == [
        ('{"status":{"old":"active","new":"inactive"},"disabled_reason":{"old":null,"new":"gone"}}', None)
    ]


def test_five_days_of_failures_switch_it_off_and_the_admins_have_mail(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    world.house.mail.is_on = True
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    world.clock.advance(5 * DAY_MS - 1)
    happen(world, "inv_2")
    deliver(world)
    assert shown(world, made["id"])["status"] == "active"
    world.clock.advance(1)
    happen(world, "inv_3")

    deliver(world)

    endpoint = shown(world, made["id"])
    assert (endpoint["status"], endpoint["disabled_reason"]) == ("inactive", "failing")
    assert {row["status"] for row in log_of(world, made["id"])} == {"failed"}
    mails = world.query("select kind, recipient from mail_outbox")
    owner = world.query("select email from users u join teams t on t.owner = u.id where t.id = :t", t=world.team_id)[0][
        0
    ]
    assert ("webhook_disabled", owner) in mails


def test_endpoint_that_nobody_writes_to_any_more_is_switched_off_too(world: World, receiver: Receiver) -> None:
    from timbra.webhooks.switch_off import switch_off_failing

    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    world.clock.advance(5 * DAY_MS)

    assert world.run(switch_off_failing(world.house.webhooks)) == 1
    assert world.run(switch_off_failing(world.house.webhooks)) == 0

    assert shown(world, made["id"])["disabled_reason"] == "failing"


def test_success_ends_the_failure_clock(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda message: (500, b"") if message.json["data"]["object"]["a"] == 1 else (200, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    world.clock.advance(4 * DAY_MS)
    happen(world, "inv_2", body='{"a":2}')
    deliver(world)
    world.clock.advance(2 * DAY_MS)
    happen(world, "inv_3")
    deliver(world)

    endpoint = shown(world, made["id"])
    assert endpoint["status"] == "active"
    assert endpoint["failing_since"] > NOON_MS + 4 * DAY_MS - HOUR_MS


def test_switched_on_again_its_failures_are_forgotten(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (410, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)

    reply = world.api.call("PUT", f"/webhooks/{made['id']}", {"status": "active"})

    assert (reply.data["status"], reply.data["disabled_reason"], reply.data["failing_since"]) == ("active", None, None)
    receiver.answer = lambda _: (200, b"")
    happen(world, "inv_2")
    deliver(world)
    assert log_of(world, made["id"])[-1]["status"] == "succeeded"


def test_webhooks_of_a_team_on_its_way_out_stop(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_0")
    deliver(world)
    receiver.got.clear()
    happen(world, "inv_1")
    world.database.write_sync(
        lambda tx: tx.connection.exec_driver_sql("update teams set status = 'pending_deletion', removal_ms = 1")
    )
    world.clock.advance(MINUTE_MS)

    deliver(world)

    assert receiver.got == []
    found = world.query("select status, error_category from webhook_deliveries where endpoint_id = :e", e=made["id"])
    assert found == [("failed", "endpoint_unavailable")]


def test_connect_endpoint_hears_of_sub_teams(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, type="gigstack_connect", events=["teams.created"])
    hook(world, receiver.url)
    made = world.api.post("/teams", {"name": "Sucursal", "legal_name": "SUCURSAL", "tax_id": "XIA190128J61"})
    assert made.status == 201, made.json

    deliver(world)

    assert [(each.type, each.json["data"]["object"]["id"]) for each in receiver.got] == [
        ("teams.created", made.data["id"])
    ]


def test_first_tries_of_an_object_keep_their_order_and_others_go_beside_them(world: World, receiver: Receiver) -> None:
    async def slow(message: Message) -> tuple[int, bytes]:
        order.append((message.json["data"]["object"]["n"], message.id))
        await asyncio.sleep(0.02)
        return (500 if message.json["data"]["object"]["n"] % 3 == 0 else 200), b""

    order: list[tuple[int, str]] = []
    receiver.answer = slow
    hook(world, receiver.url)

    def unit(tx: Tx) -> None:
        for number in range(60):
            events.append(tx, world.scope, "invoice.created", f"inv_{number % 6}", f'{{"n":{number}}}', NOON_MS)

    world.database.write_sync(unit)
    deliver(world)

    for remainder in range(6):
        mine = [number for number, _ in order if number % 6 == remainder]
        assert mine == sorted(mine)
    assert len(order) == 60
    assert 4 <= receiver.most_at_once <= 6


def test_at_most_ten_at_once_to_an_endpoint_and_fifty_to_a_team(world: World, receiver: Receiver) -> None:
    async def slow(_: Message) -> tuple[int, bytes]:
        await asyncio.sleep(0.05)
        return 200, b""

    receiver.answer = slow
    hook(world, receiver.url)
    happen(world, *(f"inv_{number}" for number in range(30)))
    deliver(world)
    alone = receiver.most_at_once
    receiver.most_at_once = 0
    for _ in range(11):
        hook(world, receiver.url)
    happen(world, *(f"doc_{number}" for number in range(12)))
    deliver(world)

    assert alone == 10
    assert 40 <= receiver.most_at_once <= 50
    assert len(receiver.got) == 30 + 12 * 12


def test_delivery_of_an_event_that_is_not_kept_fails(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"")
    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql("delete from events"))
    world.clock.advance(6 * SECOND_MS)

    deliver(world)

    (row,) = log_of(world, made["id"])
    assert (row["status"], row["error_category"]) == ("failed", "endpoint_unavailable")
    assert len(receiver.got) == 1
    one = world.api.get(f"/webhooks/{made['id']}/deliveries/{row['id']}")
    assert one.data["payload"] is None


def test_log_is_filtered(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda message: (200 if message.type == "invoice.created" else 500, b"")
    made, other = hook(world, receiver.url), hook(world, receiver.url, events=["invoice.failed"])
    happen(world, "inv_1")
    deliver(world)
    world.clock.advance(1_000)
    happen(world, "inv_2", type_="invoice.failed")
    deliver(world)

    def found(query: str) -> list[tuple[str, str]]:
        reply = world.api.get(f"/teams/{world.team_id}/webhook-deliveries?sort=asc&{query}")
        assert reply.message == "Deliveries retrieved successfully"
        return [(row["webhook_id"], row["event"]) for row in reply.data]

    first, second, third = (
        (made["id"], "invoice.created"),
        (made["id"], "invoice.failed"),
        (other["id"], "invoice.failed"),
    )
    assert sorted(found("")) == sorted([first, second, third])
    assert found("status=succeeded") == [first]
    assert sorted(found("event=invoice.failed")) == sorted([second, third])
    assert found(f"webhook_id={other['id']}") == [third]
    assert found(f"to={NOON_MS}") == [first]
    assert sorted(found(f"from={NOON_MS + 1}")) == sorted([second, third])
    assert found(f"from={NOON_MS + 1}&to={NOON_MS}") == []
    assert world.api.get(f"/teams/{world.team_id}/webhook-deliveries?status=lost").status == 400
    assert [row["webhook_id"] for row in log_of(world, other["id"])] == [other["id"]]
    assert world.api.get(f"/teams/{new_id('team')}/webhook-deliveries").status == 404


def test_old_deliveries_and_events_are_forgotten(world: World, receiver: Receiver) -> None:
    from timbra.webhooks.keeping import forget_old

    made = hook(world, receiver.url)
    happen(world, "inv_1")
    deliver(world)
    world.clock.advance(90 * DAY_MS)
    assert world.run(forget_old(world.house.webhooks)) >= 0
    happen(world, "inv_2")
    deliver(world)
    world.clock.advance(1)

    world.run(forget_old(world.house.webhooks))

    assert [row["resource_id"] for row in log_of(world, made["id"])] == ["inv_2"]
    assert [event["data"]["object"] for event in world.api.get("/events").data] == [{"a": 1}]
