"""Every outgoing HTTP call. The address is decided when the call is made: resolved once, checked, and connected to.

    egress = Egress(Allowed.of(settings.egress_allow_private_hosts))
    answer = await egress.request("POST", url, headers={"Content-Type": "text/xml"}, body=xml, limits=Limits(total_s=15))

* Only https, and only public addresses: when any address of a host is not public, the host is refused. Hosts and networks
  that the operator has allowed may be private, and plain http is for them alone.
* No redirects, cookies, proxies or environment. Every status is an answer, a redirect too.
* What failed is ``NotSent`` (the other side has not seen the request: it may be sent again, anywhere) or ``Unknown``.

One ``Egress`` is one set of connections. Two parties that must not share any get one each (``apart``).
See docs/decisions/0022-outgoing-calls.md.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final

import httpcore2
import httpx2

from timbra.platform.addresses import Address, Allowed, HostRefused, is_public, literal
from timbra.platform.db import in_transaction
from timbra.platform.resolver import CheckedAddresses, Resolve, SystemResolver, checked_addresses

KEPT_IDLE_S: Final = 2.0  # shorter than servers keep theirs, so that we do not write into a closed one
CONNECTIONS: Final = 100
USER_AGENT: Final = "timbra"
PORT_MAX: Final = 65_535
_CONTROLS: Final = re.compile(r"[\\\x00-\x20\x7f]")
URL_MAX: Final = 8_192

Sink = Callable[[bytes], None]


class Reason(StrEnum):
    """Why there is no answer."""

    URL = "url"  # not a URL that may be called
    DNS = "dns"
    ADDRESS = "address"  # not public, and not allowed
    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    PROTOCOL = "protocol"  # what came back is not HTTP, or packed although we asked for plain bytes
    TOO_LARGE = "too_large"


class EgressFailed(Exception):
    """No answer. The message is for logs: it names the host and neither path nor query."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotSent(EgressFailed):
    """Nothing of the request has left: whoever was called does not know of it."""


