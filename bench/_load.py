"""A lean load generator: keep-alive connections on bare sockets, requests encoded beforehand.

It shares the machine with the server, so it must cost little: about 0.1 ms of CPU per request.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    """The bytes of one HTTP/1.1 request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Result:
    """Times of the replies in seconds, unordered; statuses other than the expected one, with a sample body."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: dict[int, bytes] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The time within which this part of the replies came."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class Connection(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size = -1
        self._reply: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(exc or ConnectionResetError())

    def send(self, content: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Status and body of the reply."""
        assert self._transport is not None
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(content)
        return self._reply

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._size < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            self._size = end + 4 + int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) < self._size or self._reply is None:
            return
        whole = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._size = -1
        self._reply.set_result((int(whole[9:12]), whole.partition(b"\r\n\r\n")[2]))


async def connect(port: int) -> Connection:
    """An open connection to the server on this machine."""
    _, protocol = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return protocol


async def run(port: int, requests: Sequence[bytes], *, clients: int, seconds: float, expect: int) -> Result:
    """``clients`` callers, each sending its next request when the last is answered, until the time is over."""
    result = Result()
    following = _round(requests)
    began = time.monotonic()
    deadline = began + seconds

    async def caller() -> None:
        connection = await connect(port)
        while time.monotonic() < deadline:
            content = next(following)
            sent = time.monotonic()
            status, body = await connection.send(content)
            result.times.append(time.monotonic() - sent)
            if status != expect:
                result.failures.setdefault(status, body[:500])
        connection.close()

    await asyncio.gather(*(caller() for _ in range(clients)))
    result.seconds = time.monotonic() - began
    return result


def _round(requests: Sequence[bytes]) -> Iterator[bytes]:
    while True:
        yield from requests
