import pytest

from factories.receivers import Receiver, deliver, hook, log_of
from timbra.platform.ids import new_id
from timbra.webhooks.change import ENDPOINTS_MAX
from timbra.webhooks.names import ALIASES, KNOWN
from world import NOON_MS, World

URL = "https://1.1.1.1/cfdi"  # a literal address: the tests ask no name server
UNKNOWN = "wh_01K9ZE2M4Q6S8V0X1Z3B5D7F9H"


def actions(world: World) -> list[str]:
    found = world.query("select action from audit_log where action like 'webhook.%' order by team_id, seq")
    return [row[0] for row in found]


def test_new_endpoint_is_shown_with_its_secret_once(world: World) -> None:
    body = {
        "url": URL, "events": ["payment.succeeded", "invoice.stamped", "moon.landed"], "description": "ERP",
        "security": {"headers": {"X-Key": "s3cret"}},
    }  # fmt: skip

    reply = world.api.post("/webhooks", body)

    assert (reply.status, reply.message) == (201, "Webhook created successfully")
    assert reply.json["timestamp"] == NOON_MS
    secret = reply.data["secret"]
    assert secret.startswith("whsec_")
    assert len(secret) == 6 + 44
    shown = {
        "id": reply.data["id"],
        "url": URL,
        "events": ["payment.succeeded", "invoice.stamped", "moon.landed"],
        "description": "ERP",
        "status": "active",
        "type": None,
        "security": {"header_names": ["X-Key"], "configured": True},
        "signing": {"enabled": True, "rotating_until": None},
        "unknown_events": ["moon.landed"],
        "disabled_reason": None,
        "failing_since": None,
        "last_success_at": None,
        "last_failure_at": None,
        "livemode": False,
        "owner": world.query("select owner from teams where id = :t", t=world.team_id)[0][0],
        "team": world.team_id,
        "created_at": NOON_MS,
        "updated_at": NOON_MS,
    }
    assert reply.data == {**shown, "secret": secret}
    got = world.api.get(f"/webhooks/{reply.data['id']}")
    assert (got.status, got.message, got.data) == (200, "Webhook retrieved successfully", shown)
    assert got.json["timestamp"] == NOON_MS
    assert actions(world) == ["webhook.create"]
    stored = str(world.query("select * from webhooks")) + str(world.query("select * from audit_log"))
    assert secret not in stored
    assert "s3cret" not in stored


def test_repeated_request_makes_one_endpoint_and_shows_the_secret_again(world: World) -> None:
    first, second = (world.api.post("/webhooks", {"url": URL}, idempotency_key="k-1") for _ in range(2))

    assert first.data == second.data
    assert second.header("Idempotent-Replayed") == "true"
    assert world.rows("webhooks") == 1


def test_same_url_may_be_registered_twice(world: World) -> None:
    assert hook(world, URL)["id"] != hook(world, URL)["id"]


BAD_URLS = [
        "http://1.1.1.1/", "ftp://1.1.1.1/", "1.1.1.1", "https://", "https:///x", "https://user@1.1.1.1/",
        "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://[::1]/",
        "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://10.0.0.1/", "https://localhost/",
        "https://localhost./", "https://hooks.invalid/", "https://[fe80::1%25eth0]/", "https://a b/", "https://1.1.1.1\\@x/",
        "https://1.1.1.1:0/", "https://1.1.1.1/" + "a" * 4_096, 7, ["https://1.1.1.1/"],
]  # fmt: skip


def test_url_that_may_not_be_called_is_refused(world: World) -> None:
    for url in BAD_URLS:
        reply = world.api.post("/webhooks", {"url": url})

        assert (reply.status, reply.error_code) == (400, "invalid_field_value"), url
        assert [path for path, _ in reply.paths] == ["url"]
    assert world.rows("webhooks") == 0
    assert actions(world) == []


