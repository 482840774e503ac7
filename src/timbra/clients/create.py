"""Make a client, or find the one that is meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from timbra.cfdi.catalogs import Catalogs
from timbra.clients import store
from timbra.clients.model import Client
from timbra.clients.schemas import FoundClientFields, Search
from timbra.clients.screening import NOT_LOADED, Screening
from timbra.clients.update import change, judged, refuse_problems
from timbra.http.caller import Caller
from timbra.http.errors import Conflict, FieldError, NotFound
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope

MATCHES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """The client and what happened to it."""

    client: Client
    what: Literal["created", "updated", "found"]


def create(
    tx: Tx,
    caller: Caller,
    body: FoundClientFields,
    *,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
) -> Outcome:
    """A new client, or with ``search`` the one match. Raises Invalid, NotFound, Conflict."""
    if body.search is None:
        client = add(tx, caller, body.changes(), origin="api", catalogs=catalogs, at_ms=at_ms, screening=screening)
        return Outcome(client, "created")
    return find_or_create(
        tx, caller, body, body.search, origin="api", catalogs=catalogs, at_ms=at_ms, screening=screening
    )


def find_or_create(
    tx: Tx,
    caller: Caller,
    body: FoundClientFields,
    search: Search,
    *,
    origin: str,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
    path: str = "",
) -> Outcome:
    """The outcome of ``search``; of simultaneous calls for one value a single one creates.

    path: where the client stands in the request. Raises Invalid, NotFound, Conflict.
    """
    value = body.search_value
    assert value is not None, "the schema asks for a value"
    store.hold(tx, caller.scope, search.on_key, value)
    match = only_match(tx, caller.scope, search.on_key, value, value_path(path))
    if match is not None:
        return _matched(tx, caller, match, body, search, catalogs=catalogs, at_ms=at_ms, screening=screening, path=path)
    if not search.auto_create:
        raise no_match(path)
    client = add(
        tx, caller, body.changes(), origin=origin, catalogs=catalogs, at_ms=at_ms, screening=screening, path=path
    )
    return Outcome(client, "created")


def _matched(
    tx: Tx,
    caller: Caller,
    match: Client,
    body: FoundClientFields,
    search: Search,
    *,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening,
    path: str,
) -> Outcome:
    if not search.update:
        return Outcome(match, "found")
    locked = store.lock(tx, caller.scope, match.id)
    if locked is None:
        raise no_match(path)
    changed = change(tx, caller, locked, body.changes(), catalogs=catalogs, at_ms=at_ms, screening=screening, path=path)
    return Outcome(changed, "updated")


def value_path(path: str) -> str:
    """Where the value of a search stands, for a client that stands at ``path``."""
    return f"{path}.search.on_value" if path else "search.on_value"


def no_match(path: str) -> NotFound:
    """The refusal of a search that may not create. path: where the client stands in the request."""
    return NotFound.at(value_path(path))


def only_match(tx: Tx, scope: TeamScope, key: str, value: str, path: str) -> Client | None:
    """The client found by a field, None without one. Raises Conflict at ``path`` when there are several."""
    found = store.find(tx, scope, key, value, limit=MATCHES_SHOWN)
    if len(found) < 2:
        return found[0] if found else None
    total = store.count(tx, scope, key, value) if len(found) == MATCHES_SHOWN else len(found)
    message = f"matches {total} clients: {', '.join(client.id for client in found)}"
    problem = FieldError(path, "conflict", message)
    raise Conflict(problem.text, fields=[problem])


def add(
    tx: Tx,
    caller: Caller,
    fields: Mapping[str, Any],
    *,
    origin: str,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
    path: str = "",
) -> Client:
    """A new client, validated and screened, with its event and audit row. origin: its ``from``. Raises Invalid."""
    scope = caller.scope
    blank = Client(
        id=new_id("client"),
        team_id=scope.team_id,
        livemode=scope.livemode,
        owner=caller.user_id,
        origin=origin,
        created_ms=at_ms,
        updated_ms=at_ms,
    )
    client = blank.changed(fields)
    refuse_problems(client, path)
    client = judged(tx, client, catalogs, screening, at_ms)
    store.add(tx, scope, client)
    events.append(tx, scope, "customer.created", client.id, json.dumps(client.to_wire()), at_ms)
    audit.append(tx, scope, Action.CLIENT_CREATE, client.id, caller.actor, at_ms)
    return client
