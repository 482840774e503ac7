import asyncio

from factories.receivers import Receiver, deliver, hook
from timbra.platform import events
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from world import NOON_MS, World

URL = "https://1.1.1.1/"


def happen(world: World, *objects: str, type_: str = "invoice.created", livemode: bool = False) -> None:
    scope = TeamScope(world.team_id, livemode)

    def unit(tx: Tx) -> None:
        for object_id in objects:
            events.append(tx, scope, type_, object_id, f'{{"id":"{object_id}"}}', world.clock.now_ms())

    world.database.write_sync(unit)


def ids(world: World, query: str) -> list[str]:
    return [event["data"]["object"]["id"] for event in world.api.get(f"/events?{query}").data]


def clean(world: World) -> None:
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql("delete from events"))


def test_feed_shows_events_as_they_are_sent_but_their_alias(world: World, receiver: Receiver) -> None:
    clean(world)
    hook(world, receiver.url)
    world.client(name="Mostrador")
    deliver(world)

    reply = world.api.get("/events")

    (event,) = reply.data
    sent = receiver.got[0].json
    assert event == {name: value for name, value in sent.items() if name != "event"}
    assert (reply.status, reply.message, reply.json["timestamp"]) == (200, "Events retrieved successfully", NOON_MS)
    assert (reply.json["total_results"], reply.json["has_more"], reply.json["next"]) == (1, False, None)
    one = world.api.get(f"/events/{event['id']}")
    assert (one.status, one.data) == (200, event)


def test_what_has_just_happened_is_there_without_a_worker(world: World) -> None:
    clean(world)
    happen(world, *(f"inv_{number}" for number in range(350)))

    assert world.api.get("/events?limit=1").json["total_results"] == 350
    assert ids(world, "limit=1") == ["inv_349"]
    assert ids(world, "limit=2&sort=asc") == ["inv_0", "inv_1"]


def test_feed_is_filtered(world: World) -> None:
    clean(world)
    happen(world, "a", "b")
    world.clock.advance(1_000)
    happen(world, "b", type_="invoice.canceled")
    happen(world, "x", livemode=True)

    assert ids(world, "type=invoice.created&sort=asc") == ["a", "b"]
    assert ids(world, "type=invoice.stamped&sort=asc") == ["a", "b"]
    assert ids(world, "object_id=b") == ["b", "b"]
    assert ids(world, "type=moon.landed") == []
    assert ids(world, f"created[gt]={NOON_MS}") == ["b"]
    assert ids(world, f"created[lte]={NOON_MS}&sort=asc") == ["a", "b"]
    assert [event["data"]["object"]["id"] for event in world.live.get("/events").data] == ["x"]
    assert world.rival.get("/events").data == []
    assert world.api.get("/events?order_by=name").status == 400


def test_consumer_that_polls_misses_nothing(world: World) -> None:
    clean(world)
    seen: list[str] = []
    cursor = None
    for number in range(7):
        happen(world, *(f"inv_{number}_{place}" for place in range(number)))
        while True:
            query = f"&cursor={cursor}" if cursor else "&sort=asc"
            reply = world.api.get(f"/events?limit=4{query}")
            seen += [event["data"]["object"]["id"] for event in reply.data]
            cursor = reply.json["cursor"] or cursor
            if not reply.json["has_more"]:
                break

    assert seen == [f"inv_{number}_{place}" for number in range(7) for place in range(number)]


def test_pages_follow_each_other(world: World) -> None:
    clean(world)
    happen(world, *"abcde")

    first = world.api.get("/events?limit=2&sort=asc")
    second = world.api.get(f"/events?limit=2&next={first.json['next']}")
    third = world.api.get(f"/events?limit=2&starting_after={second.json['next']}")

    shown = [event["data"]["object"]["id"] for event in first.data + second.data + third.data]
    assert shown == list("abcde")
    assert third.json["next"] is None
    assert world.rival.get(f"/events?next={first.json['next']}").status == 400


def test_event_of_another_mode_or_team_is_not_found(world: World) -> None:
    clean(world)
    happen(world, "a")
    event_id = world.api.get("/events").data[0]["id"]

    for api in (world.live, world.rival):
        assert api.get(f"/events/{event_id}").status == 404
    assert world.api.get("/events/evt_01K9ZE2M4Q6S8V0X1Z3B5D7F9H").status == 404


def test_reading_the_feed_loses_no_delivery(world: World, receiver: Receiver) -> None:
    hook(world, receiver.url, events=["invoice.created"])
    happen(world, "a", "b")
    assert len(ids(world, "type=invoice.created")) == 2

    deliver(world)

    assert [message.json["data"]["object"]["id"] for message in receiver.got] == ["a", "b"]


def test_readers_at_once_number_each_event_once(world: World) -> None:
    clean(world)
    happen(world, *(f"inv_{number}" for number in range(40)))

    async def read() -> list[str]:
        reply = await world.api.later("GET", "/events?limit=100&sort=asc")
        return [event["data"]["object"]["id"] for event in reply.data]

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(read() for _ in range(5)))

    for shown in world.run(together()):
        assert shown == [f"inv_{number}" for number in range(40)]
    assert world.query("select count(distinct number) from events") == [(40,)]
