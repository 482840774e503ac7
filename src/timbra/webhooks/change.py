"""Make, change, delete an endpoint, and change its secret (contract §3)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, FieldError, InsufficientPermissions, Invalid, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.egress import NotSent, Reason
from timbra.platform.ids import new_id
from timbra.teams import store as teams
from timbra.webhooks import store, store_deliveries
from timbra.webhooks.model import ACTIVE, INACTIVE, Endpoint
from timbra.webhooks.parts import WebhookParts
from timbra.webhooks.schemas import CreateWebhook, Rotate, UpdateWebhook
from timbra.webhooks.signing import new_signing_secret

ENDPOINTS_MAX: Final = 50
SHOWN: Final = ("url", "events", "description", "status")
HIDDEN: Final = "***"
_WHY: Final = {
    Reason.DNS: "must name a host that exists",
    Reason.ADDRESS: "must name a public host",
    Reason.URL: "must be an https:// URL of a public host",
}


async def refuse_url(parts: WebhookParts, url: str | None) -> None:
    """Raises Invalid when the URL, if one is given, could not be called now."""
    if url is None:
        return
    try:
        await parts.egress.check(url)
    except NotSent as error:
        raise Invalid([FieldError("url", "format", _WHY[error.reason])]) from None


def create(tx: Tx, parts: WebhookParts, caller: Caller, body: CreateWebhook, at_ms: int) -> dict[str, Any]:
    """The new endpoint as the API shows it, this once with its secret. Raises InsufficientPermissions, BusinessRule."""
    scope = caller.scope
    team = teams.lock(tx, scope.team_id)
    if body.type is not None and (team is None or not team.connect_enabled):
        raise InsufficientPermissions("The team has no Connect: it does not hear of other teams")
    if store.count(tx, scope) >= ENDPOINTS_MAX:
        raise BusinessRule(f"A team has at most {ENDPOINTS_MAX} webhooks in each mode")
    endpoint_id, secret = new_id("wh"), new_signing_secret()
    headers = _headers(body)
    endpoint = Endpoint(
        id=endpoint_id,
        team_id=scope.team_id,
        livemode=scope.livemode,
        url=body.url,
        events=tuple(body.events or ()),
        description=body.description,
        status=body.status or ACTIVE,
        type=body.type,
        sealed_secret=parts.secrets.seal_secret(scope, endpoint_id, secret),
        sealed_previous=None,
        previous_until_ms=None,
        header_names=tuple(headers),
        sealed_headers=parts.secrets.seal_headers(scope, endpoint_id, headers),
        disabled_reason=None,
        failing_since_ms=None,
        last_success_ms=None,
        last_failure_ms=None,
        owner=caller.user_id,
        created_ms=at_ms,
        updated_ms=at_ms,
    )
    store.add(tx, scope, endpoint)
    audit.append(tx, scope, Action.WEBHOOK_CREATE, endpoint_id, caller.actor, at_ms, changes={"url": {"new": body.url}})
    return _with_secret(endpoint, secret, at_ms)


def _headers(body: CreateWebhook | UpdateWebhook) -> Mapping[str, str]:
    return (body.security.headers or {}) if body.security is not None else {}


def _with_secret(endpoint: Endpoint, secret: str, at_ms: int) -> dict[str, Any]:
    return {**endpoint.to_wire(at_ms), "secret": secret}


def update(
    tx: Tx, parts: WebhookParts, caller: Caller, endpoint_id: str, body: UpdateWebhook, at_ms: int
) -> dict[str, Any]:
    """The endpoint after a partial update; made active its failures are forgotten, inactive nothing waits. Raises NotFound."""
    endpoint = _locked(tx, caller, endpoint_id)
    changed = _changed(parts, endpoint, body)
    if changed == endpoint:
        return endpoint.to_wire(at_ms)
    changed = replace(changed, updated_ms=at_ms)
    store.save(tx, caller.scope, changed)
    if changed.status == INACTIVE and endpoint.is_active:
        store_deliveries.end_open(tx, caller.scope, endpoint_id, at_ms)
    changes = _differences(endpoint, changed)
    audit.append(tx, caller.scope, Action.WEBHOOK_UPDATE, endpoint_id, caller.actor, at_ms, changes=changes)
    return changed.to_wire(at_ms)


def _changed(parts: WebhookParts, endpoint: Endpoint, body: UpdateWebhook) -> Endpoint:
    sent = body.model_fields_set
    values: dict[str, Any] = {}
    if body.url is not None:
        values["url"] = body.url
    if "events" in sent:
        values["events"] = tuple(body.events or ())
    if "description" in sent:
        values["description"] = body.description
    if body.status is not None:
        values["status"] = body.status
    if body.status == ACTIVE:
        values |= {"disabled_reason": None, "failing_since_ms": None}
    if "security" in sent:
        headers = _headers(body)
        sealed = parts.secrets.seal_headers(endpoint.scope, endpoint.id, headers)
        values |= {"header_names": tuple(headers), "sealed_headers": sealed}
    return replace(endpoint, **values)


def _differences(before: Endpoint, after: Endpoint) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: {"old": _plain(getattr(before, name)), "new": _plain(getattr(after, name))}
        for name in SHOWN
        if getattr(before, name) != getattr(after, name)
    }
    if before.sealed_headers != after.sealed_headers:
        changes["security"] = {"old": HIDDEN, "new": HIDDEN}
    return changes


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def delete(tx: Tx, caller: Caller, endpoint_id: str, at_ms: int) -> dict[str, Any]:
    """The endpoint is gone, what waited for it has failed. Raises NotFound, also the second time."""
    endpoint = _locked(tx, caller, endpoint_id)
    store_deliveries.end_open(tx, caller.scope, endpoint_id, at_ms)
    store.remove(tx, caller.scope, endpoint_id)
    changes = {"url": {"old": endpoint.url}}
    audit.append(tx, caller.scope, Action.WEBHOOK_DELETE, endpoint_id, caller.actor, at_ms, changes=changes)
    return {"id": endpoint_id, "deleted": True}


def rotate(tx: Tx, parts: WebhookParts, caller: Caller, endpoint_id: str, body: Rotate, at_ms: int) -> dict[str, Any]:
    """The endpoint with a new secret, shown this once; until the overlap ends the old one signs too. Raises NotFound."""
    endpoint = _locked(tx, caller, endpoint_id)
    secret = new_signing_secret()
    overlaps = body.overlap_seconds > 0
    rotated = replace(
        endpoint,
        sealed_secret=parts.secrets.seal_secret(caller.scope, endpoint_id, secret),
        sealed_previous=endpoint.sealed_secret if overlaps else None,
        previous_until_ms=at_ms + body.overlap_seconds * 1_000 if overlaps else None,
        updated_ms=at_ms,
    )
    store.save(tx, caller.scope, rotated)
    audit.append(tx, caller.scope, Action.WEBHOOK_ROTATE, endpoint_id, caller.actor, at_ms)
    return _with_secret(rotated, secret, at_ms)


def _locked(tx: Tx, caller: Caller, endpoint_id: str) -> Endpoint:
    endpoint = store.lock(tx, caller.scope, endpoint_id)
    if endpoint is None:
        raise NotFound
    return endpoint
