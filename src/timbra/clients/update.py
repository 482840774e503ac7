"""Change and delete a client."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from timbra.cfdi.catalogs import Catalogs
from timbra.clients import check, store, store_portal
from timbra.clients.model import Client
from timbra.clients.screening import NOT_LOADED, Screening, screened
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid, NotFound
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.teams import store as teams

_JUDGED: Final = ("tax_id", "legal_name", "tax_system", "use")


def update(
    tx: Tx,
    caller: Caller,
    client_id: str,
    changes: Mapping[str, Any],
    *,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
) -> Client:
    """The client after a partial update. Raises NotFound, Invalid."""
    client = store.lock(tx, caller.scope, client_id)
    if client is None:
        raise NotFound
    return change(tx, caller, client, changes, catalogs=catalogs, at_ms=at_ms, screening=screening)


def change(
    tx: Tx,
    caller: Caller,
    client: Client,
    changes: Mapping[str, Any],
    *,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
    path: str = "",
) -> Client:
    """The changes are stored, with event and audit row; nothing happens when nothing differs. ``client`` is locked.

    The offline validation runs again when a field that it reads has changed, and SAT's lists are asked. Raises Invalid.
    """
    changed = client.changed(changes)
    before = client.to_wire()
    if changed.to_wire() == before:
        return client
    refuse_problems(changed, path)
    if needs_judging(client, changed):
        changed = judged(tx, changed, catalogs, screening, at_ms)
    changed = replace(changed, updated_ms=at_ms)
    store.save(tx, caller.scope, changed)
    body = changed.to_wire()
    events.append(tx, caller.scope, "customer.updated", client.id, json.dumps(body), at_ms)
    differences = _differences(before, body)
    audit.append(tx, caller.scope, Action.CLIENT_UPDATE, client.id, caller.actor, at_ms, changes=differences)
    return changed


def delete(tx: Tx, caller: Caller, client_id: str, *, at_ms: int) -> None:
    """The client and the links to its portal are gone; documents keep their copies. Raises NotFound, also the second time."""
    client = store.lock(tx, caller.scope, client_id)
    if client is None:
        raise NotFound
    store.mark_deleted(tx, caller.scope, client_id, at_ms)
    store_portal.end(tx, caller.scope, client_id)
    events.append(tx, caller.scope, "customer.deleted", client_id, json.dumps(client.to_wire()), at_ms)
    audit.append(tx, caller.scope, Action.CLIENT_DELETE, client_id, caller.actor, at_ms)


def refuse_problems(client: Client, path: str = "") -> None:
    """Raises Invalid when the client's fields do not fit together. path: where the client stands in the request."""
    problems = client.problems()
    if problems:
        prefix = f"{path}." if path else ""
        raise Invalid([FieldError(prefix + row.path, row.code, row.message, row.fix) for row in problems])


def judged(tx: Tx, client: Client, catalogs: Catalogs, screening: Screening, at_ms: int) -> Client:
    """The client with the outcome of the offline validation and what SAT's lists say of it."""
    verdict = check.offline(client, catalogs, keep_full_legal_name=keeps_full_names(tx, client))
    judged = replace(client, status=verdict.status, status_message=verdict.message)
    return screened(tx, judged, screening, at_ms)


def keeps_full_names(tx: Tx, client: Client) -> bool:
    """The setting of the client's team."""
    team = teams.team(tx, client.team_id)
    assert team is not None, "a scope names a team"
    return bool(team.settings["keep_full_legal_name"])


def needs_judging(before: Client, after: Client) -> bool:
    """True when they differ in something that the validation reads."""
    return (
        any(getattr(before, name) != getattr(after, name) for name in _JUDGED)
        or (before.address.zip, before.address.country) != (after.address.zip, after.address.country)
        or before.defaults["keep_full_legal_name"] != after.defaults["keep_full_legal_name"]
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in {**before, **after} if before.get(name) != after.get(name) and name != "updated_at"]
    return {name: {"old": before.get(name), "new": after.get(name)} for name in names}
