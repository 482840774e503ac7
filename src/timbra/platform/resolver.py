"""From a host name to a connection: the system's resolver, and connections to addresses that were checked before."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Final

import httpcore2

from timbra.platform.addresses import Address
from timbra.platform.clock import monotonic_s

RESOLVER_THREADS: Final = 32
LEAST_CONNECT_S: Final = 0.3

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name. Raises OSError when there are none."""

checked_addresses: ContextVar[tuple[Address, ...]] = ContextVar("checked_addresses")
"""Where the call at hand may connect to, in the order to try."""


class SystemResolver:
    """The system's resolver, in threads of its own: a name server that does not answer holds up nobody else's work.

    Parallel questions for one host are one question.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "resolve")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses, in the system's order of preference. Raises OSError."""
        key = (host, port)
        asked = self._asked.get(key)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _ask, host, port)
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asked)

    def _answered(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # looked at, even when nobody waits any more


def _ask(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class CheckedAddresses(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that were checked for the call at hand, whatever the name means by now."""

    def __init__(self) -> None:
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address that takes one; TLS is then spoken with ``host``."""
        assert timeout is not None, "every call has its limits"
        until = monotonic_s() + timeout
        addresses = checked_addresses.get()
        for left in range(len(addresses), 1, -1):
            share_s = max((until - monotonic_s()) / left, LEAST_CONNECT_S)
            try:
                return await self._network.connect_tcp(str(addresses[-left]), port, share_s)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(str(addresses[-1]), port, max(until - monotonic_s(), LEAST_CONNECT_S))

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._network.sleep(seconds)
