"""A small application over the HTTP room: a fake authenticator, a list of notes, and documents made in two steps."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)
from sqlalchemy import (
    Text as TextColumn,
)

from timbra.http.body import Command
from timbra.http.caller import Access, Caller, Identity, Role
from timbra.http.dispatch import assemble
from timbra.http.docs import install_docs
from timbra.http.envelope import Answer, Hits, JSONReply
from timbra.http.errors import BusinessRule, CfdiRefused, InsufficientPermissions, InvalidToken, NotFound
from timbra.http.fields import Amount, Choice, Instant, Metadata, Text
from timbra.http.health import auth_health_routes, health_routes
from timbra.http.idempotency import Claim, Idempotency
from timbra.http.multipart import Upload
from timbra.http.openapi import document
from timbra.http.pagination import Cursors
from timbra.http.query import ListQuery
from timbra.http.ratelimit import RateLimits
from timbra.http.routing import Call, Kit, Router
from timbra.platform.clock import FrozenClock
from timbra.platform.db import Database, Tx
from timbra.platform.keyset import Slice, fetch
from timbra.platform.scope import TeamScope

START_MS = 1_791_504_000_000
OWN, OTHER, FOREIGN = "team_OWN", "team_OTHER", "team_FOREIGN"
_tables = MetaData()
notes = Table(
    "example_notes",
    _tables,
    Column("id", String(40), primary_key=True),
    Column("team_id", String(40)),
    Column("livemode", Boolean),
    Column("name", String(60)),
    Column("status", String(20)),
    Column("metadata", TextColumn),
    Column("created_at", BigInteger),
)


class Tax(Command):
    rate: Annotated[Decimal, Amount(min=0, max=1)]


class Line(Command):
    description: Annotated[str, Text(max=20, multiline=True)]
    taxes: list[Tax] = Field(default_factory=list)


class CreateNote(Command):
    name: Annotated[str, Text(max=60)]
    amount: Annotated[Decimal | None, Amount()] = None
    factor: Annotated[str, Choice("Tasa", "Cuota")] = "Tasa"
    at: Annotated[int | None, Instant()] = None
    items: list[Line] = Field(default_factory=list)
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None
    idempotency_key: Annotated[str | None, Text(max=255)] = None


class ChangeNote(Command):
    name: Annotated[str | None, Text(max=60)] = None
    amount: Annotated[Decimal | None, Amount()] = None


class FakeAuthenticator:
    """Tokens are names of identities."""

    def __init__(self) -> None:
        self.crossings: list[str] = []
        self.identities = {
            "good": Identity("sk_test_1", OWN, False, "user_1", "ba_1"),
            "live": Identity("sk_live_1", OWN, True, "user_1", "ba_1"),
            "reader": Identity("sk_test_2", OWN, False, "user_1", "ba_1", frozenset({"read"})),
            "noter": Identity("sk_test_3", OWN, False, "user_1", "ba_1", frozenset({"notes:write"})),
            "viewer": Identity("sk_test_4", OWN, False, "user_1", "ba_1", frozenset({"*"}), Role.VIEWER),
        }

    async def authenticate(self, token: str) -> Identity:
        if token not in self.identities:
            raise InvalidToken
        return self.identities[token]

    async def effective_team(
        self, identity: Identity, access: Access, *, team: str | None, path_team: str | None
    ) -> TeamScope:
        wanted = path_team or team or identity.team_id
        if wanted == FOREIGN:
            raise NotFound.at("team")
        if wanted == OTHER and "*" not in identity.scopes:
            raise InsufficientPermissions
        return TeamScope(wanted, identity.livemode)

    async def note_crossing(self, caller: Caller) -> None:
        self.crossings.append(caller.scope.team_id)


@dataclass
class World:
    """The running example."""

    app: FastAPI
    api: httpx.AsyncClient
    db: Database
    clock: FrozenClock
    made: list[str] = field(default_factory=list)
    fail_with: Exception | None = None
    checks: dict[str, str] = field(default_factory=lambda: {"database": "ok", "pac": "ok", "mail": "off"})

    def add_note(self, **values: Any) -> None:
        row = {
            "team_id": OWN,
            "livemode": False,
            "name": "n",
            "status": "open",
            "metadata": "{}",
            "created_at": START_MS,
        }
        self.db.write_sync(lambda tx: tx.execute(insert(notes), row | values))


def note_json(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "status": row.status}


def note_routes(world: World) -> Router:  # noqa: C901 (one small handler per kind of route)
    router = Router(tag="Notes", area="notes")
    status = Choice("open", "canceled", also={"cancelled": "canceled"})

    @router.get("/notes", "Notes retrieved successfully", filters={"status": status})
    async def list_notes(caller: Caller, listing: ListQuery) -> Slice[Any]:
        def page(tx: Tx) -> Slice[Any]:
            own = select(notes).where(
                notes.c.team_id == caller.scope.team_id, notes.c.livemode == caller.scope.livemode
            )
            if "status" in listing.filters:
                own = own.where(notes.c.status == listing.filters["status"])
            orders = {"timestamp": notes.c.created_at, "name": notes.c.name}
            found = fetch(tx, own, listing.window, orders=orders, identity=notes.c.id, metadata=notes.c.metadata)
            return found.map(note_json)

        return await world.db.read(page)

    @router.post("/notes", "Note created successfully", success=201, body_key=True)
    async def create_note(caller: Caller, body: CreateNote, claim: Claim) -> JSONReply:
        """Creates a note."""

        def make(tx: Tx) -> dict[str, Any]:
            if body.name == "forbidden":
                raise BusinessRule("notes may not be forbidden")
            number = tx.execute(select(func.count()).select_from(notes)).scalar_one() + 1
            row = {"id": f"note_{number}", "team_id": caller.scope.team_id, "livemode": caller.scope.livemode}
            tx.execute(insert(notes), row | {"name": body.name, "status": "open", "created_at": START_MS + number})
            return {"id": f"note_{number}", "name": body.name, "secret": f"token-{number}", "amount": body.amount}

        return await claim.once(world.db, make, secret_paths=("data.secret",))

    @router.get("/notes/search", "Notes found")
    async def search_notes(caller: Caller) -> Hits:
        return Hits([{"id": "note_1"}], found=3, page=1, per_page=1)

    @router.get("/notes/{id}", "Note retrieved successfully")
    async def get_note(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        return {"id": id, "team": caller.scope.team_id, "livemode": caller.scope.livemode}

    @router.put("/notes/{id}", "Note updated successfully")
    async def change_note(caller: Caller, id: str, body: ChangeNote) -> dict[str, Any]:  # noqa: A002
        return {name: getattr(body, name) for name in sorted(body.model_fields_set)}

    @router.delete("/notes/{id}", "Note deleted successfully", role=Role.ADMIN)
    async def delete_note(call: Call, id: str) -> Answer:  # noqa: A002
        return Answer({"id": id, "reason": call.data.get("reason")}, message="Gone")

    @router.post("/notes/upload", "Uploaded")
    async def upload(caller: Caller, upload: Upload) -> dict[str, Any]:
        return upload.described()

    @router.post("/documents", "Document created successfully", success=201, bucket="stamp")
    async def issue(caller: Caller, body: CreateNote, claim: Claim) -> Any:
        if claim.resource_id is not None:
            return Answer({"id": claim.resource_id, "status": "resumed"})
        name = f"doc_{len(world.made) + 1}"

        def first(tx: Tx) -> None:
            claim.take(tx)
            claim.bind(tx, name)

        await world.db.write(first)
        world.made.append(name)
        if isinstance(world.fail_with, CfdiRefused):
            await world.db.write(claim.release)
        if world.fail_with is not None:
            raise world.fail_with
        reply = JSONReply({"success": True, "message": "done", "data": {"id": name}}, 201)
        await world.db.write(lambda tx: claim.finish(tx, 201, bytes(reply.body)))
        return reply

    @router.get("/open", "ok", area=None)
    async def open_to_all(caller: Caller) -> dict[str, Any]:
        if world.fail_with is not None:
            raise world.fail_with
        return {}

    @router.get("/teams/{id}/things", "ok", team_in_path="id")
    async def things(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        return {"team": caller.scope.team_id, "home": caller.home_team}

    return router


class PlainBox:
    """A secret box that only turns the text round."""

    def seal(self, plain: bytes, context: str) -> str:
        return context + plain.decode()[::-1]

    def open(self, sealed: str, context: str) -> bytes:
        assert sealed.startswith(context)
        return sealed.removeprefix(context)[::-1].encode()


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def db(database: Database) -> Database:
    database.write_sync(lambda tx: _tables.create_all(tx.connection))
    return database


@pytest.fixture
def rate_limits() -> str:
    return "off"


@pytest.fixture
def origins() -> list[str]:
    return []


@pytest.fixture
async def world(db: Database, rate_limits: str, origins: list[str], anyio_backend: str) -> AsyncIterator[World]:
    clock = FrozenClock(START_MS)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    api = httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "Bearer good"})
    world = World(app, api, db, clock)
    kit = Kit(
        FakeAuthenticator(), Idempotency(db, clock, PlainBox()), RateLimits(clock, rate_limits), Cursors(b"k" * 32)
    )

    async def check(name: str) -> str:
        if world.checks[name] == "crash":
            raise RuntimeError(name)
        return world.checks[name]

    checks = {name: (lambda name=name: check(name)) for name in world.checks}
    health = health_routes("0.1.0", checks)
    install_docs(app, lambda: document(table.operations, title="Example", version="0.1.0", server="http://test"))
    table = assemble(app, kit, [note_routes(world), health, auth_health_routes()], rootless=[health], origins=origins)
    async with api:
        yield world
