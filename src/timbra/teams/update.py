"""Change a team's data and its settings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.http.caller import Caller
from timbra.http.errors import AlreadyExists, Conflict, FieldError, InsufficientPermissions, Invalid, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.teams import store
from timbra.teams.change import changed, differences, refuse_problems
from timbra.teams.parts import TeamParts
from timbra.teams.store import Team
from timbra.teams.wire import team_json

BIMONTHLY_REGIME = "621"


def update(tx: Tx, parts: TeamParts, caller: Caller, changes: Mapping[str, Any], *, at_ms: int) -> dict[str, Any]:
    """The team as the API shows it after a partial update. Raises Invalid, Conflict, InsufficientPermissions."""
    team = _locked(tx, caller)
    after = changed(team, changes)
    refuse_problems(after)
    _refuse_connect(tx, caller, team, after)
    if after.tax_id is not None and after.tax_id != team.tax_id:
        connected = sorted(set(parts.csd_rfcs(tx, team.id)) - {after.tax_id})
        if connected:
            problem = FieldError("tax_id", "conflict", f"differs from the RFC of the connected CSD: {connected[0]}")
            raise Conflict(problem.text, fields=[problem])
    if after == team:
        return team_json(tx, parts, team, livemode=caller.scope.livemode)
    after = replace(after, updated_ms=at_ms)
    before = team_json(tx, parts, team, livemode=caller.scope.livemode)
    store.save(tx, after)
    shown = team_json(tx, parts, after, livemode=caller.scope.livemode)
    audit.append(tx, caller.scope, Action.TEAM_UPDATE, team.id, caller.actor, at_ms, changes=differences(before, shown))
    return shown


def _locked(tx: Tx, caller: Caller) -> Team:
    team = store.lock(tx, caller.scope.team_id)
    if team is None:
        raise NotFound.at("id")
    return team


def _refuse_connect(tx: Tx, caller: Caller, team: Team, after: Team) -> None:
    if after.connect_enabled == team.connect_enabled:
        return
    home = store.team(tx, caller.home_team)
    if home is None or not home.connect_enabled:
        raise InsufficientPermissions("connect_enabled is changed by a key whose team has Connect")


def update_settings(
    tx: Tx, caller: Caller, changes: Mapping[str, Any], *, catalogs: Catalogs, at_ms: int
) -> dict[str, Any]:
    """All settings in force after a partial update. Raises Invalid, AlreadyExists for a portal name in use."""
    team = _locked(tx, caller)
    _refuse_unknown(changes, team, catalogs)
    settings = team.settings.changed(changes)
    before, shown = team.settings.to_wire(), settings.to_wire()
    slug = settings["customer_portal_id"]
    if slug is not None:
        holder = store.with_portal(tx, slug)
        if holder is not None and holder.id != team.id:
            raise slug_taken()
    if shown != before:
        store.save(tx, replace(team, settings=settings, updated_ms=at_ms))
        audit.append(
            tx, caller.scope, Action.TEAM_SETTINGS, team.id, caller.actor, at_ms, changes=differences(before, shown)
        )
    return shown


def slug_taken() -> AlreadyExists:
    """The refusal of a portal name that another team has."""
    problem = FieldError("customer_portal_id", "duplicate", "is in use on this server")
    return AlreadyExists(problem.text, fields=[problem])


def _refuse_unknown(changes: Mapping[str, Any], team: Team, catalogs: Catalogs) -> None:
    problems = []
    key = changes.get("product_key")
    if key is not None and not catalogs.product_exists(key):
        problems.append(_not_listed("product_key", catalogs.nearest_product(key)))
    unit = changes.get("unit_key")
    if unit is not None and catalogs.unit_name(unit) is None:
        problems.append(_not_listed("unit_key", catalogs.nearest_unit(unit)))
    for position, row in enumerate(changes.get("allowed_product_codes") or ()):
        if not catalogs.product_exists(row["key"]):
            fix = catalogs.nearest_product(row["key"])
            problems.append(_not_listed(f"allowed_product_codes[{position}].key", fix))
    if changes.get("periodicity") == "two_months" and team.tax_system != BIMONTHLY_REGIME:
        text = f"two_months is for issuers of regime {BIMONTHLY_REGIME}"
        problems.append(FieldError("periodicity", "not_allowed", text, "month"))
    if problems:
        raise Invalid(problems)


def _not_listed(path: str, fix: str | None) -> FieldError:
    return FieldError(path, "not_in_catalog", "is not in the SAT catalogue", fix)
