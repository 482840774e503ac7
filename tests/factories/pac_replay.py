"""A provider that follows a written transcript: says its lines in order, checks what it is told, and may misbehave.

A transcript is a text file of exchanges. Lines with ``>`` are what must come (the request line, then fragments of head or
body), the line with ``<`` says how to answer, the rest is the body. ``{{name}}`` stands for a value of the test.

    > POST /servicios/soap/stamp
    > <s:username>user</s:username>
    < 200 text/xml
    <?xml ...

How to answer: a status and a media type; before them ``drip`` (a byte at a time, for ever), ``cut`` (half of the body),
``hang`` (nothing), or ``drop`` (the connection is closed at once).
"""

import asyncio
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

FOLDER = Path(__file__).parents[1] / "pac" / "transcripts"
MANNERS = ("drip", "cut", "hang", "drop")


@dataclass
class Exchange:
    expected: list[str]
    manner: str = ""
    status: int = 200
    media_type: str = "text/plain"
    body: str = ""


def read(name: str, values: Mapping[str, str]) -> list[Exchange]:
    """The exchanges of a transcript such as ``finkok/stamp``."""
    found: list[Exchange] = []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and (not found or not found[-1].body):
            continue
        if line.startswith("> "):
            if not found or found[-1].body or found[-1].manner == "done":
                found.append(Exchange([]))
            found[-1].expected.append(_filled(line[2:], values))
        elif line.startswith("< "):
            _answer(found[-1], _filled(line[2:], values).split())
        else:
            found[-1].body += _filled(line, values)
    return found


def _answer(exchange: Exchange, words: list[str]) -> None:
    if words[0] in MANNERS:
        exchange.manner = words.pop(0)
    if words:
        exchange.status = int(words[0])
        exchange.media_type = words[1]
    exchange.body = exchange.body or " "


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    assert "{{" not in text, f"a value is missing: {text[:80]}"
    return text


@dataclass
class Replay:
    """The provider. ``faults``: what it was told and did not expect; ``left``: exchanges that nobody asked for."""

    left: list[Exchange]
    faults: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError), closing(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0
                )
                told = head + (await reader.readexactly(length)).decode("utf-8", "replace")
                self.heard.append(told)
                if not await self._reply(told, writer):
                    break

    async def _reply(self, told: str, writer: asyncio.StreamWriter) -> bool:
        if not self.left:
            self.faults.append(f"not expected: {told[:200]}")
            return False
        one = self.left.pop(0)
        if not told.startswith(one.expected[0]):
            self.faults.append(f"expected {one.expected[0]}, got {told[:100]}")
        self.faults += [f"missing {text[:200]} in {told[:300]}" for text in one.expected[1:] if text not in told]
        return await _act(one, writer)


async def _act(one: Exchange, writer: asyncio.StreamWriter) -> bool:
    body = one.body.strip().encode()
    head = (
        f"HTTP/1.1 {one.status} Said\r\nContent-Type: {one.media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    if one.manner == "drop":
        writer.transport.abort()
        return False
    if one.manner == "hang":
        await asyncio.sleep(30)
        return False
    writer.write(head)
    if one.manner == "drip":
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
    writer.write(body[: len(body) // 2] if one.manner == "cut" else body)
    await writer.drain()
    return one.manner != "cut"
