"""Operations: a decorator declares one, a pipeline runs it in the contract's order of checks, a table finds it.

A domain's ``routes.py`` is a function that gets what its verbs need and gives a ``Router``:

    def routes(db: Database, clock: Clock) -> Router:
        router = Router(tag="Services", area="services")

        @router.get("/services", "Services retrieved successfully", filters={"sku": Text(max=100)})
        async def list_services(caller: Caller, listing: ListQuery) -> Slice[Any]:
            return await db.read(lambda tx: store.page(tx, caller.scope, listing).map(service_json))

        @router.post("/services", "Service created successfully", role=Role.EDITOR, success=201)
        async def create_service(caller: Caller, body: CreateService, claim: Claim) -> JSONReply:
            return await claim.once(db, lambda tx: service_json(create(tx, caller, body, clock.now_ms())))

        @router.get("/services/{id}", "Service retrieved successfully")
        async def get_service(caller: Caller, id: str) -> dict[str, Any]: ...

        return router

A handler's parameters are filled by type: ``Caller``; a ``Command`` (the body); ``ListQuery``; ``Claim``; ``Upload``
(multipart); ``Call`` (everything); ``str`` by name from the path. What it returns: data (a dict becomes ``data``), a
``Slice`` (list envelope), ``Hits`` (search envelope), an ``Answer`` (other message or status), or a ready ``Response``.
GET asks ``area:read`` and role viewer, other methods ``area:write`` and role editor unless told otherwise.
``area=None``: any valid key. ``public=True``: no key at all.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from starlette.responses import Response
from starlette.types import Receive, Scope

from timbra.http import body as bodies
from timbra.http import query as queries
from timbra.http.body import Command
from timbra.http.caller import Access, Authenticator, Caller, Role, identify, token_of
from timbra.http.envelope import Answer, Hits, JSONReply, listing, ok, search
from timbra.http.errors import BodyTooLarge, InvalidToken, NotFound, Unauthorized, UploadFailed
from timbra.http.exchange import address_of, exchange_of, header
from timbra.http.fields import Rule
from timbra.http.idempotency import Claim, Idempotency, Replayed, body_key, fingerprint, header_key
from timbra.http.multipart import FILE_LIMIT_BYTES, PARTS_LIMIT_BYTES, Upload, parse_form
from timbra.http.pagination import Cursors, Place
from timbra.http.query import ListQuery
from timbra.http.ratelimit import RateLimits, RefusedCall
from timbra.platform.keyset import Slice
from timbra.platform.scope import TeamScope
from timbra.platform.tenancy import SERVER, acting_for

Handler = Callable[..., Awaitable[Any]]
Gate = Callable[["Call"], Awaitable[TeamScope]]
"""Checks the credential of a public operation that has one; gives the scope of its idempotency records."""
VALIDATED_INLINE_BYTES = 64 * 1024  # a larger body is checked in a thread: other requests do not wait for it
_OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,160}")
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Kit:
    """What the pipeline works with; one per application."""

    authenticator: Authenticator
    idempotency: Idempotency
    limits: RateLimits
    cursors: Cursors


@dataclass(slots=True)
class Call:
    """One request on its way through the pipeline. ``data``: the parsed body; ``query``: parameters that have a value."""

    kit: Kit
    operation: "Operation"
    scope: Scope
    params: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes = b""
    data: Mapping[str, Any] = field(default_factory=dict)
    caller: Caller | None = None
    body: Command | None = None
    listing: ListQuery | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    upload: Upload | None = None
    claim: Claim | None = None
    record_scope: TeamScope | None = None

    @property
    def path(self) -> str:
        """The path as routed, without a trailing slash."""
        return str(self.scope["path"])

    async def take(self, bucket: str, who: str) -> None:
        """One call of ``who`` is counted in the bucket. Raises RateLimited."""
        await _take(self, bucket, who)

    def header(self, name: str) -> str | None:
        """A request header."""
        return header(self.scope, name.lower().encode())

    def render(self, result: Any) -> JSONReply:
        """The reply of what a handler returned."""
        operation = self.operation
        if isinstance(result, JSONReply):
            return result
        if isinstance(result, Slice):
            return JSONReply(listing(operation.message, result.rows, self._next(result), result.total))
        if isinstance(result, Hits):
            return JSONReply(search(operation.message, result))
        answer = result if isinstance(result, Answer) else Answer(result)
        content = ok(answer.message or operation.message, answer.data, answer.beside)
        return JSONReply(content, answer.status or operation.success, answer.headers)

    def _next(self, page: Slice[Any]) -> str | None:
        if page.last is None:
            return None
        assert self.listing is not None, "pages come from list handlers"
        assert self.caller is not None
        window = self.listing.window
        place = Place(window.order_by, window.descending, page.last)
        return self.kit.cursors.encode(self.path, self.caller.scope, place)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as declared.

    For the documentation alone: ``also``, further statuses of success; ``produces``, the media type of a reply that is
    no JSON; ``example``, a body that works as it stands; ``reads``, query parameters that the handler checks itself, of
    which those in ``needs`` must be there; ``asks_outside``, it waits for another service, which may fail (502).
    """

    method: str
    path: str
    message: str
    handler: Handler
    access: Access
    tag: str
    success: int = 200
    also: tuple[int, ...] = ()
    produces: str = "application/json"
    filters: Mapping[str, Rule] = field(default_factory=dict)
    orders: tuple[str, ...] = ("timestamp", "name")
    bucket: str | None = None
    limit_bytes: int = bodies.JSON_LIMIT_BYTES
    body_key: bool = False
    mode_is_free: bool = False
    public: bool = False
    gate: Gate | None = None
    team_in_path: str | None = None
    free_params: frozenset[str] = frozenset()
    example: Mapping[str, Any] | None = None
    reads: Mapping[str, Rule] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    body_model: type[Command] | None = None
    slots: tuple[tuple[str, Callable[[Call], Any]], ...] = ()
    lists: bool = False
    uploads: bool = False
    claims: bool = False
    asks_outside: bool = False

    async def run(self, call: Call, receive: Receive) -> Response:
        """The reply, by the contract's order of checks. Raises ApiError."""
        if self.method != "GET":
            call.raw = await self._read(call, receive)
        if not self.public:
            call.caller = await self._identify(call)
        elif self.gate is not None:
            call.record_scope = await self.gate(call)
        else:
            await _take(call, "anonymous", address_of(call.scope))
        with acting_for(call.caller.scope if call.caller is not None else SERVER):
            return await self._answer(call)

    async def _read(self, call: Call, receive: Receive) -> bytes:
        try:
            return await bodies.read_raw(call.scope, receive, self.limit_bytes)
        except BodyTooLarge as error:
            if not self.uploads:
                raise
            raise UploadFailed("The upload is too large", status=413) from error

    async def _answer(self, call: Call) -> Response:
        try:
            await self._prepare(call)
            result = await self.handler(**{name: get(call) for name, get in self.slots})
            return result if isinstance(result, Response) else call.render(result)
        except Replayed as replay:
            return replay.reply
        finally:
            if call.claim is not None:
                await call.claim.let_go()

    async def _identify(self, call: Call) -> Caller:
        """Credential, rate limit, team, role and scope, in this order."""
        kit, address = call.kit, address_of(call.scope)
        try:
            identity = await kit.authenticator.authenticate(token_of(header(call.scope, b"authorization")))
        except (Unauthorized, InvalidToken):
            await _take(call, "badauth", address)
            raise
        await _take(call, "api", identity.key_id)
        if self.bucket == "upload":
            await _take(call, "upload", identity.key_id)
        team = call.query.get("team")
        path_team = call.params[self.team_in_path] if self.team_in_path else None
        for place, named in (("team", team), ("id", path_team)):
            if named and not _OBJECT_ID.fullmatch(named):
                raise NotFound.at(place)
        caller = await identify(
            kit.authenticator,
            identity,
            self.access,
            team=team,
            path_team=path_team,
            request_id=exchange_of(call.scope).request_id,
            ip=address,
        )
        if self.bucket == "stamp":
            await _take(call, "stamp", f"{caller.scope.team_id}/{caller.scope.livemode}")
        return caller

    async def _prepare(self, call: Call) -> None:
        """Key form, body syntax, idempotency record, field validation, form of the ids in the path."""
        key = header_key(header(call.scope, b"idempotency-key")) if self.method == "POST" else None
        if self.uploads:
            call.upload = await parse_form(call.raw, header(call.scope, b"content-type") or "")
            call.data = call.upload.fields
        elif self.method != "GET":
            call.data = bodies.parse_object(call.raw, header(call.scope, b"content-type") or "")
        if self.claims:
            await self._claim(call, key)
        if len(call.raw) > VALIDATED_INLINE_BYTES:
            await asyncio.to_thread(self._validate, call)
        else:
            self._validate(call)
        for name, value in call.params.items():
            if name not in self.free_params and not _OBJECT_ID.fullmatch(value):
                raise NotFound

    async def _claim(self, call: Call, key: str | None) -> None:
        scope = call.caller.scope if call.caller is not None else call.record_scope
        assert scope is not None, "claims belong to a team or a partner"
        if key is None and self.body_key:
            key = body_key(call.data)
        content = call.upload.described() if call.upload is not None else call.data
        print_ = fingerprint(content, call.query) if key is not None else ""
        call.claim = await call.kit.idempotency.begin(scope, call.path, key, print_, call.render)

    def _validate(self, call: Call) -> None:
        scope = call.caller.scope if call.caller is not None else None
        if self.body_model is not None:
            call.body = bodies.validate(self.body_model, call.data, scope, mode_is_free=self.mode_is_free)
        if self.lists:
            assert scope is not None, "lists belong to a team"
            call.listing = queries.read_list(
                call.query,
                path=call.path,
                scope=scope,
                cursors=call.kit.cursors,
                filters=self.filters,
                orders=self.orders,
            )
            call.filters = call.listing.filters
        elif self.filters:
            call.filters = queries.read_filters(call.query, self.filters)