BAD_FIELDS = [
    ({"events": ["Invoice.Created"]}, "events[0]"),
    ({"events": ["invoice"]}, "events[0]"),
    ({"events": ["a.b.c.d.e.f"]}, "events[0]"),
    ({"events": ["invoice.created", "x..y"]}, "events[1]"),
    ({"events": "invoice.created"}, "events"),
    ({"status": "paused"}, "status"),
    ({"type": "other"}, "type"),
    ({"description": "x" * 1_001}, "description"),
    ({"security": {"headers": {"Host": "x"}}}, "security.headers.Host"),
    ({"security": {"headers": {"content-length": "x"}}}, "security.headers.content-length"),
    ({"security": {"headers": {"webhook-id": "x"}}}, "security.headers.webhook-id"),
    ({"security": {"headers": {"X Key": "x"}}}, "security.headers.X Key"),
    ({"security": {"headers": {"X-Key": "a\r\nHost: b"}}}, "security.headers.X-Key"),
    ({"security": {"headers": {"X-Key": 7}}}, "security.headers.X-Key"),
    ({"security": {"headers": {f"X-{n}": "x" for n in range(11)}}}, "security.headers"),
    ({"security": {"headers": {"X-Key": "a", "x-key": "b"}}}, "security.headers"),
    ({"livemode": True}, "livemode"),
    ({"expected_livemode": True}, "expected_livemode"),
]


def test_bad_field_is_refused(world: World) -> None:
    for fields, path in BAD_FIELDS:
        reply = world.api.post("/webhooks", {"url": URL, **fields})

        assert (reply.status, reply.error_code) == (400, "invalid_field_value"), path
        assert [found for found, _ in reply.paths] == [path]
    assert world.rows("webhooks") == 0


def test_url_is_required(world: World) -> None:
    reply = world.api.post("/webhooks", {})

    assert (reply.status, reply.error_code, reply.paths) == (400, "missing_required_field", [("url", "required")])


def test_further_members_of_the_older_api_are_taken(world: World) -> None:
    reply = world.api.post(
        "/webhooks",
        {"url": URL, "operation_id": "x", "expected_livemode": False, "expected_revision": 3, "version": "v2"},
    )

    assert reply.status == 201


def test_endpoint_without_events_wants_all(world: World) -> None:
    assert [hook(world, URL, events=events)["events"] for events in (None, [])] == [[], []]


def test_connect_endpoint_is_for_teams_with_connect(world: World) -> None:
    made = hook(world, URL, type="gigstack_connect")
    world.database.write_sync(
        lambda tx: tx.connection.exec_driver_sql("update teams set connect_enabled = not connect_enabled")
    )
    refused = world.api.post("/webhooks", {"url": URL, "type": "gigstack_connect"})

    assert made["type"] == "gigstack_connect"
    assert (refused.status, refused.error_code) == (403, "insufficient_permissions")
    assert world.rows("webhooks") == 1


def test_a_team_has_at_most_fifty_endpoints_in_each_mode(world: World) -> None:
    for _ in range(ENDPOINTS_MAX):
        hook(world, URL)

    refused = world.api.post("/webhooks", {"url": URL})

    assert (refused.status, refused.error_code) == (400, "business_rule_violation")
    assert world.live.post("/webhooks", {"url": URL}).status == 201


def test_list_is_filtered_and_of_one_mode(world: World) -> None:
    first, second = hook(world, URL), hook(world, URL, status="inactive")
    hook(world, URL, world.live)

    listed = world.api.get("/webhooks?sort=asc")
    inactive = world.api.get("/webhooks?status=inactive")

    assert (listed.status, listed.message) == (200, "Webhooks retrieved successfully")
    assert [row["id"] for row in listed.data] == sorted([first["id"], second["id"]])
    assert (listed.json["total_results"], listed.json["has_more"], listed.json["next"]) == (2, False, None)
    assert listed.json["timestamp"] == NOON_MS
    assert [row["id"] for row in inactive.data] == [second["id"]]
    assert all("secret" not in row for row in listed.data)
    assert world.api.get("/webhooks?status=off").status == 400
    assert world.api.get("/webhooks?order_by=name").status == 400


def test_list_is_paged(world: World) -> None:
    ids = sorted(hook(world, URL)["id"] for _ in range(3))

    first = world.api.get("/webhooks?limit=2&sort=asc")
    second = world.api.get(f"/webhooks?limit=2&next={first.json['next']}")

    assert [row["id"] for row in first.data + second.data] == ids
    assert first.json["has_more"]
    assert not second.json["has_more"]


