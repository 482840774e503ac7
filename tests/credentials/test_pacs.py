"""A team's accounts at PACs: sealed, in order, opened when they are needed."""

from typing import Any

import pytest

from timbra.credentials import pacs, store_pacs
from timbra.credentials.pacs import Pacs, Refused
from timbra.platform.scope import Actor, TeamScope
from timbra.platform.vault import VaultRefused
from world import World

ANA = Actor(user_id="user_ana", role="owner")
SECRET = "se<cret&1 ñ"


class Opened:
    """Stands for a PAC; remembers what it was made of."""

    def __init__(self, name: str, credentials: dict[str, str], livemode: bool) -> None:
        self.name, self.credentials, self.livemode = name, credentials, livemode


def live(world: World) -> TeamScope:
    return TeamScope(world.team_id, livemode=True)


def connect(world: World, provider: str, password: str = SECRET, scope: TeamScope | None = None) -> None:
    world.database.write_sync(
        lambda tx: pacs.connect(
            tx, scope or live(world), provider, {"username": "ana", "password": password},
            opener=world.house.pac_opener, actor=ANA, at_ms=world.clock.now_ms(),
        )
    )  # fmt: skip


def desk(world: World) -> Pacs:
    build: Any = lambda name, credentials, livemode: Opened(name, dict(credentials), livemode)  # noqa: E731
    return Pacs(world.database, world.house.pac_opener, world.clock, build)


def of(world: World, opened: Pacs, scope: TeamScope | None = None) -> list[Any]:
    return list(world.run(opened.of(scope or live(world))))


def test_accounts_are_opened_in_the_order_they_were_added(world: World) -> None:
    opened = desk(world)
    assert of(world, opened) == []

    connect(world, "finkok")
    connect(world, "sw")
    opened.forget(live(world))

    first, second = of(world, opened)
    assert (first.name, second.name) == ("finkok", "sw")
    assert first.credentials == {"username": "ana", "password": SECRET}
    assert first.livemode


def test_nothing_of_a_credential_is_readable_at_rest(world: World) -> None:
    connect(world, "finkok")

    rows = world.query("select sealed_credentials from pac_connections")
    assert [row[0].startswith("v1.") for row in rows] == [True]
    assert SECRET not in str(rows)
    assert "ana" not in str(rows)
    changes = world.query("select changes from audit_log where action = 'team.pac_connect'")
    assert [str(row[0]) for row in changes] == ['{"livemode":true}']


def test_a_credential_moved_to_another_mode_or_provider_does_not_open(world: World) -> None:
    connect(world, "finkok")
    stored = world.database.read_sync(lambda tx: store_pacs.connections(tx, live(world)))[0]

    for scope, provider in ((TeamScope(world.team_id, livemode=False), "finkok"), (live(world), "sw")):
        world.database.write_sync(
            lambda tx, scope=scope, provider=provider: store_pacs.put(tx, scope, provider, stored.sealed_credentials, 1)
        )
        with pytest.raises(VaultRefused):
            of(world, desk(world), scope)
        world.database.write_sync(lambda tx, scope=scope, provider=provider: store_pacs.remove(tx, scope, provider))


def test_modes_and_teams_have_their_own(world: World) -> None:
    connect(world, "finkok")
    opened = desk(world)

    assert of(world, opened, TeamScope(world.team_id, livemode=False)) == []
    assert of(world, opened, TeamScope(world.founded.rival_id, livemode=True)) == []


def test_new_credentials_replace_the_pac_within_five_seconds_and_are_untested(world: World) -> None:
    connect(world, "finkok")
    world.database.write_sync(lambda tx: store_pacs.note_tested(tx, live(world), "finkok", 7))
    opened = desk(world)
    before = of(world, opened)[0]

    world.clock.advance(1_000)
    connect(world, "finkok", "another one")
    assert of(world, opened)[0] is before
    world.clock.advance(4_000)

    after = of(world, opened)[0]
    assert after.credentials["password"] == "another one"
    assert world.database.read_sync(lambda tx: store_pacs.connections(tx, live(world)))[0].tested_ms is None
    world.clock.advance(5_000)
    assert of(world, opened)[0] is after  # unchanged credentials keep the PAC and its login


def test_the_order_names_each_account_once(world: World) -> None:
    for provider in ("finkok", "sw", "prodigia"):
        connect(world, provider)

    def put(*names: str) -> None:
        world.database.write_sync(
            lambda tx: pacs.put_in_order(tx, live(world), names, actor=ANA, at_ms=world.clock.now_ms())
        )

    put("prodigia", "finkok", "sw")

    assert [one.name for one in of(world, desk(world))] == ["prodigia", "finkok", "sw"]
    for wrong in (("sw",), ("sw", "sw", "finkok"), ("sw", "finkok", "facturama")):
        with pytest.raises(Refused):
            put(*wrong)
    assert [one.name for one in of(world, desk(world))] == ["prodigia", "finkok", "sw"]


def test_an_account_stays_while_a_document_may_have_been_stamped_there(world: World) -> None:
    connect(world, "finkok")

    def disconnect(held: int) -> None:
        world.database.write_sync(
            lambda tx: pacs.disconnect(tx, live(world), "finkok", held=held, actor=ANA, at_ms=world.clock.now_ms())
        )

    with pytest.raises(Refused, match="2 documents"):
        disconnect(2)
    assert len(of(world, desk(world))) == 1
    disconnect(0)

    assert of(world, desk(world)) == []
    with pytest.raises(Refused, match="no account"):
        disconnect(0)
    actions = world.query("select action from audit_log where livemode = :l order by seq", l=True)
    assert [action for (action,) in actions][-2:] == ["team.pac_connect", "team.pac_remove"]
