"""The API over one team without keys: every token is a caller of that team. For tests of domain routes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from timbra.catalogs.address import Address
from timbra.http.caller import Access, Caller, Identity, Role
from timbra.http.dispatch import assemble
from timbra.http.errors import InvalidToken
from timbra.http.idempotency import Idempotency
from timbra.http.pagination import Cursors
from timbra.http.ratelimit import RateLimits
from timbra.http.routing import Kit, Router
from timbra.platform import json
from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store as teams
from timbra.teams import store_people
from timbra.teams.found import blank
from timbra.teams.settings import TeamSettings

TEAM = "team_01K9ZB7M5T2R8C4X6N1Q3V0WYE"
OTHER_TEAM = "team_01K9ZB7M5T2R8C4X6N1Q3V0WYZ"
USER = "user_01K9ZB7M6A1S3D5F7G9H2J4K6M"
START_MS = 1_791_504_000_000


def add_team(db: Database, settings: dict[str, Any] | None = None, team_id: str = TEAM) -> teams.Team:
    """A stored team with its account and user."""
    account = f"ba_{team_id}"
    user = USER if team_id == TEAM else f"user_{team_id}"
    owner = store_people.User(user, account, f"{team_id.lower()}@b.mx", "Ana", START_MS, START_MS)
    team = replace(
        blank(account, user, "Kemper", START_MS), id=team_id, legal_name="ESCUELA KEMPER URGATE", tax_id="EKU9003173C9",
        tax_system="601", address=Address(zip="42501"), settings=TeamSettings(json.dumps(settings or {})),
    )  # fmt: skip

    def unit(tx: Tx) -> None:
        teams.add_account(tx, account, "Kemper", START_MS, metadata={})
        store_people.add(tx, owner)
        teams.add(tx, team)

    db.write_sync(unit)
    return team


def caller(*, livemode: bool = False, team_id: str = TEAM) -> Caller:
    """A caller with every right."""
    return Caller(
        scope=TeamScope(team_id, livemode),
        home_team=team_id,
        key_id="key_1",
        user_id=USER,
        billing_account=f"ba_{team_id}",
        scopes=frozenset({"*"}),
        role=Role.ADMIN,
        request_id="req_1",
    )


class FakeKeys:
    """Tokens such as ``test``, ``live``, ``test other_team``, ``test viewer``."""

    async def authenticate(self, token: str) -> Identity:
        mode, _, rest = token.partition("-")
        if mode not in ("test", "live"):
            raise InvalidToken
        role = Role.VIEWER if rest == "viewer" else Role.ADMIN
        team = rest if rest.startswith("team_") else TEAM
        return Identity("key_1", team, mode == "live", USER, "ba_1", frozenset({"*"}), role)

    async def effective_team(
        self, identity: Identity, access: Access, *, team: str | None, path_team: str | None
    ) -> TeamScope:
        return TeamScope(identity.team_id, identity.livemode)


@dataclass
class Api:
    """Calls the routes as ``token`` and reads what they left in the database."""

    http: httpx.AsyncClient
    db: Database
    clock: FrozenClock

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str = "test", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        content = json.dumps(body) if body is not None else None
        return await self.http.request(
            method, f"/v2{path}", content=content, headers={"authorization": token, **(headers or {})}
        )

    def events(self) -> list[tuple[str, str]]:
        """(type, object id) of everything that happened, oldest first."""
        rows = self.db.read_sync(
            lambda tx: tx.execute(text("select type, object_id from events order by position")).all()
        )
        return [tuple(row) for row in rows]

    def actions(self) -> list[str]:
        """Actions of the audit log, oldest first."""
        rows = self.db.read_sync(lambda tx: tx.execute(text("select action from audit_log order by at_ms, seq")).all())
        return [row[0] for row in rows]


def open_api(db: Database, make: Callable[[FrozenClock], list[Router]]) -> Api:
    """An application that answers the given routers."""
    clock = FrozenClock(START_MS)
    kit = Kit(FakeKeys(), Idempotency(db, clock), RateLimits(clock, "off"), Cursors(b"k" * 32))
    app = FastAPI(openapi_url=None)
    assemble(app, kit, make(clock))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return Api(httpx.AsyncClient(transport=transport, base_url="http://test"), db, clock)
