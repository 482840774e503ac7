"""What comes back when the line or the provider is broken: never an exception, never a guess."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import pac_replay, stamped
from factories.pac_replay import Exchange
from factories.stamped import REFERENCE
from timbra.invoices.parts import LEASE_MS
from timbra.pac.breaker import Breaker, Gate
from timbra.pac.port import Busy, Hints, NotThere, Rejected, Stamped, Unknown
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.platform.addresses import Allowed
from timbra.platform.egress import Answer, Egress, Limits

CREDENTIALS = {
    "finkok": {"username": "user", "password": "password"},
    "sw": {"token": "endless-token"},
    "prodigia": {"contract": "contract", "username": "user", "password": "password"},
    "facturama": {"username": "user", "password": "password"},
}
HURRIED = Limits(connect_s=0.5, read_s=0.3, total_s=0.4, answer_bytes=100_000)
HTML = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
EVERY = list(PROVIDERS)
SHAPES = {
    "an HTML page with 502": Exchange([""], "", 502, "text/html", HTML),
    "an HTML page with 200": Exchange([""], "", 200, "text/html", HTML),
    "nothing at all": Exchange([""], "", 200, "text/xml", " "),
    "an empty object": Exchange([""], "", 200, "application/json", "{}"),
    "null": Exchange([""], "", 200, "application/json", "null"),
    "half an XML": Exchange([""], "cut", 200, "text/xml", "<a>" + "b" * 500 + "</a>"),
    "a slow drip": Exchange([""], "drip", 200, "text/xml", "<a>" + "b" * 500 + "</a>"),
    "silence": Exchange([""], "hang", 200, "text/xml", " "),
    "a closed line": Exchange([""], "drop", 200, "text/xml", " "),
    "a bomb": Exchange([""], "", 200, "text/xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    "too much": Exchange([""], "", 200, "text/xml", "<a>" + "b" * 200_000 + "</a>"),
}


def ask(name: str, *exchanges: Exchange, call: str = "stamp") -> Any:
    async def run() -> Any:
        egress = Egress(Allowed.of("127.0.0.1"))
        async with pac_replay.Replay(list(exchanges)) as replay:
            adapter = PROVIDERS[name].adapter(CREDENTIALS[name], replay.url)
            pac = RemotePac(adapter, egress, Gate(), HURRIED)
            outcome = await getattr(pac, call)(stamped.sealed(), REFERENCE, hints=Hints())
            await egress.aclose()
        return outcome

    return asyncio.run(run())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", EVERY)
def test_a_broken_answer_leaves_the_outcome_unknown(name: str, shape: str) -> None:
    outcome = ask(name, SHAPES[shape])

    assert isinstance(outcome, Unknown), outcome
    assert len(outcome.said) == 1


@pytest.mark.parametrize("shape", ["an HTML page with 502", "silence", "half an XML"])
@pytest.mark.parametrize("name", EVERY)
def test_a_broken_look_up_denies_nothing(name: str, shape: str) -> None:
    assert isinstance(ask(name, SHAPES[shape], call="find"), Unknown)


@pytest.mark.parametrize("name", EVERY)
def test_a_provider_that_is_not_there_has_not_heard_of_it(name: str) -> None:
    async def run() -> tuple[Any, Any]:
        pac = RemotePac(PROVIDERS[name].adapter(CREDENTIALS[name], "http://127.0.0.1:1"), egress, Gate(), HURRIED)
        xml = stamped.sealed()
        return await pac.stamp(xml, REFERENCE, hints=Hints()), await pac.find(xml, REFERENCE, hints=Hints())

    egress = Egress(Allowed.of("127.0.0.1"))
    sent, found = asyncio.run(run())

    assert isinstance(sent, Busy)
    assert isinstance(found, Unknown)


class Parrot:
    """Answers every call with the same bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self.answer = Answer(status, {}, body)

    async def request(self, method: str, url: str, **_: Any) -> Answer:
        return self.answer


