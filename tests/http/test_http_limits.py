"""Rate limits, the time limit and signed file URLs."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from limits.aio.storage import MemoryStorage as SharedMemory
from limits.errors import StorageError

from timbra.http import ratelimit
from timbra.http.errors import FileNotFound, RateLimited
from timbra.http.middleware import Edge
from timbra.http.ratelimit import RateLimits
from timbra.http.signed_urls import FileLinks
from timbra.platform.clock import FrozenClock, SystemClock

pytestmark = pytest.mark.anyio
START_MS = 1_791_504_000_000


class TestBuckets:
    @pytest.fixture
    def rate_limits(self) -> str:
        return "api=30,stamp=2,anonymous=3,badauth=2,upload=1"

    async def test_headers_describe_the_bucket(self, world) -> None:
        first, second = await world.api.get("/v2/notes"), await world.api.get("/v2/notes")

        assert first.headers["x-ratelimit-limit"] == "30"
        assert [reply.headers["x-ratelimit-remaining"] for reply in (first, second)] == ["29", "28"]
        assert int(first.headers["x-ratelimit-reset"]) > START_MS // 1000

    async def test_25_parallel_calls_are_within_the_limit(self, world) -> None:
        replies = await asyncio.gather(*(world.api.get("/v2/notes") for _ in range(25)))

        assert {reply.status_code for reply in replies} == {200}

    async def test_empty_bucket_is_429_with_retry_after(self, world) -> None:
        for _ in range(30):
            await world.api.get("/v2/notes")

        reply = await world.api.get("/v2/notes")

        assert (reply.status_code, reply.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.headers["x-ratelimit-remaining"] == "0"

    async def test_429_is_answered_before_any_work(self, world) -> None:
        for _ in range(3):
            last = await world.api.post("/v2/documents", json={"name": "a"})

        assert last.status_code == 429
        assert last.headers["x-ratelimit-limit"] == "2"
        assert world.made == ["doc_1", "doc_2"]

    async def test_stamping_takes_from_both_buckets_and_is_per_team_and_mode(self, world) -> None:
        for _ in range(2):
            await world.api.post("/v2/documents", json={"name": "a"})

        assert (await world.api.get("/v2/notes")).headers["x-ratelimit-remaining"] == "27"
        assert (await world.api.post("/v2/documents?team=team_OTHER", json={"name": "a"})).status_code == 201
        live = await world.api.post("/v2/documents", json={"name": "a"}, headers={"Authorization": "live"})
        assert live.status_code == 201

    async def test_uploads_have_their_bucket(self, world) -> None:
        first = await world.api.post("/v2/notes/upload", files={"f": b"x"})
        second = await world.api.post("/v2/notes/upload", files={"f": b"x"})

        assert (first.status_code, second.status_code) == (200, 429)

    async def test_anonymous_calls_are_counted_by_address(self, world) -> None:
        statuses = [(await world.api.get("/health")).status_code for _ in range(4)]

        assert statuses == [200, 200, 200, 429]
        assert (await world.api.get("/v2/notes")).status_code == 200

    async def test_refused_credentials_are_counted_by_address(self, world) -> None:
        bad = {"Authorization": "Bearer bad"}
        statuses = [(await world.api.get("/v2/notes", headers=bad)).status_code for _ in range(3)]

        assert statuses == [401, 401, 429]
        assert (await world.api.get("/v2/notes")).status_code == 200


async def test_default_sizes() -> None:
    limits = RateLimits(SystemClock())

    sizes = {name: await limits.take(name, "x") for name in ("api", "stamp", "upload", "credential", "anonymous")}
    assert {name: level.limit for name, level in sizes.items() if level} == {
        "api": 120,
        "stamp": 60,
        "upload": 20,
        "credential": 5,
        "anonymous": 60,
    }
    assert sizes["api"] is not None
    assert 11 <= sizes["api"].reset_s - time.time() <= 13


async def test_zero_and_off_switch_buckets_off() -> None:
    assert await RateLimits(SystemClock(), "api=0").take("api", "x") is None
    assert await RateLimits(SystemClock(), "OFF").take("stamp", "x") is None


async def test_a_shared_store_keeps_the_same_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(ratelimit, "storage_from_string", lambda url, **_: asked.append(url) or SharedMemory())
    limits = RateLimits(SystemClock(), "api=1", "redis://cache:6379")
    level = await limits.take("api", "x")

    assert asked == ["async+valkey://cache:6379"]
    assert level is not None
    assert (level.limit, level.remaining) == (1, 0)
    with pytest.raises(RateLimited):
        await limits.take("api", "x")


async def test_calls_pass_while_the_shared_store_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down(SharedMemory):
        async def acquire_entry(self, *args: object, **kwargs: object) -> bool:
            raise StorageError(ConnectionError("refused"))

    monkeypatch.setattr(ratelimit, "storage_from_string", lambda *_, **__: Down())

    assert await RateLimits(SystemClock(), "", "redis://cache").take("api", "x") is None


@pytest.mark.parametrize("setting", ["api", "api=x", "nothing=5"])
def test_a_setting_that_means_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="rate_limits"):
        RateLimits(SystemClock(), setting)


async def test_a_request_over_its_time_is_503_and_its_work_is_not_cut() -> None:
    app, done = FastAPI(), []

    @app.get("/slow")
    async def slow() -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda: (time.sleep(0.2), done.append(1)))

    app.add_middleware(Edge, time_limit_s=0.05)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as api:
        reply = await api.get("/slow")
    await asyncio.sleep(0.3)

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "service_unavailable")
    assert reply.headers["retry-after"] == "5"
    assert done == [1]


class TestFileLinks:
    clock = FrozenClock(START_MS)
    links = FileLinks(b"k" * 32, "https://cfdi.example.com", clock)

    def parts(self, url: str) -> tuple[str, str, str]:
        split = urlsplit(url)
        query = parse_qs(split.query)
        return split.path.rpartition("/")[2], query["exp"][0], query["sig"][0]

    async def test_form(self) -> None:
        url = self.links.link("file_1")

        assert url.startswith(f"https://cfdi.example.com/v2/files/file_1?exp={START_MS // 1000 + 86400}&sig=")
        assert len(url.rpartition("=")[2]) == 64

    async def test_works_until_its_end(self) -> None:
        clock = FrozenClock(START_MS)
        links = FileLinks(b"k" * 32, "https://x", clock)
        parts = self.parts(links.link("file_1", 60))
        links.check(*parts)
        clock.advance(60_000)
        links.check(*parts)
        clock.advance(1_000)

        with pytest.raises(FileNotFound):
            links.check(*parts)

    async def test_any_change_is_refused(self) -> None:
        name, expires, signature = self.parts(self.links.link("file_1"))
        flipped = ("0" if signature[0] != "0" else "1") + signature[1:]

        for forged in (
            ("file_2", expires, signature),
            (name, str(int(expires) + 1), signature),
            (name, expires, flipped),
            (name, expires, "é"),
            (name, None, signature),
            (name, expires, None),
        ):
            with pytest.raises(FileNotFound):
                self.links.check(*forged)
