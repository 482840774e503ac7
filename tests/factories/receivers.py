"""Receivers of webhooks: a small HTTP server in the test's own event loop that keeps what it got."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from timbra.platform import json
from timbra.platform.addresses import Allowed
from world import World

LOCAL = Allowed.of("127.0.0.1")


@dataclass(frozen=True)
class Message:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.json["type"])

    def verify(self, secret: str) -> None:
        """Raises when the public library does not accept the signature; time is not looked at."""
        expected = Webhook(secret).sign(self.id, _At(int(self.headers["webhook-timestamp"])), self.body.decode())
        assert expected in self.headers["webhook-signature"].split()


class _At:
    """What the library wants of a datetime."""

    def __init__(self, at_s: int) -> None:
        self._at_s = at_s

    def replace(self, **_: Any) -> "_At":
        return self

    def timestamp(self) -> int:
        return self._at_s


Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


@dataclass
class Receiver:
    """Answers every message with ``answer(message)``: (status, body[, headers]); may be awaited."""

    world: World
    answer: Callable[[Message], Answer | Awaitable[Answer]] = lambda _message: (200, b"ok")
    got: list[Message] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"

    def open(self) -> "Receiver":
        self._server = self.world.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.open_again()
        return self

    def open_again(self) -> None:
        """The server, begun anew, may call this receiver."""
        self.world.house.webhooks.egress._allowed = LOCAL

    def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.world.run(asyncio.sleep(0))

    def types(self) -> list[str]:
        return [message.type for message in self.got]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        message = Message(head[0].split()[1], headers, await reader.readexactly(int(headers.get("content-length", 0))))
        self.got.append(message)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answer = self.answer(message)
            status, body, *more = await answer if isinstance(answer, Awaitable) else answer
        finally:
            self.at_once -= 1
        extra = "".join(f"{name}: {value}\r\n" for name, value in (more[0] if more else {}).items())
        writer.write(f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


def hook(world: World, url: str, api: Any = None, **fields: Any) -> dict[str, Any]:
    """A new endpoint, with its secret."""
    reply = (api or world.api).post("/webhooks", {"url": url, **fields})
    assert reply.status == 201, reply.json
    return dict(reply.data)


def deliver(world: World) -> None:
    """Everything that is due has been tried."""
    world.run(world.house.courier.run_dry())


def log_of(world: World, endpoint_id: str, query: str = "") -> list[dict[str, Any]]:
    """The deliveries of an endpoint, oldest first."""
    reply = world.api.get(f"/webhooks/{endpoint_id}/deliveries?limit=100&sort=asc{query}")
    assert reply.status == 200, reply.json
    return list(reply.data)
