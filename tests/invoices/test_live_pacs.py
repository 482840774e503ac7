"""Live documents at a team's own PACs: real adapters over a line that the test plays."""

import asyncio
import base64
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import text

from timbra.cfdi import timbre
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.credentials import pacs
from timbra.credentials.signer import RsaSigner
from timbra.invoices import store_stamping
from timbra.pac.breaker import Breaker, Gate
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.pac.sandbox.stamping import timbre_of
from timbra.platform import json
from timbra.platform.egress import Answer, NotSent, Reason, Unknown
from timbra.platform.scope import Actor, TeamScope
from world import World

SECRET = "se<cret&1"
CREDENTIALS = {"finkok": {"username": "ana@example.com", "password": SECRET}, "sw": {"token": SECRET}}
SOAP = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><r xmlns="apps.services.soap.core.views">'
    "<xml>{}</xml><Incidencias>{}</Incidencias></r></e:Body></e:Envelope>"
)


class Line:
    """Both providers. ``trouble``: by provider, what the next calls meet; ``asked``: every call in order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trouble: dict[str, list[Any]] = {"finkok": [], "sw": []}
        self.asked: list[str] = []
        self.known: dict[bytes, bytes] = {}
        self.uuids = 0

    async def request(self, method: str, url: str, *, body: bytes = b"", **_: Any) -> Answer:
        name = "finkok" if "finkok" in url else "sw"
        call = "stamped" if b"stamped>" in body else "stamp"
        self.asked.append(f"{name} {call}")
        trouble = self.trouble[name].pop(0) if self.trouble[name] else None
        if trouble == "hangs":
            await asyncio.sleep(60)
        if trouble == "down":
            raise NotSent(Reason.NETWORK, "refused")
        sealed = base64.b64decode(re.search(rb"<s:xml>(.*?)</s:xml>", body)[1]) if name == "finkok" else _form(body)  # type: ignore[index]
        if trouble == "lost before":
            raise Unknown(Reason.TIMEOUT, "silence")
        if call == "stamped" and sealed not in self.known:
            return self._soap("", "603", "El CFDI no contiene un timbre previo")
        if trouble == "refused":
            return self._soap("", "CFDI40147", "El campo DomicilioFiscalReceptor")
        stamped = self.known.setdefault(sealed, self._stamped(sealed))
        if trouble == "lost after":
            raise Unknown(Reason.TIMEOUT, "silence")
        stamped = trouble(sealed, stamped) if callable(trouble) else stamped
        if name == "sw":
            return Answer(200, {}, json.dumps({"status": "success", "data": {"cfdi": stamped.decode()}}))
        return self._soap(stamped.decode(), "", "")

    def _soap(self, xml: str, code: str, text: str) -> Answer:
        escaped = xml.replace("&", "&amp;").replace("<", "&lt;")
        incident = (
            f"<Incidencia><CodigoError>{code}</CodigoError><MensajeIncidencia>{text}</MensajeIncidencia></Incidencia>"
        )
        return Answer(200, {}, SOAP.format(escaped, incident if code else "").encode())

    def _stamped(self, sealed: bytes, uuid: str | None = None) -> bytes:
        self.uuids += 1
        sandbox = self.world.house.sandbox
        accepted: Any = SimpleNamespace(sello=etree.fromstring(sealed).get("Sello"))
        at = local_time(self.world.clock.now_ms(), CENTRAL).replace(microsecond=0)
        uuid = uuid or f"6f1c3a52-9d04-4f6e-8b1a-{self.uuids:012d}"
        tfd = timbre_of(accepted, uuid=uuid, at_local=at, pac=sandbox.pac_facts, signer=RsaSigner(sandbox.pac.key))
        return timbre.attach(sealed, tfd)


def _form(body: bytes) -> bytes:
    return body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]


@pytest.fixture
def line(world: World) -> Line:
    played = Line(world)
    gates = {name: Gate(Breaker(lambda: world.clock.now_ms() / 1000)) for name in PROVIDERS}
    build: Any = lambda name, given, _: RemotePac(  # noqa: E731
        PROVIDERS[name].adapter(given, f"https://{name}.example"), played, gates[name]
    )
    world.house.pacs._build = build
    world.house.pac_certificates._known[world.house.sandbox.pac_facts.number] = world.house.sandbox.pac.certificate
    return played


def connect(world: World, *providers: str) -> None:
    scope, opener = TeamScope(world.team_id, livemode=True), world.house.pac_opener
    for provider in providers:
        world.database.write_sync(
            lambda tx, provider=provider: pacs.connect(
                tx, scope, provider, CREDENTIALS[provider], opener=opener, actor=Actor(), at_ms=world.clock.now_ms()
            )
        )
    world.house.pacs.forget(scope)


def sell(world: World, **fields: Any) -> Any:
    client = world.client(world.live)
    return world.live.post("/invoices/income", {**world.sale(**fields), "client": {"id": client}})


def attempts(world: World) -> list[tuple[str, str, str]]:
    rows = world.query("select pac, call, outcome from stamp_attempts order by invoice_id, number")
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_a_team_without_an_account_is_told(world: World, line: Line) -> None:
    reply = sell(world)

    assert (reply.status, reply.message) == (400, "No PAC is configured for live mode")
    assert line.asked == []


def test_the_first_account_stamps_and_the_ledger_keeps_what_was_said(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")

    reply = sell(world)

    assert (reply.status, reply.data["stamp"]["provider"], reply.data["livemode"]) == (201, "finkok", True)
    [(dialogue,)] = world.query("select dialogue from stamp_attempts")
    [spoken] = json.loads(dialogue.encode())
    assert (spoken["method"], spoken["url"], spoken["status"]) == (
        "POST",
        "https://finkok.example/servicios/soap/stamp",
        200,
    )
    assert "ana@example.com" in spoken["request"]
    assert "sha256" in spoken["request"]
    assert "sha256" in spoken["answer"]
    everything = str(world.query("select * from stamp_attempts")) + str(world.query("select * from audit_log"))
    assert not [text for text in (SECRET, "se&lt;cret&amp;1") if text in everything]


def test_the_next_account_helps_when_the_first_was_not_reached(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = ["down"]

    reply = sell(world)

    assert (reply.status, reply.data["stamp"]["provider"]) == (201, "sw")
    assert attempts(world) == [("finkok", "stamp", "busy"), ("sw", "stamp", "stamped")]


def test_a_lost_answer_is_cleared_up_with_the_same_pac_only(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = ["lost after", "lost before"]

    reply = sell(world)
    assert (reply.status, reply.data["status"]) == (202, "pending")
    world.sweep(after_s=5)

    assert world.query("select status from invoices") == [("valid",)]
    assert {call.split()[0] for call in line.asked} == {"finkok"}
    assert len(line.known) == 1


def test_an_early_denial_is_not_believed_and_a_late_one_is(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = ["lost before"]
    sell(world)

    world.sweep(after_s=6)
    assert world.query("select held_by from invoices") == [("finkok",)]
    assert line.asked.count("finkok stamp") == 1
    line.trouble["finkok"] = [None, "down"]  # denies again, is away when it is to stamp
    world.sweep(after_s=25)

    assert world.query("select status from invoices") == [("valid",)]
    assert attempts(world)[-2:] == [("finkok", "stamp", "busy"), ("sw", "stamp", "stamped")]


def test_a_refusal_is_final(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = ["refused"]

    reply = sell(world)

    assert (reply.status, reply.error["cfdi"]["code"]) == (422, "CFDI40147")
    assert line.asked == ["finkok stamp"]


def altered(sealed: bytes, stamped: bytes) -> bytes:
    return stamped.replace(b' Total="', b' Total="9', 1)


def truncated(sealed: bytes, stamped: bytes) -> bytes:
    return stamped[:-40]


def twice(sealed: bytes, stamped: bytes) -> bytes:
    tfd = re.search(rb"<tfd:.*?/>", stamped)
    assert tfd is not None
    return stamped.replace(tfd[0], tfd[0] * 2)


@pytest.mark.parametrize("lie", [altered, truncated, twice, lambda *_: b"<html></html>"])
def test_what_is_not_our_stamp_is_refused_and_alarmed(world: World, line: Line, lie: Any) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = [lie, "lost before"]

    reply = sell(world)

    assert (reply.status, reply.data["status"]) == (202, "pending")
    assert world.query("select status, held_by from invoices") == [("pending", "finkok")]
    alarms = world.query("select changes from audit_log where action = 'invoice.alarm'")
    assert len(alarms) == 1
    assert attempts(world)[0] == ("finkok", "stamp", "unknown")
    world.sweep(after_s=30)
    assert world.query("select status from invoices") == [("valid",)]
    assert {call.split()[0] for call in line.asked} == {"finkok"}


def test_another_documents_stamp_and_a_used_uuid_are_refused(world: World, line: Line) -> None:
    connect(world, "finkok")
    first = sell(world).data
    of_first = next(iter(line.known.values()))
    for lie in (lambda *_: of_first, lambda sealed, _: line._stamped(sealed, first["uuid"])):
        line.trouble["finkok"] = [lie, "lost before"]

        reply = sell(world)

        assert reply.status == 202
        assert world.query("select count(*) from audit_log where action = 'invoice.alarm'")[0][0] >= 1
        world.sweep(after_s=30)
    assert world.query("select count(*), count(distinct uuid) from invoices where status = 'valid'") == [(3, 3)]


def test_an_account_that_is_gone_leaves_its_documents_to_a_person(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    line.trouble["finkok"] = ["lost before", "lost before"]
    sell(world)
    world.database.write_sync(lambda tx: pacs.store_pacs.remove(tx, TeamScope(world.team_id, livemode=True), "finkok"))

    world.sweep(after_s=30)
    world.sweep(after_s=30)

    assert world.query("select status, held_by from invoices") == [("pending", "finkok")]
    [(changes,)] = world.query("select changes from audit_log where action = 'invoice.alarm'")
    assert "no account there any more" in changes


def test_a_backlog_is_stamped_as_soon_as_a_pac_works(world: World, line: Line) -> None:
    connect(world, "sw")
    line.trouble["sw"] = ["down"] * 5
    assert [sell(world).status for _ in range(4)] == [503] * 4
    world.sweep(after_s=5)  # the first one in vain once more, which opens the breaker: the others are not even sent
    assert (line.trouble["sw"], len(line.asked)) == ([], 5)
    later = "update invoices set next_try_ms = next_try_ms + 600000 where folio > 1"
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql(later))

    world.sweep(after_s=31)  # only the first one is due, and is the probe

    assert world.query("select status, folio from invoices order by folio") == [
        ("valid", folio) for folio in range(1, 5)
    ]
    assert line.asked == ["sw stamp"] * 9


def test_a_pac_that_hangs_does_not_hold_the_caller(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    object.__setattr__(world.parts, "stamp_budget_s", 0.4)
    line.trouble["finkok"] = ["hangs"]
    began = time.monotonic()

    reply = sell(world)

    assert (reply.status, reply.data["status"]) == (202, "pending")
    assert time.monotonic() - began < 5
    assert world.query("select held_by from invoices") == [("finkok",)]
    assert line.asked == ["finkok stamp"]  # it may have been stamped: nobody else is asked
    line.trouble["finkok"] = [None]
    world.sweep(after_s=30)
    assert world.query("select status from invoices") == [("valid",)]


def test_no_time_is_left_for_a_second_pac(world: World, line: Line) -> None:
    connect(world, "finkok", "sw")
    object.__setattr__(world.parts, "stamp_budget_s", 0.9)
    line.trouble["finkok"] = ["down"]

    reply = sell(world)

    assert reply.status == 503
    assert world.query("select held_by from invoices") == [(None,)]
    assert line.asked == ["finkok stamp"]
    world.sweep(after_s=5)
    assert world.query("select status from invoices") == [("valid",)]


def test_the_document_near_the_end_of_its_72_hours_comes_first(world: World, line: Line) -> None:
    connect(world, "sw")
    line.trouble["sw"] = ["down"] * 3
    replies = [sell(world).error["invoice"]["id"] for _ in range(3)]
    soon = "update invoices set next_try_ms = 0, stamp_before_ms = :t where id = :i"
    world.database.write_sync(
        lambda tx: tx.connection.execute(text(soon), {"t": world.clock.now_ms() + 3_600_000, "i": replies[2]})
    )
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql("update invoices set next_try_ms = 0"))

    due = world.database.read_sync(lambda tx: store_stamping.due(tx, world.clock.now_ms(), 10))

    assert [invoice_id for _, invoice_id in due] == [replies[2], replies[0], replies[1]]
