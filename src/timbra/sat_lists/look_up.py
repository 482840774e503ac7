"""What the lists say of an RFC: ``sat_status`` of a client, and the reply of a check (contract sat-lists.md section 4)."""

from collections.abc import Collection, Mapping
from typing import Any

from timbra.platform.db import Tx
from timbra.sat_lists import store
from timbra.sat_lists.lists import BY_ID, EFOS, LISTS, ORDER
from timbra.sat_lists.store import Entry

Status = Mapping[str, Any]


class LookUp:
    """Looks RFCs up in the lists in force. Stateless: it is what other rooms are handed."""

    def status(self, tx: Tx, rfc: str, at_ms: int) -> Status | None:
        """``sat_status`` of the RFC: is_risky, efos, hits, checked_at (s). None while no list is loaded."""
        return self.statuses(tx, [rfc], at_ms).get(rfc)

    def statuses(self, tx: Tx, rfcs: Collection[str], at_ms: int) -> dict[str, Status]:
        """``status`` of many; {} while no list is loaded."""
        loaded = store.loaded(tx)
        if not loaded:
            return {}
        hits: dict[str, list[dict[str, Any]]] = {rfc: [] for rfc in rfcs}
        for entry in store.entries_of(tx, rfcs):
            hits[entry.rfc].append(_hit(entry))
        has_efos = not loaded.isdisjoint(EFOS)
        return {rfc: _status(found, has_efos=has_efos, at_ms=at_ms) for rfc, found in hits.items()}


def check(tx: Tx, rfc: str, at_ms: int) -> dict[str, Any]:
    """The reply of a check; an RFC that is on no list is a result too."""
    loaded = store.loaded(tx)
    hits = [_hit(entry) for entry in store.entries_of(tx, [rfc])]
    status = _status(hits, has_efos=not loaded.isdisjoint(EFOS), at_ms=at_ms)
    return {
        "rfc": rfc,
        "is_listed": bool(hits),
        "is_risky": status["is_risky"],
        "efos": status["efos"],
        "hits": status["hits"],
        "lists_checked": len(loaded),
        "lists_missing": [each.id for each in LISTS if each.id not in loaded],
        "checked_at": status["checked_at"],
    }


def _status(hits: list[dict[str, Any]], *, has_efos: bool, at_ms: int) -> dict[str, Any]:
    ordered = sorted(hits, key=lambda hit: (not hit["is_risky"], ORDER[hit["list"]]))
    is_clean = not any(BY_ID[hit["list"]].affects_efos for hit in hits)
    return {
        "is_risky": any(hit["is_risky"] for hit in hits),
        "efos": {"is_valid": is_clean} if has_efos else None,
        "hits": ordered,
        "checked_at": at_ms // 1000,
    }


def _hit(entry: Entry) -> dict[str, Any]:
    on = BY_ID[entry.list]
    return {"list": on.id, "label": on.label, "source": "SAT", "is_risky": on.is_risky, "detail": entry.detail}
