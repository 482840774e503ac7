"""The outermost layer, pure ASGI: request id, URL length, time limit, HEAD, trailing slash, headers of every reply.

Whatever leaves carries ``X-Request-Id``, ``Cache-Control: no-store`` and ``nosniff``; whatever fails inside becomes the
error envelope. No reply is a redirect.
"""

import asyncio
import re
from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from timbra.http.envelope import JSONReply, ok, refusal
from timbra.http.errors import ApiError, InvalidBody, Unavailable
from timbra.http.exchange import Exchange, header, open_exchange
from timbra.http.faults import as_api_error
from timbra.platform.ids import new_id

TIME_LIMIT_S = 60.0
FAULT = 500
URL_LIMIT_BYTES = 8 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_FIXED_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Edge:
    """Wraps the whole application. ``time_limit_s``: longer requests end in 503; open transactions still finish."""

    def __init__(self, app: ASGIApp, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.app = app
        self.time_limit_s = time_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = open_exchange(scope, _request_id(scope))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        outgoing = _Outgoing(send, exchange, without_body=scope["method"] == "HEAD")
        _normalise(scope)
        error = await self._run(scope, receive, outgoing)
        if error is not None and not outgoing.started:
            if exchange.fault_member is not None and error.status == FAULT:
                error.beside[exchange.fault_member] = exchange.request_id
            await refusal(error, exchange.request_id)(scope, receive, outgoing)

    async def _run(self, scope: Scope, receive: Receive, send: "_Outgoing") -> ApiError | None:
        if _url_length(scope) > URL_LIMIT_BYTES:
            return InvalidBody(f"The URL is longer than {URL_LIMIT_BYTES} bytes")
        try:
            async with asyncio.timeout(self.time_limit_s) as limit:
                await self.app(scope, receive, send)
        except TimeoutError as error:
            return Unavailable() if limit.expired() else as_api_error(error)
        except Exception as error:  # noqa: BLE001 (the edge: nothing above it can answer)
            return as_api_error(error)
        return None


class _Outgoing:
    """``send`` that adds the headers of every reply, and drops the body of a reply to HEAD."""

    __slots__ = ("exchange", "send", "started", "without_body")

    def __init__(self, send: Send, exchange: Exchange, *, without_body: bool) -> None:
        self.send = send
        self.exchange = exchange
        self.without_body = without_body
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = [pair for pair in message.get("headers", ()) if pair[0] != b"cache-control"]
            headers += _FIXED_HEADERS
            headers += self.exchange.headers
            headers.append((b"x-request-id", self.exchange.request_id.encode()))
            message = {**message, "headers": headers}
        elif self.without_body and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self.send(message)


def _request_id(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_id("req")


def _normalise(scope: Scope) -> None:
    """HEAD is routed like GET, ``/clients/`` like ``/clients``; the path is kept undecoded so that it is decoded once."""
    if scope["method"] == "HEAD":
        scope["method"] = "GET"
    raw = scope.get("raw_path") or scope["path"].encode()
    if len(raw) > 1 and raw.endswith(b"/"):
        raw = raw[:-1]
        scope["path"] = scope["path"].removesuffix("/")
    scope["raw_path"] = raw


def _url_length(scope: Scope) -> int:
    return len(scope["raw_path"]) + len(scope["query_string"]) + 1


class Cors(CORSMiddleware):
    """Cross-origin replies for the origins an operator names; preflight replies are JSON like all others."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PUT", "DELETE", "PATCH"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"),
            expose_headers=("X-Request-Id", "Retry-After", "Idempotent-Replayed"),
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The library's verdict and headers in our envelope."""
        verdict = super().preflight_response(request_headers)
        headers = {k: v for k, v in verdict.headers.items() if k not in ("content-length", "content-type")}
        if verdict.status_code != 200:
            raise InvalidBody("This origin may not do this")
        return JSONReply(ok("ok", {}), 200, headers)
