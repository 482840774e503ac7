from factories.receivers import Receiver, deliver, hook, log_of
from world import World


def test_event_reaches_the_endpoint(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver.url, events=["customer.created"])
    client = world.client(name="Mostrador")

    deliver(world)

    (message,) = receiver.got
    assert message.json == {
        "id": message.id,
        "type": "customer.created",
        "event": "customer.created",
        "created": world.clock.now_ms(),
        "livemode": False,
        "team": world.team_id,
        "data": {"object": world.api.get(f"/clients/{client}").data},
    }
    message.verify(made["secret"])
    (row,) = log_of(world, made["id"])
    assert (row["status"], row["event_id"], row["resource_id"]) == ("succeeded", message.id, client)
