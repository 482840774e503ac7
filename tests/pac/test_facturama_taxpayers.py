"""Facturama's taxpayer service, as docs/pacs/facturama.md describes it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from timbra.pac.facturama.taxpayers import LIMITS, FacturamaTaxpayers
from timbra.pac.taxpayers import Claim, Compared, Comparison, NoSuchRfc, OutOfReach, Refused
from timbra.platform import json
from timbra.platform.addresses import Allowed
from timbra.platform.egress import Answer, Egress, Limits, NotSent, Reason, Unknown

CLAIM = Claim("EKU9003173C9", "ESCUELA KEMPER URGATE", "42501", "601")
ALL = {"Rfc": "EKU9003173C9", "ExistRfc": True, "MatchName": True, "MatchZipCode": True, "MatchFiscalRegime": True}


class Wire:
    """Answers, or fails, as the test says; keeps what was sent."""

    def __init__(self, outcome: Answer | Exception) -> None:
        self.outcome = outcome
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    async def request(self, method: str, url: str, **call: Any) -> Answer:
        self.calls.append((method, url, call))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def answer(status: int, body: Any) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body))


def service(outcome: Answer | Exception) -> tuple[FacturamaTaxpayers, Wire]:
    wire = Wire(outcome)
    return FacturamaTaxpayers.from_url("facturama://ana%40b.mx:p%3Aw@api.facturama.mx", wire), wire  # type: ignore[arg-type]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_the_question_is_asked_as_it_is_documented() -> None:
    taxpayers, wire = service(answer(200, ALL))

    assert await taxpayers.compare(CLAIM) == Compared(name=True, zip=True, regime=True)

    ((method, url, call),) = wire.calls
    assert (method, url) == ("POST", "https://api.facturama.mx/customers/validate")
    assert call["headers"]["Authorization"] == "Basic " + base64.b64encode(b"ana@b.mx:p:w").decode()
    assert json.loads(call["body"]) == {
        "Rfc": "EKU9003173C9",
        "Name": "ESCUELA KEMPER URGATE",
        "ZipCode": "42501",
        "FiscalRegime": "601",
    }
    assert call["limits"] == LIMITS
    assert LIMITS.total_s == 10


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (answer(200, ALL | {"MatchZipCode": False}), Compared(name=True, zip=False, regime=True)),
        (answer(200, {"ExistRfc": False}), NoSuchRfc()),
        (answer(200, {}), Refused("the answer lacks its flags")),
        (answer(200, ALL | {"MatchName": "yes"}), Refused("the answer lacks its flags")),
        (answer(200, []), Refused("the answer is no object")),
        (answer(200, b"<html>"), Refused("the answer is not JSON")),
        (answer(302, b""), Refused("HTTP 302")),
        (answer(400, {"Message": "?"}), Refused("HTTP 400")),
        (answer(401, b""), Refused("HTTP 401: the account is not served")),
        (answer(403, b""), Refused("HTTP 403: the account is not served")),
        (answer(429, b""), OutOfReach("HTTP 429")),
        (answer(503, b""), OutOfReach("HTTP 503")),
        (NotSent(Reason.DNS, "x"), OutOfReach("dns")),
        (Unknown(Reason.TIMEOUT, "x"), OutOfReach("timeout")),
    ],
)
async def test_every_answer_is_an_outcome(outcome: Answer | Exception, expected: Comparison) -> None:
    taxpayers, _ = service(outcome)

    assert await taxpayers.compare(CLAIM) == expected


@pytest.mark.parametrize("url", ["https://a:b@c", "facturama://api.facturama.mx", "facturama://a@c", "embedded"])
def test_an_account_needs_a_user_and_a_password(url: str) -> None:
    with pytest.raises(ValueError, match="facturama://user:password@"):
        FacturamaTaxpayers.from_url(url, None)  # type: ignore[arg-type]


@asynccontextmanager
async def served(reply: bytes | None) -> AsyncIterator[FacturamaTaxpayers]:
    """The service over real sockets, before a server that answers ``reply`` or, with None, never."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST /customers/validate HTTP/1.1")
        if reply is None:
            await done.wait()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    egress = Egress(Allowed.of("127.0.0.1"))
    yield FacturamaTaxpayers(egress, f"http://127.0.0.1:{port}", "user", "password")
    await egress.aclose()
    done.set()
    server.close()
    await server.wait_closed()


@pytest.mark.anyio
async def test_a_server_that_answers_is_understood() -> None:
    async with served(json.dumps(ALL)) as taxpayers:
        assert await taxpayers.compare(CLAIM) == Compared(name=True, zip=True, regime=True)


@pytest.mark.anyio
async def test_a_server_that_is_silent_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.pac.facturama.taxpayers.LIMITS", Limits(total_s=0.2))

    async with served(None) as taxpayers:
        assert await taxpayers.compare(CLAIM) == OutOfReach("timeout")


@pytest.mark.anyio
async def test_an_endless_answer_is_out_of_reach() -> None:
    async with served(b" " * (LIMITS.answer_bytes + 1)) as taxpayers:
        assert await taxpayers.compare(CLAIM) == OutOfReach("too_large")