def test_update_is_partial(world: World) -> None:
    made = hook(world, URL, events=["invoice.created"], security={"headers": {"X-Key": "a"}})
    world.clock.advance(1_000)

    reply = world.api.call(
        "PUT", f"/webhooks/{made['id']}", {"description": "ERP", "security": {"headers": {"X-B": "b"}}}
    )

    assert (reply.status, reply.message) == (200, "Webhook updated successfully")
    assert reply.data == {
        **{name: value for name, value in made.items() if name != "secret"},
        "description": "ERP",
        "security": {"header_names": ["X-B"], "configured": True},
        "updated_at": NOON_MS + 1_000,
    }
    changes = world.query("select changes from audit_log where action = 'webhook.update'")[0][0]
    assert '"X-B"' not in changes
    assert '"***"' in changes


def test_update_without_a_difference_changes_nothing(world: World) -> None:
    made = hook(world, URL)
    world.clock.advance(1_000)

    reply = world.api.call("PUT", f"/webhooks/{made['id']}", {"url": URL, "status": "active"})

    assert reply.data["updated_at"] == NOON_MS
    assert actions(world) == ["webhook.create"]


def test_update_checks_the_url(world: World) -> None:
    made = hook(world, URL)

    reply = world.api.call("PUT", f"/webhooks/{made['id']}", {"url": "https://10.0.0.1/"})

    assert (reply.status, reply.paths) == (400, [("url", "format")])
    assert world.api.get(f"/webhooks/{made['id']}").data["url"] == URL


def test_null_clears_what_is_optional(world: World) -> None:
    made = hook(world, URL, events=["invoice.created"], description="x", security={"headers": {"X-Key": "a"}})

    reply = world.api.call(
        "PUT", f"/webhooks/{made['id']}", {"events": None, "description": None, "security": None, "url": None}
    )

    assert (reply.data["events"], reply.data["description"], reply.data["url"]) == ([], None, URL)
    assert reply.data["security"] == {"header_names": [], "configured": False}


