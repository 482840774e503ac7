"""Keys, teams and mails of a ``World``, and proof that a refusal left everything as it was."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from timbra.platform.db import Tx
from timbra.teams import keys, store
from world import Api, World

TABLES = (
    "billing_accounts", "subscriptions", "users", "memberships", "teams", "onboarding_sessions", "series",
    "released_folios", "user_tokens", "api_keys", "events", "audit_log", "mail_outbox", "idempotency_records",
)  # fmt: skip


@contextmanager
def untouched(world: World) -> Iterator[None]:
    """No row of any account changes meanwhile (``last_used_ms`` of keys apart)."""
    before = _rows(world)
    yield
    assert _rows(world) == before


def _rows(world: World) -> dict[str, list[str]]:
    hidden = {"api_keys": "id, scopes, revoked_ms"}
    return {table: sorted(map(str, world.query(f"select {hidden.get(table, '*')} from {table}"))) for table in TABLES}


def key_of(world: World, team_id: str, *, livemode: bool = False, scopes: tuple[str, ...] = ("*",)) -> Api:
    """The API as the holder of a new key of the team calls it."""

    def unit(tx: Tx) -> str:
        team = store.team(tx, team_id)
        assert team is not None
        at_ms = world.clock.now_ms()
        return keys.create(
            tx,
            world.house.token_keys,
            team,
            livemode=livemode,
            name="t",
            user_id=team.owner,
            at_ms=at_ms,
            scopes=scopes,
        )[1]

    return Api(world, world.database.write_sync(unit))


def execute(world: World, sql: str, **values: Any) -> None:

    world.database.write_sync(lambda tx: tx.execute(text(sql), values))


def branch(world: World, **fields: Any) -> str:
    """The id of a further team of the account."""
    body = {"name": "Norte", "tax_id": "XIA190128J61", "tax_system": "601", **fields}
    reply = world.api.post("/teams", body)
    assert reply.status == 201, reply.json
    return str(reply.data["id"])


def person(world: World, email: str = "luis@kemper.mx", api: Api | None = None, **fields: Any) -> str:
    """The id of a new user of the account."""
    reply = (api or world.api).post("/users", {"email": email, **fields})
    assert reply.status == 201, reply.json
    return str(reply.data["id"])


def mails(world: World) -> list[tuple[str, str, str]]:
    """(kind, recipient, plain text) of what waits to be sent."""
    now_ms = world.clock.now_ms()
    taken = world.database.write_sync(lambda tx: world.house.mail.take(tx, now_ms=now_ms, lease_ms=1, limit=50))
    return [(one.kind, one.recipient, one.text.plain) for one in taken]


def link_in(text: str) -> str:
    """The link of a mail."""
    found = re.search(r"https://\S+", text)
    assert found is not None
    return found.group()


def actions(world: World, *prefixes: str) -> list[tuple[str, str]]:
    """(action, resource id) of the audit log, oldest first."""
    rows = world.query("select action, resource_id from audit_log order by at_ms, seq")
    return [(action, resource) for action, resource in rows if action.startswith(prefixes)]
