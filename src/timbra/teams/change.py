"""A team after an update, and what must be true of its fields together; create and update share it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from timbra.cfdi import codes
from timbra.cfdi.text import rfc_kind
from timbra.http.errors import FieldError, Invalid
from timbra.teams.store import Team

PLAIN: Final = ("legal_name", "tax_id", "tax_system", "support_email", "support_phone", "connect_enabled")
NAME_MAX: Final = 200


def changed(team: Team, changes: Mapping[str, Any]) -> Team:
    """The team after an update: absent keys stay, None clears, ``brand`` and ``address`` merge."""
    values: dict[str, Any] = {name: changes[name] for name in PLAIN if name in changes}
    if "metadata" in changes:
        values["metadata"] = changes["metadata"] or {}
    if "address" in changes:
        values["address"] = team.address.merged(changes["address"])
    if "brand" in changes:
        brand = changes["brand"]
        merged = {} if brand is None else {**team.brand, **brand}
        values["brand"] = {key: value for key, value in merged.items() if value is not None}
    after = replace(team, **values)
    if "name" in changes:
        after = replace(after, name=changes["name"] or fallback_name(after))
    return after


def fallback_name(team: Team) -> str:
    """What a team without a name of its own is called."""
    return str(team.brand.get("alias") or team.legal_name or team.tax_id or team.id)[:NAME_MAX]


def refuse_problems(team: Team) -> None:
    """Raises Invalid when the fields do not fit together."""
    problems = []
    zip_problem = team.address.zip_problem()
    if zip_problem is not None:
        problems.append(zip_problem)
    if team.tax_id is not None and team.tax_system is not None:
        person_type = rfc_kind(team.tax_id) or ""
        if not codes.regime_allowed(team.tax_system, person_type):
            text = f"{team.tax_system} is not a regime of a {person_type}"
            problems.append(FieldError("tax_system", "not_allowed", text))
    if problems:
        raise Invalid(problems)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Old and new value of what changed, for the audit log."""
    names = [name for name in after if before.get(name) != after[name] and name != "updated_at"]
    return {name: {"old": before.get(name), "new": after[name]} for name in names}