async def _take(call: Call, bucket: str, who: str) -> None:
    """One call is counted; the reply tells the state of the bucket, the last one taken from when there are several."""
    headers = exchange_of(call.scope).headers
    try:
        level = await call.kit.limits.take(bucket, who)
    except RefusedCall as refused:
        headers[:] = refused.level.headers
        raise
    if level is not None and bucket != "badauth":
        headers[:] = level.headers


class Router:
    """The operations of one domain, declared by decorators."""

    def __init__(self, *, tag: str, area: str | None = None) -> None:
        self.tag = tag
        self.area = area
        self.operations: list[Operation] = []
        self.absent: list[str] = []  # paths that are no object's, whatever the method

    def get(self, path: str, message: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declares a reading operation; see ``Operation`` for the options, ``role`` and ``area``."""
        return self._declare("GET", path, message, options)

    def post(self, path: str, message: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declares a POST operation."""
        return self._declare("POST", path, message, options)

    def put(self, path: str, message: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declares a PUT operation."""
        return self._declare("PUT", path, message, options)

    def delete(self, path: str, message: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declares a DELETE operation."""
        return self._declare("DELETE", path, message, options)

    def _declare(self, method: str, path: str, message: str, options: dict[str, Any]) -> Callable[[Handler], Handler]:
        write = options.pop("write", method != "GET")
        role = options.pop("role", Role.EDITOR if write else Role.VIEWER)
        access = Access(options.pop("area", self.area), write, role, options.pop("while_pending", False))

        def register(handler: Handler) -> Handler:
            shape = _shape_of(handler, path)
            if shape["uploads"]:
                options.setdefault("bucket", "upload")
                options.setdefault("limit_bytes", FILE_LIMIT_BYTES + PARTS_LIMIT_BYTES)
            self.operations.append(Operation(method, path, message, handler, access, self.tag, **options, **shape))
            return handler

        return register


_BY_TYPE: dict[type, Callable[[Call], Any]] = {
    Caller: lambda call: call.caller,
    ListQuery: lambda call: call.listing,
    Claim: lambda call: call.claim,
    Upload: lambda call: call.upload,
    Call: lambda call: call,
}


def _shape_of(handler: Handler, path: str) -> dict[str, Any]:
    """How a handler's parameters are filled, and what that asks of the pipeline."""
    hints = get_type_hints(handler)
    in_path = set(_PARAMETER.findall(path))
    slots: list[tuple[str, Callable[[Call], Any]]] = []
    model: type[Command] | None = None
    for name in inspect.signature(handler).parameters:
        kind = hints[name]
        if kind in _BY_TYPE:
            slots.append((name, _BY_TYPE[kind]))
        elif isinstance(kind, type) and issubclass(kind, Command):
            model = kind
            slots.append((name, lambda call: call.body))
        elif name in in_path:
            slots.append((name, lambda call, name=name: call.params[name]))  # type: ignore[misc]
        else:
            raise TypeError(f"{handler.__qualname__}: nothing fills the parameter {name!r}")
    kinds = set(hints.values())
    return {
        "slots": tuple(slots),
        "body_model": model,
        "lists": ListQuery in kinds,
        "uploads": Upload in kinds,
        "claims": Claim in kinds,
    }
