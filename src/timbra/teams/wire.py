"""Teams, series and integrations as the API shows them (contract teams.md sections 1, 6 and 11)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams import store_people
from timbra.teams.parts import TeamParts
from timbra.teams.store import Removal, Team
from timbra.teams.store_people import User
from timbra.teams.store_series import Series

BRAND_KEYS: Final = ("alias", "primary_color", "secondary_color", "logo")
PROVIDERS: Final = (
    "stripe", "adyen", "paypal", "zettle", "conekta", "openpay", "clip", "clockpms", "pagoralia", "dlocal",
    "woocommerce", "mercadopago", "mercadolibre", "airtable", "shopify", "bank", "sheets", "netsuite", "whatsapp",
    "zapier", "whmcs", "hilos", "sat", "sat_download", "factus",
)  # fmt: skip


def team_json(tx: Tx, parts: TeamParts, team: Team, *, livemode: bool, with_members: bool = True) -> dict[str, Any]:
    """The object of the API; ``sat`` tells of the slot of ``livemode``. Lists leave ``members`` out."""
    sat = parts.sat_of(tx, TeamScope(team.id, livemode), parts.clock.now_ms())
    shown: dict[str, Any] = {
        "id": team.id,
        "name": team.name,
        "legal_name": team.legal_name,
        "tax_id": team.tax_id,
        "tax_system": team.tax_system,
        "address": team.address.to_short_wire(),
        "brand": {key: team.brand.get(key) for key in BRAND_KEYS},
        "support_email": team.support_email,
        "support_phone": team.support_phone,
        "metadata": dict(team.metadata),
        "settings": team.settings.to_wire(),
        "sat": dict(sat),
        "integrations": integrations_json(tx, parts, team.id, sat),
        "billing": {"credits": None},
        "billing_account": team.billing_account,
        "connect_enabled": team.connect_enabled,
        "account_type": team.account_type,
        "status": team.status,
        "scheduled_deletion": removal_json(team.removal),
        "owner": team.owner,
    }
    if with_members:
        shown["members"] = _members_json(store_people.members(tx, team.id))
    return shown | {"created_at": team.created_ms // 1000, "updated_at": team.updated_ms // 1000}


def removal_json(removal: Removal | None) -> dict[str, Any] | None:
    """``scheduled_deletion``, its times in milliseconds."""
    if removal is None:
        return None
    return {"date": removal.at_ms, "flagged_at": removal.flagged_ms, "flagged_by": removal.flagged_by}


def integrations_json(tx: Tx, parts: TeamParts, team_id: str, sat: Mapping[str, Any]) -> dict[str, Any]:
    """One entry per provider."""
    connected = parts.connected(tx, team_id)
    shown: dict[str, Any] = {name: {"completed": name in connected} for name in PROVIDERS}
    shown["sat"] = {name: sat[name] for name in ("completed", "certificate_number", "csd_expires_at")}
    return shown


def _members_json(members: Sequence[tuple[User, str]]) -> list[dict[str, Any]]:
    return [{"id": user.id, "email": user.email, "name": user.name, "role": role} for user, role in members]


def series_json(series: Series) -> dict[str, Any]:
    """The object of the API."""
    return {
        "id": series.name,
        "series": series.name,
        "live": series.live,
        "test": series.test,
        "created_at": series.created_ms // 1000,
    }