class Unknown(EgressFailed):
    """The request, or a part of it, may have arrived."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that one call may take. cut: a longer body is cut off, and one that is late left out."""

    connect_s: float = 3.0
    read_s: float = 15.0
    total_s: float = 20.0
    answer_bytes: int = 4 * 1024 * 1024
    cut: bool = False

    @property
    def timeouts(self) -> dict[str, float]:
        """As the library wants them; writing may take as long as reading."""
        return {"connect": self.connect_s, "read": self.read_s, "write": self.read_s, "pool": self.total_s}


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call goes: the URL, and the checked addresses of its host."""

    url: httpx2.URL
    addresses: tuple[Address, ...]


class Egress:
    """Calls hosts that are public or ``allowed``. To be closed in the event loop that it was used in."""

    def __init__(
        self,
        allowed: Allowed | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """tls: whom to trust, by default the system's authorities. resolve: instead of the system's resolver."""
        self._allowed = allowed or Allowed()
        self._tls = tls or httpx2.create_ssl_context(trust_env=False)
        self._resolve = resolve or SystemResolver()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=connections,
            keepalive_expiry=KEPT_IDLE_S,
            network_backend=CheckedAddresses(),
        )

    def apart(self, *, connections: int = CONNECTIONS) -> "Egress":
        """The same rules with connections of its own."""
        return Egress(self._allowed, tls=self._tls, resolve=self._resolve, connections=connections)

    async def aclose(self) -> None:
        """No connection is left."""
        await self._pool.aclose()

    async def check(self, url: str, *, timeout_s: float = 2.0) -> None:
        """The URL may be called as things are now. Raises NotSent, with the reason ``url``, ``dns`` or ``address``."""
        await self._placed(url, timeout_s)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits = DEFAULT_LIMITS,
        sink: Sink | None = None,
    ) -> Answer:
        """The answer, whatever its status. Raises NotSent, Unknown.

        sink: gets the body of a 2xx answer piece by piece, the answer's own is empty then. Not inside a transaction.
        """
        assert not in_transaction.get(), "no network call inside a transaction"
        call = _Call(limits, sink)
        try:
            async with asyncio.timeout(limits.total_s):
                place = await self._placed(url, limits.connect_s)
                return await self._exchange(call, place, method, headers or {}, body)
        except TimeoutError:
            if call.cut_answer is not None:
                return call.cut_answer
            raise call.failed(Reason.TIMEOUT, f"no answer within {limits.total_s} s") from None

    async def _placed(self, url: str, connect_s: float) -> _Place:
        try:
            async with asyncio.timeout(connect_s):
                return await self._find(url)
        except TimeoutError:
            raise NotSent(Reason.DNS, "the host name is not resolved in time") from None

    async def _find(self, url: str) -> _Place:
        parsed = parse_url(url)
        host = parsed.raw_host.decode()
        address = literal(host)
        addresses = (address,) if address is not None else await self._addresses(host, port_of(parsed))
        exempt = [self._allowed.has(host, each) for each in addresses]
        if not all(is_exempt or is_public(each) for is_exempt, each in zip(exempt, addresses, strict=True)):
            raise NotSent(Reason.ADDRESS, f"{host}: the address is not public")
        if parsed.scheme != "https" and not all(exempt):
            raise NotSent(Reason.URL, f"{host}: plain http is for allowed private hosts only")
        return _Place(parsed, addresses)

    async def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        try:
            found = await self._resolve(host, port)
        except OSError:
            found = ()
        if not found:
            raise NotSent(Reason.DNS, f"{host}: the name has no address")
        return tuple(ip_address(text) for text in dict.fromkeys(found))

    async def _exchange(
        self, call: "_Call", place: _Place, method: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        token = checked_addresses.set(place.addresses)
        try:
            async with self._pool.stream(
                method,
                _url(place.url),
                headers=_headers(place.url, headers),
                content=body,
                extensions={"timeout": call.limits.timeouts, "trace": call.trace},
            ) as response:
                return await call.read(response)
        except httpcore2.TimeoutException as error:
            raise call.failed(Reason.TIMEOUT, f"{place.url.host}: {type(error).__name__}") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise call.failed(_reason(error), f"{place.url.host}: {type(error).__name__}: {error}") from error
        finally:
            checked_addresses.reset(token)


class _Call:
    """One call: whether it has begun to leave, and how much of its answer is taken."""

    def __init__(self, limits: Limits, sink: Sink | None) -> None:
        self.limits = limits
        self._sink = sink
        self._is_sent = False
        self.cut_answer: Answer | None = None

    async def trace(self, name: str, _info: Mapping[str, Any]) -> None:
        """Told by the library before each of its steps."""
        self._is_sent = self._is_sent or name == "http11.send_request_headers.started"

    def failed(self, reason: Reason, message: str) -> EgressFailed:
        """The error to raise now."""
        return (Unknown if self._is_sent else NotSent)(reason, message)

    async def read(self, response: httpcore2.Response) -> Answer:
        """The answer within its limits. Raises Unknown when it is too large, or packed."""
        answer = Answer(response.status, _joined(response.headers), b"")
        if self.limits.cut:
            return await self._read_start(response, answer)
        if _is_packed(answer):
            raise self.failed(Reason.PROTOCOL, "the answer is packed, which was not asked for")
        if _announced(answer) > self.limits.answer_bytes:
            raise self.failed(Reason.TOO_LARGE, f"the answer has more than {self.limits.answer_bytes} bytes")
        pieces: list[bytes] = []
        take = self._sink if self._sink is not None and 200 <= answer.status < 300 else pieces.append
        size = 0
        async for piece in response.aiter_stream():
            size += len(piece)
            if size > self.limits.answer_bytes:
                raise self.failed(Reason.TOO_LARGE, f"the answer has more than {self.limits.answer_bytes} bytes")
            take(piece)
        return Answer(answer.status, answer.headers, b"".join(pieces))

    async def _read_start(self, response: httpcore2.Response, answer: Answer) -> Answer:
        """The beginning of the body; whatever happens after the status, the status counts."""
        start = b""
        self.cut_answer = answer
        if _is_packed(answer):
            return answer
        try:
            async for piece in response.aiter_stream():
                start = (start + piece)[: self.limits.answer_bytes]
                self.cut_answer = Answer(answer.status, answer.headers, start)
                if len(start) >= self.limits.answer_bytes:
                    break
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
            pass
        return self.cut_answer


def parse_url(url: str) -> httpx2.URL:
    """The URL, when it may be called as far as its text tells. Raises NotSent with the reason ``url``."""
    try:
        _refuse_odd(url)
        parsed = httpx2.URL(url)
        literal(parsed.raw_host.decode())
    except httpx2.InvalidURL:
        raise NotSent(Reason.URL, "is not a URL") from None
    except HostRefused as error:
        raise NotSent(Reason.URL, str(error)) from None
    if parsed.scheme not in ("https", "http"):
        raise NotSent(Reason.URL, "is not an https URL")
    if not 0 < port_of(parsed) <= PORT_MAX:
        raise NotSent(Reason.URL, "has no such port")
    return parsed


def port_of(url: httpx2.URL) -> int:
    """The port that the URL names, or its scheme's."""
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def _refuse_odd(url: str) -> None:
    """What parsers read in different ways: user info, blanks, backslashes. Raises HostRefused."""
    if len(url) > URL_MAX:
        raise HostRefused(f"has more than {URL_MAX} characters")
    if _CONTROLS.search(url):
        raise HostRefused("has blanks or backslashes")
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise HostRefused("has user info")


def _url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _headers(url: httpx2.URL, given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    own = {"Host": url.netloc.decode(), "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in {**own, **given}.items()]


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _is_packed(answer: Answer) -> bool:
    return answer.headers.get("content-encoding", "identity").lower() != "identity"


def _announced(answer: Answer) -> int:
    text = answer.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _reason(error: BaseException) -> Reason:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Reason.TLS
        cause = cause.__cause__ or cause.__context__
    return Reason.PROTOCOL if isinstance(error, httpcore2.ProtocolError) else Reason.NETWORK
