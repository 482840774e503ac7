"""POST /clients/validate/{id}: the configured provider's verdict and SAT's lists, stored with the client."""

from dataclasses import replace
from functools import partial
from typing import Any

from timbra.clients import store
from timbra.clients.check import Check, Verdict
from timbra.clients.model import Client
from timbra.clients.parts import ClientParts
from timbra.clients.screening import Screening, screened
from timbra.clients.update import keeps_full_names, needs_judging
from timbra.http.caller import Caller
from timbra.http.errors import Conflict, NotFound
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx


async def validate(parts: ClientParts, caller: Caller, client_id: str) -> dict[str, Any]:
    """The client as it is stored afterwards, with ``checks``. The provider is asked between two units of work.

    Raises NotFound; Unavailable, ExternalFailure when the provider does not answer; Conflict when the client was
    changed meanwhile. Nothing is stored then.
    """
    client, keep_full = await parts.database.read(partial(_look_up, caller, client_id))
    verdict = await parts.validator.verdict(client, keep_full_legal_name=keep_full)
    at_ms = parts.clock.now_ms()
    stored = await parts.database.write(partial(_store, caller, client, verdict, parts.screening, at_ms))
    return stored.to_wire() | {"checks": [_row(check) for check in verdict.checks]}


def _row(check: Check) -> dict[str, Any]:
    return {"field": check.field, "ok": check.ok, "message": check.message, "fix": check.fix}


def _look_up(caller: Caller, client_id: str, tx: Tx) -> tuple[Client, bool]:
    client = store.get(tx, caller.scope, client_id)
    if client is None:
        raise NotFound
    return client, keeps_full_names(tx, client)


def _store(caller: Caller, judged: Client, verdict: Verdict, screening: Screening, at_ms: int, tx: Tx) -> Client:
    """judged: the client as the provider saw it."""
    scope = caller.scope
    before = store.lock(tx, scope, judged.id)
    if before is None:
        raise NotFound
    if needs_judging(before, judged):
        raise Conflict("The client was changed while it was validated")
    after = screened(tx, before, screening, at_ms)
    after = replace(after, status=verdict.status, status_message=verdict.message)
    is_news = _told(before) != _told(after)
    if is_news:
        after = replace(after, updated_ms=at_ms)
    store.save(tx, scope, after)
    if is_news:
        events.append(tx, scope, "customer.updated", after.id, json.dumps(after.to_wire()), at_ms)
    audit.append(tx, scope, Action.CLIENT_VALIDATE, after.id, caller.actor, at_ms, outcome=verdict.status)
    return after


def _told(client: Client) -> tuple[Any, ...]:
    """What subscribers are told of when it changes (contract clients.md section 8)."""
    risky = None if client.sat_status is None else (client.sat_status["efos"], client.sat_status["is_risky"])
    return client.status, risky
