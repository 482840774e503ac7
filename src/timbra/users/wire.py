"""Users as the API shows them (contract users.md section 1)."""

from typing import Any, Final

from timbra.platform.db import Tx
from timbra.teams import store_people
from timbra.teams.store_people import User

NO_TEAM: Final = "member"


def row_json(user: User, role: str | None) -> dict[str, Any]:
    """The object of lists. role: in the effective team, None for a user who is not in it."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": user.phone,
        "company_role": user.company_role,
        "role": role or NO_TEAM,
        "address": user.address.to_short_wire(),
        "created_at": user.created_ms // 1000,
        "updated_at": user.updated_ms // 1000,
        "billing_account": user.billing_account,
    }


def user_json(tx: Tx, user: User, team_id: str) -> dict[str, Any]:
    """The object of single replies, as seen from the team."""
    assert user.billing_account is not None, "users without an account are never shown"
    teams = store_people.teams_of(tx, user.id, user.billing_account)
    role = store_people.role_in(tx, team_id, user.id)
    return row_json(user, role) | {
        "last_login": user.last_login_ms // 1000 if user.last_login_ms is not None else None,
        "teams": [{"team_id": id_, "team_name": name, "role": role} for id_, name, role in teams],
    }
