"""Put a checked CSD into a team's slot, with all that follows from it (contract teams.md section 9)."""

from dataclasses import replace
from typing import Any

from timbra.cfdi.text import rfc_kind
from timbra.credentials import csd
from timbra.credentials.parts import CredentialParts
from timbra.credentials.upload import CheckedCsd, refuse_other_rfc
from timbra.http.caller import Caller
from timbra.http.errors import NotFound
from timbra.platform import events, json
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store as teams
from timbra.teams.store import Team
from timbra.teams.store_connect import master_scope

NAME_MAX = 300


def own_rfc(team: Team) -> str | None:
    """The RFC that the team's certificates must have; None while it has none, or a generic one."""
    if team.tax_id is None or rfc_kind(team.tax_id) in ("generic", "foreign"):
        return None
    return team.tax_id


def connect(tx: Tx, parts: CredentialParts, caller: Caller, checked: CheckedCsd, at_ms: int) -> dict[str, Any]:
    """The CSD signs for the team and mode from now on; the reply's ``data``.

    Call ``Signers.forget`` after the transaction. Raises BusinessRule when the team's RFC changed meanwhile.
    """
    scope, certificate = caller.scope, checked.certificate
    team = teams.lock(tx, scope.team_id)
    if team is None:
        raise NotFound.at("id")
    refuse_other_rfc(certificate, own_rfc(team))
    facts = csd.store_csd(tx, scope, checked, opener=parts.opener, actor=caller.actor, at_ms=at_ms)
    filled = _filled(team, rfc=certificate.rfc, name=certificate.name[:NAME_MAX])
    if filled != team:
        teams.save(tx, replace(filled, updated_ms=at_ms))
    tell(tx, parts, scope, "teams.sat.completed", at_ms)
    return {
        "completed": True,
        "tax_id": facts.rfc,
        "legal_name": facts.name,
        "certificate_number": facts.number,
        "valid_from": facts.not_before_ms // 1000,
        "csd_expires_at": facts.not_after_ms // 1000,
        "connected_at": facts.connected_ms // 1000,
        "environment": facts.environment,
    }


def _filled(team: Team, *, rfc: str, name: str) -> Team:
    """The team with what it lacked."""
    filled = team if own_rfc(team) is not None else replace(team, tax_id=rfc)
    return filled if filled.legal_name else replace(filled, legal_name=name or None)


def tell(tx: Tx, parts: CredentialParts, scope: TeamScope, type_: str, at_ms: int) -> None:
    """The team with Connect hears of this one: the event holds the team as the API shows it."""
    body = json.dumps(parts.show_team(tx, scope))
    events.append(tx, master_scope(tx, scope), type_, scope.team_id, body, at_ms)
