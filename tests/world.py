"""A whole server in this process, at noon of Friday 9 October 2026: one team that can issue, its keys, a moved clock.

Calls are plain methods, so that a test reads as what a customer does. The database holds the team of ``timbra demo``,
with sandbox certificates in both modes, and a second team without any certificate.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from lxml import etree
from sqlalchemy import text

from timbra.app import create_app
from timbra.catalogs.load import SatData
from timbra.cfdi.verify import Verdict, verify
from timbra.cli import demo
from timbra.credentials import csd, upload
from timbra.credentials.trust import Trust
from timbra.http.routing import Operation
from timbra.invoices import sweep
from timbra.invoices.parts import InvoiceParts
from timbra.pac.sandbox.keys import Sandbox
from timbra.platform import faults, json
from timbra.platform.clock import FrozenClock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.scope import Actor, TeamScope
from timbra.teams import found, keys, store
from timbra.teams.found import NewTeam
from timbra.wiring import Wiring

NOON_MS = 1_791_568_800_000  # 2026-10-09 12:00 in Mexico City
NOON = "2026-10-09T12:00:00"
FOUNDED_MS = NOON_MS - 30 * 86_400_000
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
IVA = {"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}
CFDI = "{http://www.sat.gob.mx/cfd/4}"
RIVAL = NewTeam("Xenon", "XENON INDUSTRIAL ARTICLES", "XIA190128J61", "601", "76343")
STATE = (
    "invoices", "invoice_files", "invoice_relations", "invoice_credits", "invoice_payments", "invoice_counts", "invoice_cancellations",
    "stamp_attempts", "series", "released_folios", "events", "audit_log", "idempotency_records", "clients", "services",
    "sandbox_stamps",
)  # fmt: skip


@dataclass(frozen=True)
class Founded:
    """What every world starts from: a filled database, its master key, the keys of its teams."""

    template: str
    keys_dir: Path
    test_key: str
    live_key: str
    rival_key: str
    team_id: str
    rival_id: str
    sandbox: Sandbox  # the authority's keys and the certificates trusted, read once: both take time
    trust: Trust


def settle(url: str, folder: Path, sat: SatData) -> Founded:
    """The teams live in the database at ``url`` from now on."""
    house = _house(Database(url), folder, folder / "keys", sat, FrozenClock(FOUNDED_MS))
    made = demo.ensure(house)
    live = TeamScope(made.team.id, livemode=True)
    issued = house.sandbox.issue(rfc="EKU9003173C9", name="ESCUELA KEMPER URGATE", at_ms=FOUNDED_MS)
    checked = upload.check(
        issued.certificate, issued.encrypted_key("k"), "k", trust=house.trust, livemode=False, allow_test_in_live=False,
        team_rfc="EKU9003173C9", now_ms=FOUNDED_MS,
    )  # fmt: skip
    actor = Actor(user_id=made.team.owner, role="owner", home_team=made.team.id)
    house.database.write_sync(
        lambda tx: csd.store_csd(tx, live, checked, opener=house.csd_opener, actor=actor, at_ms=FOUNDED_MS)
    )
    rival = house.database.write_sync(
        lambda tx: found.found(tx, RIVAL, user_name="Xavier", email="x@xenon.example", at_ms=FOUNDED_MS)
    )
    _, rival_key = house.database.write_sync(
        lambda tx: keys.create(
            tx, house.token_keys, rival, livemode=False, name="rival", user_id=rival.owner, at_ms=FOUNDED_MS
        )
    )
    house.close()
    return Founded(
        "", folder / "keys", made.test_key, made.live_key, rival_key, made.team.id, rival.id, house.sandbox, house.trust
    )


def _house(database: Database, folder: Path, keys_dir: Path, sat: SatData, clock: FrozenClock) -> Wiring:
    settings = Settings(
        data_dir=folder, master_key_dir=keys_dir, rate_limits="off", public_url="https://cfdi.example.com"
    )
    house = Wiring(settings, clock=clock, database=database)
    house.__dict__["sat"] = sat
    return house


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    raw: httpx.Response

    @property
    def status(self) -> int:
        return self.raw.status_code

    @property
    def json(self) -> Any:
        """The body, amounts as exact decimals."""
        return json.loads(self.raw.content)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def message(self) -> str:
        return str(self.json["message"])

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.json["error"])

    @property
    def error_code(self) -> str:
        return str(self.error["code"])

    @property
    def details(self) -> list[str]:
        return list(self.error["details"])

    @property
    def paths(self) -> list[tuple[str, str]]:
        """(path, code) of every field that is wrong."""
        return [(field["path"], field["code"]) for field in self.error["fields"]]

    def header(self, name: str) -> str | None:
        value = self.raw.headers.get(name)
        return None if value is None else str(value)


class Api:
    """The API as the holder of one key calls it."""

    def __init__(self, world: "World", key: str) -> None:
        self._world = world
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return self._world.run(self.later(method, path, body, **headers))

    async def later(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **named}
        url = path if path.startswith(("http", "/v2")) else f"/v2{path}"
        return Reply(await self._world.http.request(method, url, content=content, headers=given))

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("DELETE", path, body, **headers)


class Died(BaseException):
    """The process is gone: nothing that would run afterwards does."""


class World:
    """One server over one database. ``api``: the team's test key; ``live``: its live key; ``rival``: another team."""

    def __init__(self, url: str, folder: Path, founded: Founded, sat: SatData) -> None:
        self.url, self.folder, self.founded, self.sat = url, folder, founded, sat
        self.clock = FrozenClock(NOON_MS)
        self.loop = asyncio.new_event_loop()
        self._dead: list[Wiring] = []
        self._start()
        self.api, self.live = Api(self, founded.test_key), Api(self, founded.live_key)
        self.rival = Api(self, founded.rival_key)
        self.team_id = founded.team_id
        self.scope = TeamScope(founded.team_id, livemode=False)

    # --- process ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.database = Database(self.url)
        self.house = _house(self.database, self.folder, self.founded.keys_dir, self.sat, self.clock)
        self.house.__dict__ |= {"sandbox": self.founded.sandbox, "trust": self.founded.trust}
        self.house.__dict__["invoices"] = replace(
            self.house.invoices, stamp_budget_s=20.0, pauses_s=(0.001, 60.0), watch_pauses_s=(0.001,)
        )
        self.house.webhooks.egress._resolve = _no_name  # tests ask no name server
        self.house.webhooks.egress._resolve = _no_name  # tests ask no name server
        self.house.warm_up()
        self.app = create_app(wiring=self.house, with_worker=False)
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="https://cfdi.example.com")

    def operations(self) -> list[tuple[str, Operation]]:
        """(path, operation) of everything the server can do."""
        return self.app.state.operations  # type: ignore[no-any-return]

    @property
    def parts(self) -> InvoiceParts:
        return self.house.invoices

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def together(self, calls: list[Any]) -> list[Any]:
        """The answers of calls made at the same time."""

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*calls)

        return list(self.run(all_of_them()))

    def die_at(self, point: str, call: Callable[[], Reply]) -> None:
        """The process dies when ``call`` reaches the fault point; nothing of it is written any more."""
        house = self.house

        def hook(name: str) -> None:
            if name == point:
                house.database.write = _gone  # type: ignore[method-assign, assignment]
                raise Died(name)

        faults.install(hook)
        try:
            call()
        except Died:
            return
        finally:
            faults.install(None)
        raise AssertionError(f"{point} was never reached")

    def restart(self) -> None:
        """A new process over the same database."""
        self.run(self.http.aclose())
        self._dead.append(self.house)
        self._start()

    def close(self) -> None:
        faults.install(None)
        self.run(self.http.aclose())
        for house in [*self._dead, self.house]:
            house.close()
        self.loop.close()

    def sweep(self, after_s: int = 0) -> None:
        """The background work, ``after_s`` seconds later."""
        self.clock.advance(after_s * SECOND_MS)
        self.run(sweep.stamp_due(self.parts))
        self.run(sweep.follow_cancellations(self.parts))

    # --- what is stored --------------------------------------------------------------------------------------------

    def query(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.database.read_sync(lambda tx: tx.execute(text(sql), params).all())]

    def rows(self, table: str) -> int:
        return int(self.query(f"select count(*) from {table}")[0][0])

    def events(self, *, of: str = "invoice.") -> list[tuple[str, str]]:
        """(type, object id) of everything that happened, oldest first."""
        found_ = self.query("select type, object_id from events order by position")
        return [(type_, object_id) for type_, object_id in found_ if type_.startswith(of)]

    def event_bodies(self, type_: str) -> list[Any]:
        found_ = self.query("select object from events where type = :type order by position", type=type_)
        return [json.loads(row[0].encode()) for row in found_]

    def actions(self) -> list[str]:
        return [
            row[0] for row in self.query("select action from audit_log order by team_id, seq") if row[0][:4] == "invo"
        ]

    def folios(self, series: str = "A") -> tuple[int, list[int]]:
        """(test counter of the series, folios in use, lowest first)."""
        counter = self.query("select test from series where team_id = :t and series = :s", t=self.team_id, s=series)
        used = self.query(
            "select folio from invoices where team_id = :t and series = :s and livemode = :l and folio > 0 order by 1",
            t=self.team_id, s=series, l=False,
        )  # fmt: skip
        return (counter[0][0] if counter else 0), [row[0] for row in used]

    def released(self, series: str = "A") -> list[int]:
        """Folios that the next documents will take."""
        sql = "select folio from released_folios where team_id = :t and series = :s order by folio"
        return [row[0] for row in self.query(sql, t=self.team_id, s=series)]

    def attempts(self) -> list[tuple[str, str, str]]:
        """(PAC, call, outcome) of everything the PACs were asked."""
        return self.query("select pac, call, outcome from stamp_attempts order by at_ms, invoice_id, number")  # type: ignore[return-value]

    def state(self) -> dict[str, Any]:
        counts: dict[str, Any] = {table: self.rows(table) for table in STATE}
        return counts | {"counters": self.query("select team_id, series, live, test from series order by 1, 2")}

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing was stored meanwhile: no document, folio, event, audit row or key."""
        before = self.state()
        yield
        assert self.state() == before

    # --- deeds -----------------------------------------------------------------------------------------------------

    def client(self, api: Api | None = None, **fields: Any) -> str:
        """The id of a new client: the university unless told otherwise."""
        body = {**UNIVERSITY, "email": None, **fields}
        reply = (api or self.api).post("/clients", body)
        assert reply.status == 201, reply.json
        return str(reply.data["id"])

    def university(self) -> str:
        """The id of the demo team's first client."""
        sql = "select id from clients where team_id = :t and tax_id = 'URE180429TM6' order by id"
        return str(self.query(sql, t=self.team_id)[0][0])

    def sale(self, *prices: float, **fields: Any) -> dict[str, Any]:
        """The body of an income invoice to the university, a line per price, IVA on top."""
        items = [{"description": "Consultoría", "unit_price": price, "taxes": [IVA]} for price in prices or (100,)]
        return {"client": {"id": self.university()}, "items": items, **fields}

    def issue(self, *prices: float, **fields: Any) -> dict[str, Any]:
        """A stamped income invoice."""
        reply = self.api.post("/invoices/income", self.sale(*prices, **fields))
        assert reply.status == 201, reply.json
        return dict(reply.data)

    def credit(self, invoices: list[str], *prices: float, relationship: str = "01", **fields: Any) -> Reply:
        """An egress over ``invoices`` (uuids), a line per price, IVA on top."""
        related = [{"relationship": relationship, "documents": invoices}]
        return self.api.post("/invoices/egress", self.sale(*prices, related_documents=related, **fields))

    def pay(self, *entries: tuple[str, float] | str, **fields: Any) -> Reply:
        """A complement over invoices (uuid, or uuid and amount), by transfer."""
        invoices = [{"invoice": e} if isinstance(e, str) else {"invoice": e[0], "amount": e[1]} for e in entries]
        return self.api.post("/invoices/payment", {"payment_form": "03", "invoices": invoices, **fields})

    def show(self, uuid: str) -> dict[str, Any]:
        """The document as it stands."""
        for kind in ("income", "egress", "payment"):
            reply = self.api.get(f"/invoices/{kind}/{uuid}")
            if reply.status == 200:
                return dict(reply.data)
        raise AssertionError(f"no document {uuid}")

    def xml(self, uuid: str) -> bytes:
        reply = self.api.get(f"/invoices/{uuid}/xml")
        assert reply.status == 200, reply.json
        return bytes(reply.raw.content)

    def root(self, uuid: str) -> etree._Element:
        return etree.fromstring(self.xml(uuid))

    def verdict(self, xml: bytes) -> Verdict:
        return verify(xml, self.sat, pac_certificates=self.parts.test.certificates)

    def settings(self, **values: Any) -> None:
        """The team's settings are these from now on."""
        stored = json.dumps(values)
        self.database.write_sync(lambda tx: store.set_settings(tx, self.team_id, stored, NOON_MS))


UNIVERSITY = {
    "legal_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA", "tax_id": "URE180429TM6", "tax_system": "601",
    "address": {"zip": "86991"},
}  # fmt: skip
PUBLIC = {
    "legal_name": "PUBLICO EN GENERAL",
    "tax_id": "XAXX010101000",
    "tax_system": "616",
    "address": {"zip": "42501"},
}


async def _no_name(_host: str, _port: int) -> list[str]:
    raise OSError


async def _no_name(_host: str, _port: int) -> list[str]:
    raise OSError


async def _gone(*_: Any) -> Any:
    raise Died