STATUSES = st.sampled_from([200, 201, 400, 401, 404, 429, 500, 503])
PIECES = st.sampled_from(
    [b"<", b">", b"{", b"}", b"[", b"]", b'"', b"data", b"cfdi", b"status", b"success", b":", b"<xml>", b"</xml>", b"null",
     b"307", b"CodigoError", b"<Incidencia>", b"servicioTimbrado", b"&lt;", b"\xff", b"\x00", b"true", b"Id", b","]
)  # fmt: skip


@given(status=STATUSES, body=st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join)))
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("name", EVERY)
def test_garbage_is_never_a_stamp_nor_a_denial(name: str, status: int, body: bytes) -> None:
    pac = RemotePac(PROVIDERS[name].adapter(CREDENTIALS[name], "https://pac.example"), Parrot(status, body), Gate())

    async def run() -> list[Any]:
        xml = stamped.sealed()
        return [await pac.stamp(xml, REFERENCE, hints=Hints()), await pac.find(xml, REFERENCE, hints=Hints()),
                await pac.cancel(stamped.request(), hints=Hints())]  # fmt: skip

    for outcome in asyncio.run(run()):
        assert not isinstance(outcome, Stamped | NotThere) or name == "facturama"
        assert isinstance(outcome, Unknown | Busy | Rejected | NotThere), outcome


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TestBreaker:
    def test_five_failures_in_a_minute_open_it_for_half_a_minute(self) -> None:
        seconds = Seconds()
        breaker = Breaker(seconds)
        for _ in range(4):
            breaker.failed()
            seconds.now += 10
        assert not breaker.is_open

        breaker.failed()

        assert breaker.is_open
        seconds.now += 29.9
        assert breaker.is_open
        seconds.now += 0.2
        assert not breaker.is_open

    def test_old_failures_do_not_count(self) -> None:
        seconds = Seconds()
        breaker = Breaker(seconds)
        for _ in range(9):
            breaker.failed()
            seconds.now += 16

        assert not breaker.is_open

    def test_one_probe_then_closed_or_open_again(self) -> None:
        seconds = Seconds()
        breaker = Breaker(seconds)
        for _ in range(5):
            breaker.failed()
        seconds.now += 31
        breaker.admit()
        assert breaker.is_open  # the probe is under way

        breaker.failed()
        assert breaker.is_open
        seconds.now += 31
        breaker.admit()
        breaker.worked()

        assert not breaker.is_open
        breaker.failed()
        assert not breaker.is_open

    def test_an_open_one_is_busy_without_a_call(self) -> None:
        gate = Gate()
        for _ in range(5):
            gate.breaker.failed()
        pac = RemotePac(PROVIDERS["sw"].adapter(CREDENTIALS["sw"], "https://pac.example"), Parrot(200, b""), gate)

        outcome = asyncio.run(pac.stamp(stamped.sealed(), REFERENCE, hints=Hints()))

        assert isinstance(outcome, Busy)
        assert outcome.said == ()
        assert pac.is_resting

    def test_a_slow_provider_takes_its_own_calls_only(self) -> None:
        class Slow:
            calls = 0

            async def request(self, *_: Any, **__: Any) -> Answer:
                Slow.calls += 1
                await asyncio.sleep(1.3)
                return Answer(200, {}, b"")

        async def run() -> list[Any]:
            pac = RemotePac(PROVIDERS["sw"].adapter(CREDENTIALS["sw"], "https://pac.example"), Slow(), Gate(at_once=3))
            calls = [pac.stamp(stamped.sealed(), REFERENCE, hints=Hints()) for _ in range(5)]
            return list(await asyncio.gather(*calls))

        outcomes = asyncio.run(run())

        assert sorted(type(one).__name__ for one in outcomes) == ["Busy", "Busy", "Unknown", "Unknown", "Unknown"]
        assert Slow.calls == 3


def test_no_provider_needs_longer_than_a_lease_to_see_what_it_was_sent() -> None:
    for provider in PROVIDERS.values():
        assert provider.abilities.visible_after_s * 1000 <= LEASE_MS
