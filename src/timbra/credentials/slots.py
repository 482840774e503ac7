"""What a team's certificate slots show: the ``sat`` object (contract teams.md section 9)."""

from typing import Any

from timbra.credentials import store, store_manifests
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


def sat_object(tx: Tx, scope: TeamScope, now_ms: int) -> dict[str, Any]:
    """The slot of the mode; ``completed`` says that a CSD is there and has not ended."""
    csd = store.current(tx, scope)
    signed_ms = store_manifests.last_signed_ms(tx, scope)
    return {
        "completed": csd is not None and csd.not_after_ms > now_ms,
        "tax_id": csd.rfc if csd else None,
        "certificate_number": csd.number if csd else None,
        "csd_expires_at": csd.not_after_ms // 1000 if csd else None,
        "connected_at": csd.created_ms // 1000 if csd else None,
        "environment": csd.environment if csd else None,
        "manifest": {"signed": signed_ms is not None, "signed_at": signed_ms // 1000 if signed_ms else None},
    }


def rfcs(tx: Tx, team_id: str) -> set[str]:
    """RFCs of the CSDs in use, of both slots."""
    found = [store.current(tx, TeamScope(team_id, livemode)) for livemode in (True, False)]
    return {csd.rfc for csd in found if csd is not None}