def test_deleted_endpoint_is_gone(world: World) -> None:
    made = hook(world, URL)
    world.client(name="Mostrador")
    world.run(world.house.courier.turn())

    reply = world.api.delete(f"/webhooks/{made['id']}")

    assert (reply.status, reply.message) == (200, "Webhook deleted successfully")
    assert reply.data == {"id": made["id"], "deleted": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", ""), ("GET", "/deliveries"), ("POST", "/test")):
        again = world.api.call(method, f"/webhooks/{made['id']}{path}", None if method == "GET" else {})
        assert (again.status, again.error_code) == (404, "resource_not_found")
    log = world.api.get(f"/teams/{world.team_id}/webhook-deliveries").data
    assert all((row["status"], row["error_category"]) == ("failed", "endpoint_unavailable") for row in log)
    assert world.rows("webhook_lanes") == 0
    assert actions(world) == ["webhook.create", "webhook.delete"]


def test_rotation_keeps_the_old_secret_for_a_while(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)

    reply = world.api.post(f"/webhooks/{made['id']}/rotate-secret", {})

    assert (reply.status, reply.message) == (200, "Webhook secret rotated successfully")
    assert reply.data["secret"] != made["secret"]
    assert reply.data["signing"] == {"enabled": True, "rotating_until": NOON_MS + 86_400_000}
    world.client(name="Uno")
    deliver(world)
    assert len(receiver.got[0].headers["webhook-signature"].split()) == 2
    receiver.got[0].verify(made["secret"])
    receiver.got[0].verify(reply.data["secret"])
    world.clock.advance(86_400_000)
    world.client(name="Dos")
    deliver(world)
    assert len(receiver.got[1].headers["webhook-signature"].split()) == 1
    receiver.got[1].verify(reply.data["secret"])
    assert world.api.get(f"/webhooks/{made['id']}").data["signing"]["rotating_until"] is None


def test_rotation_without_overlap_ends_the_old_secret_at_once(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)

    reply = world.api.post(f"/webhooks/{made['id']}/rotate-secret", {"overlap_seconds": 0})
    world.client(name="Uno")
    deliver(world)

    receiver.got[0].verify(reply.data["secret"])
    with pytest.raises(AssertionError):
        receiver.got[0].verify(made["secret"])


def test_overlap_is_at_most_a_week(world: World) -> None:
    made = hook(world, URL)

    for seconds in (-1, 604_801):
        reply = world.api.post(f"/webhooks/{made['id']}/rotate-secret", {"overlap_seconds": seconds})
        assert (reply.status, reply.paths[0][0]) == (400, "overlap_seconds")
    assert actions(world) == ["webhook.create"]


def test_test_call_sends_one_message_and_waits(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url, events=["invoice.created"])

    reply = world.api.post(f"/webhooks/{made['id']}/test", {})

    assert (reply.status, reply.message) == (200, "Test event sent")
    (message,) = receiver.got
    message.verify(made["secret"])
    assert (message.type, message.json["data"]) == ("webhook.test", {"object": {"hello": "timbra"}})
    row = reply.data["delivery"]
    assert reply.data["ok"] is True
    assert (row["status"], row["event"], row["event_id"]) == ("succeeded", "webhook.test", message.id)
    assert log_of(world, made["id"]) == [row]
    assert world.api.get("/events").data == [] or all(
        event["id"] != message.id for event in world.api.get("/events").data
    )
    assert actions(world) == ["webhook.create", "webhook.test"]


def test_repeated_test_with_a_key_is_sent_once(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)

    first, second = (world.api.post(f"/webhooks/{made['id']}/test", {}, idempotency_key="t-1") for _ in range(2))

    assert first.data == second.data
    assert len(receiver.got) == 1


def test_failed_test_is_told_and_not_retried(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, b"oops")
    made = hook(world, receiver.url)

    reply = world.api.post(f"/webhooks/{made['id']}/test", {"event": "invoice.stamped"})
    world.clock.advance(3_600_000)
    deliver(world)

    assert (reply.status, reply.data["ok"]) == (200, False)
    assert reply.data["delivery"]["status"] == "failed"
    assert reply.data["delivery"]["attempts"][0]["response_excerpt"] == "oops"
    assert [message.type for message in receiver.got] == ["invoice.created"]
    assert world.api.get(f"/webhooks/{made['id']}").data["failing_since"] is None


def test_there_is_a_sample_of_every_event(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)

    for event in sorted(KNOWN | set(ALIASES)):
        reply = world.api.post(f"/webhooks/{made['id']}/test", {"event": event})

        assert reply.data["ok"] is True
        assert receiver.got[-1].type == ALIASES.get(event, event)
        assert receiver.got[-1].json["data"]["object"]


def test_samples_have_the_shape_of_the_real_thing(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url)
    client, service = world.client(), world.api.post("/services", {"description": "Renta", "unit_price": 10}).data["id"]
    real = {
        "customer.created": world.api.get(f"/clients/{client}").data,
        "service.created": world.api.get(f"/services/{service}").data,
        "invoice.created": world.issue(100),
        "teams.created": world.api.get(f"/teams/{world.team_id}").data,
    }

    for event, shown in real.items():
        world.api.post(f"/webhooks/{made['id']}/test", {"event": event})
        assert set(receiver.got[-1].json["data"]["object"]) == set(shown), event


def test_test_of_an_unknown_event_is_refused(world: World) -> None:
    made = hook(world, URL)

    reply = world.api.post(f"/webhooks/{made['id']}/test", {"event": "moon.landed"})

    assert (reply.status, reply.paths) == (400, [("event", "enum")])


OPERATIONS = [
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/rotate-secret"), ("POST", "/test"), ("GET", "/deliveries"),
        ("GET", "/deliveries/del_1"), ("POST", "/deliveries/del_1/retry"), ("POST", "/resend"),
]  # fmt: skip


def test_endpoint_of_another_mode_or_team_is_not_found(world: World) -> None:
    made = hook(world, URL)

    for api in (world.live, world.rival):
        for method, path in OPERATIONS:
            body = {"from": 0, "to": 1} if path == "/resend" else {}
            reply = api.call(method, f"/webhooks/{made['id']}{path}", None if method == "GET" else body)
            assert (reply.status, reply.error_code) == (404, "resource_not_found")
    assert actions(world) == ["webhook.create"]


def test_only_admins_with_the_scope_may_look(world: World) -> None:
    key = world.api.post("/api-keys", {"name": "no webhooks", "scopes": ["clients:read"]}).data["token"]
    reply = world.run(
        world.http.get("/v2/webhooks", headers={"authorization": f"Bearer {key}", "content-type": "application/json"})
    )

    assert reply.status_code == 403


def test_unknown_delivery_is_not_found(world: World) -> None:
    made = hook(world, URL)

    for method, path in (("GET", ""), ("POST", "/retry")):
        reply = world.api.call(method, f"/webhooks/{made['id']}/deliveries/{new_id('del')}{path}", None)
        assert reply.status == 404
