"""Series of a team and their counters (contract teams.md section 6)."""

from collections.abc import Mapping
from dataclasses import replace

from timbra.http.caller import Caller
from timbra.http.errors import AlreadyExists, BusinessRule, FieldError, NotFound
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store_series
from timbra.teams.parts import TeamParts
from timbra.teams.store_series import Series

LIVE_BY_NAME: Mapping[str, bool] = {"live": True, "test": False}


def create(tx: Tx, parts: TeamParts, caller: Caller, new: Series, *, at_ms: int) -> Series:
    """The series exists. Raises AlreadyExists, BusinessRule for a counter below a folio in use."""
    if not store_series.add_if_new(tx, caller.scope.team_id, new):
        problem = FieldError("series", "duplicate", "exists already")
        raise AlreadyExists(problem.text, fields=[problem])
    for name, livemode in LIVE_BY_NAME.items():
        _refuse_used(tx, parts, TeamScope(caller.scope.team_id, livemode), new.name, name, getattr(new, name))
    audit.append(tx, caller.scope, Action.SERIES_CREATE, new.name, caller.actor, at_ms)
    return new


def update(
    tx: Tx, parts: TeamParts, caller: Caller, name: str, counters: Mapping[str, int | None], *, at_ms: int
) -> Series:
    """The series with new counters; absent ones stay. counters: by ``live`` and ``test``. Raises NotFound, BusinessRule."""
    before = store_series.lock(tx, caller.scope.team_id, name)
    if before is None:
        raise NotFound.at("seriesId")
    after = before
    for mode, folio in counters.items():
        if folio is None or folio == getattr(before, mode):
            continue
        scope = TeamScope(caller.scope.team_id, LIVE_BY_NAME[mode])
        _refuse_used(tx, parts, scope, name, mode, folio)
        store_series.set_counter(tx, scope, name, folio)
        after = replace(after, live=folio) if scope.livemode else replace(after, test=folio)
    if after != before:
        changes = {mode: {"old": getattr(before, mode), "new": getattr(after, mode)} for mode in LIVE_BY_NAME}
        audit.append(tx, caller.scope, Action.SERIES_UPDATE, name, caller.actor, at_ms, changes=changes)
    return after


def _refuse_used(tx: Tx, parts: TeamParts, scope: TeamScope, name: str, mode: str, folio: int) -> None:
    highest = parts.highest_folio(tx, scope, name)
    if folio < highest:
        problem = FieldError(mode, "min", f"must be at least {highest}, the highest folio in use", highest)
        raise BusinessRule(problem.text, fields=[problem])
