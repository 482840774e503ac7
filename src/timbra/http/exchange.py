"""What one request and its reply carry through the layers: set by the outermost middleware, read by everything inside."""

from dataclasses import dataclass, field

from starlette.types import Scope

_KEY = "timbra.exchange"


@dataclass(slots=True)
class Exchange:
    """``headers`` are added to the reply, whoever builds it. ``fault_member``: name that a 500 repeats the id under."""

    request_id: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    fault_member: str | None = None


def open_exchange(scope: Scope, request_id: str) -> Exchange:
    """The exchange of a request, now findable from its scope."""
    exchange = Exchange(request_id)
    scope[_KEY] = exchange
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of a request."""
    exchange = scope[_KEY]
    assert isinstance(exchange, Exchange)
    return exchange


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a request header given in lower case, None when absent; the last one of several."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            found = value
    return found.decode("latin-1") if found is not None else None


def address_of(scope: Scope) -> str:
    """The caller's network address."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
