"""Finds the operation of a request: literal segments win over ``{id}``, unknown paths are 404, other methods 405.

A tree instead of a list of patterns: its cost does not grow with the number of routes, and each segment of the path is
percent-decoded exactly once, so that an encoded slash never changes the route.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from timbra.http import query as queries
from timbra.http.envelope import refusal
from timbra.http.errors import ApiError, MethodNotAllowed, NotFound
from timbra.http.exchange import exchange_of
from timbra.http.faults import as_api_error
from timbra.http.middleware import TIME_LIMIT_S, Cors, Edge
from timbra.http.routing import Call, Kit, Operation, Router

PREFIX = "/v2"


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    wild: "_Node | None" = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


class RouteTable(BaseRoute):
    """All operations of the application as one route that answers everything it is asked."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._root = _Node()
        self.operations: list[tuple[str, Operation]] = []
        self._absent: set[str] = set()

    def leave_out(self, paths: Iterable[str], prefix: str = PREFIX) -> None:
        """Nothing answers at these paths, though they look like an object of a collection."""
        self._absent.update((prefix + path).strip("/") for path in paths)

    def add(self, operations: Iterable[Operation], prefix: str = PREFIX) -> None:
        """The operations answer below ``prefix``. The same method and path twice is a mistake."""
        for operation in operations:
            node = self._root
            names = []
            for segment in (prefix + operation.path).strip("/").split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    node.wild = node.wild or _Node()
                    node = node.wild
                else:
                    node = node.literal.setdefault(segment, _Node())
            assert operation.method not in node.operations, f"declared twice: {operation.method} {operation.path}"
            node.operations[operation.method] = (operation, tuple(names))
            self.operations.append((prefix + operation.path, operation))

    def find(self, method: str, raw_path: bytes) -> tuple[Operation, dict[str, str]]:
        """The operation and its path parameters. Raises NotFound, MethodNotAllowed."""
        segments = [unquote(segment) for segment in raw_path.decode("latin-1").removeprefix("/").split("/")]
        found = _walk(self._root, segments, 0, ())
        if found is None or "/".join(segments) in self._absent:
            raise NotFound
        node, values = found
        if method not in node.operations:
            raise MethodNotAllowed(_methods(node))
        operation, names = node.operations[method]
        return operation, dict(zip(names, values, strict=True))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Every HTTP request: this is the last route of the application."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the operation; a refusal becomes the error envelope, anything unexpected is left to the edge."""
        try:
            operation, params = self.find(scope["method"], scope["raw_path"])
            call = Call(self._kit, operation, scope, params, queries.parse(scope["query_string"]))
            reply = await operation.run(call, receive)
        except ApiError as error:
            reply = refusal(error, exchange_of(scope).request_id)
        await reply(scope, receive, send)


def _walk(node: _Node, segments: list[str], at: int, values: tuple[str, ...]) -> tuple[_Node, tuple[str, ...]] | None:
    if at == len(segments):
        return (node, values) if node.operations else None
    literal = node.literal.get(segments[at])
    found = _walk(literal, segments, at + 1, values) if literal is not None else None
    if found is None and node.wild is not None and segments[at]:
        found = _walk(node.wild, segments, at + 1, (*values, segments[at]))
    return found


def _methods(node: _Node) -> list[str]:
    methods = set(node.operations)
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _framework_refusal(request: Request, error: Exception) -> Response:
    return refusal(as_api_error(error), exchange_of(request.scope).request_id)


def assemble(
    app: FastAPI,
    kit: Kit,
    routers: Sequence[Router],
    *,
    rootless: Sequence[Router] = (),
    origins: Sequence[str] = (),
    time_limit_s: float = TIME_LIMIT_S,
) -> RouteTable:
    """The application speaks the contract's HTTP: ``routers`` below /v2, ``rootless`` ones at the root.

    Routes the application has already (hosted pages, documentation) keep their place before the table.
    """
    table = RouteTable(kit)
    for router in routers:
        table.add(router.operations)
        table.leave_out(router.absent)
    for router in rootless:
        table.add(router.operations, prefix="")
    app.add_exception_handler(HTTPException, _framework_refusal)
    app.router.redirect_slashes = False
    app.router.routes.append(table)
    if origins:
        app.add_middleware(Cors, origins=origins)
    app.add_middleware(Edge, time_limit_s=time_limit_s)
    return table
