"""The machine's clock, compared with the dates of answers."""

import asyncio
from typing import Any

import pytest

from timbra.pac.breaker import Gate
from timbra.pac.port import Hints
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.pac.skew import ClockSkew
from timbra.platform.clock import FrozenClock
from timbra.platform.egress import Answer

NOON_MS = 1_791_504_000_000  # Fri, 09 Oct 2026 00:00:00 GMT


@pytest.mark.parametrize(
    ("date", "seconds", "is_too_large"),
    [
        ("Fri, 09 Oct 2026 00:00:00 GMT", 0, False),
        ("Thu, 08 Oct 2026 23:58:01 GMT", 119, False),
        ("Thu, 08 Oct 2026 23:58:00 GMT", 120, True),
        ("Fri, 09 Oct 2026 00:02:00 GMT", -120, True),
        ("yesterday", 0, False),
        ("", 0, False),
    ],
)
def test_the_difference(date: str, seconds: int, is_too_large: bool) -> None:
    skew = ClockSkew(FrozenClock(NOON_MS))

    skew.hear(date)

    assert (skew.seconds, skew.is_too_large) == (seconds, is_too_large)


def test_a_pac_is_listened_to() -> None:
    class Late:
        async def request(self, *_: Any, **__: Any) -> Answer:
            return Answer(503, {"date": "Thu, 08 Oct 2026 23:00:00 GMT"}, b"<html>")

    skew = ClockSkew(FrozenClock(NOON_MS))
    adapter = PROVIDERS["sw"].adapter({"token": "endless"}, "https://pac.example")

    asyncio.run(RemotePac(adapter, Late(), Gate(), hear_date=skew.hear).stamp(b"<a/>", "inv_1", hints=Hints()))

    assert skew.seconds == 3600
