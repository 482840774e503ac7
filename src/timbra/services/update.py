"""Change and delete a service."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.http.caller import Caller
from timbra.http.errors import Invalid, NotFound
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.services import store
from timbra.services.create import changed, unknown_keys
from timbra.services.model import Service
from timbra.teams.settings import TeamSettings


def update(
    tx: Tx,
    caller: Caller,
    service_id: str,
    changes: Mapping[str, Any],
    *,
    settings: TeamSettings,
    catalogs: Catalogs,
    at_ms: int,
) -> Service:
    """The service after a partial update; existing documents keep theirs. Raises NotFound, Invalid."""
    scope = caller.scope
    service = store.lock(tx, scope, service_id)
    if service is None:
        raise NotFound
    after = changed(service, changes, settings, catalogs)
    old = service.to_wire()
    if after.to_wire() == old:
        return service
    problems = unknown_keys(after, catalogs)
    if problems:
        raise Invalid(problems)
    after = replace(after, updated_ms=at_ms)
    store.save(tx, scope, after)
    new = after.to_wire()
    events.append(tx, scope, "service.updated", service_id, json.dumps(new), at_ms)
    names = [name for name in new if new[name] != old[name] and name != "updated_at"]
    differences = {name: {"old": old[name], "new": new[name]} for name in names}
    audit.append(tx, scope, Action.SERVICE_UPDATE, service_id, caller.actor, at_ms, changes=differences)
    return after


def delete(tx: Tx, caller: Caller, service_id: str, *, at_ms: int) -> None:
    """The service is gone; documents keep their lines. Raises NotFound, also the second time."""
    service = store.lock(tx, caller.scope, service_id)
    if service is None:
        raise NotFound
    store.mark_deleted(tx, caller.scope, service_id, at_ms)
    events.append(tx, caller.scope, "service.deleted", service_id, json.dumps(service.to_wire()), at_ms)
    audit.append(tx, caller.scope, Action.SERVICE_DELETE, service_id, caller.actor, at_ms)
