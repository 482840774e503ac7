"""Make a service, from its own body or from a document's line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from timbra.catalogs.taxes import from_stored
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.money import micro
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid
from timbra.platform import audit, events, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.services import store
from timbra.services.model import ONE, Service, unit_name_of
from timbra.teams.settings import TeamSettings

PLAIN: Final = ("description", "sku", "taxability")


def add(
    tx: Tx,
    caller: Caller,
    fields: Mapping[str, Any],
    *,
    origin: str,
    settings: TeamSettings,
    catalogs: Catalogs,
    at_ms: int,
) -> Service:
    """A new service with its event and audit row; what ``fields`` leaves out comes from the team's settings.

    origin: ``api``, ``inline``. Raises Invalid.
    """
    service = built(caller, fields, origin=origin, settings=settings, catalogs=catalogs, at_ms=at_ms)
    problems = unknown_keys(service, catalogs)
    if problems:
        raise Invalid(problems)
    store_all(tx, caller, [(service, told(service))])
    return service


def built(
    caller: Caller,
    fields: Mapping[str, Any],
    *,
    origin: str,
    settings: TeamSettings,
    catalogs: Catalogs,
    at_ms: int,
) -> Service:
    """The service that ``fields`` describe; nothing is stored, and its keys are still to be checked."""
    scope = caller.scope
    blank = Service(
        id=new_id("service"),
        team_id=scope.team_id,
        livemode=scope.livemode,
        owner=caller.user_id,
        origin=origin,
        created_ms=at_ms,
        updated_ms=at_ms,
        description=fields["description"],
        unit_price=micro(fields["unit_price"]),
        product_key=settings["product_key"],
        unit_key=settings["unit_key"],
        unit_name=unit_name_of(settings["unit_key"], settings, catalogs),
        taxes=from_stored(settings["taxes"]),
    )
    given = {name: value for name, value in fields.items() if value is not None}
    return changed(blank, {"sku": settings["sku"], **given}, settings, catalogs)


def told(service: Service) -> bytes:
    """What the event of a new service says of it."""
    return json.dumps(service.to_wire())


def store_all(tx: Tx, caller: Caller, new: Sequence[tuple[Service, bytes]]) -> None:
    """The services are stored with what their events say and with audit rows, in a handful of statements."""
    if not new:
        return
    scope, at_ms = caller.scope, new[0][0].created_ms
    store.add(tx, scope, *(service for service, _ in new))
    events.append_all(tx, scope, "service.created", ((service.id, body) for service, body in new), at_ms)
    audit.append_all(tx, scope, Action.SERVICE_CREATE, [(service.id, None) for service, _ in new], caller.actor, at_ms)


def changed(service: Service, changes: Mapping[str, Any], settings: TeamSettings, catalogs: Catalogs) -> Service:
    """The service after an update: absent keys stay, None clears or restores the default."""
    values: dict[str, Any] = {name: changes[name] for name in PLAIN if name in changes}
    if "unit_price" in changes:
        values["unit_price"] = micro(changes["unit_price"])
    if "quantity" in changes:
        values["quantity"] = ONE if changes["quantity"] is None else micro(changes["quantity"])
    if "product_key" in changes:
        values["product_key"] = changes["product_key"] or settings["product_key"]
    if "taxes" in changes:
        taxes = changes["taxes"]
        values["taxes"] = from_stored(settings["taxes"]) if taxes is None else tuple(tax.line_tax for tax in taxes)
    if "metadata" in changes:
        values["metadata"] = changes["metadata"] or {}
    values["unit_key"], values["unit_name"] = _unit(service, changes, settings, catalogs)
    return replace(service, **values)


def _unit(
    service: Service, changes: Mapping[str, Any], settings: TeamSettings, catalogs: Catalogs
) -> tuple[str, str | None]:
    """Key and name of the unit; a new key renames it unless the old name was the caller's own."""
    key = service.unit_key
    if "unit_key" in changes:
        key = changes["unit_key"] or settings["unit_key"]
    if "unit_name" in changes:
        return key, changes["unit_name"] or unit_name_of(key, settings, catalogs)
    names_of_old = (None, unit_name_of(service.unit_key, settings, catalogs), catalogs.unit_name(service.unit_key))
    if key != service.unit_key and service.unit_name in names_of_old:
        return key, unit_name_of(key, settings, catalogs)
    return key, service.unit_name


def unknown_keys(service: Service, catalogs: Catalogs, path: str = "") -> list[FieldError]:
    """What SAT's catalogues know nothing of: product key, unit key. path: where the service stands in the request."""
    prefix = f"{path}." if path else ""
    problems = []
    if not catalogs.product_exists(service.product_key):
        fix = catalogs.nearest_product(service.product_key)
        problems.append(FieldError(f"{prefix}product_key", "not_in_catalog", "is not in the SAT catalogue", fix))
    if catalogs.unit_name(service.unit_key) is None:
        fix = catalogs.nearest_unit(service.unit_key)
        problems.append(FieldError(f"{prefix}unit_key", "not_in_catalog", "is not in the SAT catalogue", fix))
    return problems
