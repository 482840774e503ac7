"""HTTP of SAT's lists (contract sat-lists.md). Any valid key: the data are public, the same for all teams and both modes."""

from typing import Any, Final

from timbra.cfdi.text import clean_rfc, rfc_kind
from timbra.http.envelope import Answer
from timbra.http.errors import FieldError, Invalid
from timbra.http.fields import Text
from timbra.http.routing import Call, Router
from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.sat_lists import look_up, store
from timbra.sat_lists.lists import LISTS, SatList
from timbra.sat_lists.load import LOST_AFTER_MS
from timbra.sat_lists.store import ListState

STALE_AFTER_MS: Final = 8 * 24 * 3_600_000
CHECKED: Final = "RFC checked successfully"
RFC_FORM: Final = "must be an RFC: 12 characters of a company or 13 of a person, with a real date"


def routes(database: Database, clock: Clock) -> Router:
    """The operations on SAT's lists."""
    router = Router(tag="SAT lists")

    @router.get("/sat-lists", "SAT lists retrieved successfully")
    async def list_sat_lists() -> Answer:
        states, now_ms = await database.read(store.states), clock.now_ms()
        shown = [list_json(each, states[each.id], now_ms) for each in LISTS]
        return Answer(shown, beside={"next": None, "has_more": False, "total_results": len(shown)})

    async def checked(rfc: str | None) -> dict[str, Any]:
        wanted, now_ms = listed_rfc(rfc), clock.now_ms()
        return await database.read(lambda tx: look_up.check(tx, wanted, now_ms))

    @router.get("/sat-lists/check", CHECKED, filters={"rfc": Text(max=160)})
    async def check_by_query(call: Call) -> dict[str, Any]:
        return await checked(call.filters.get("rfc"))

    @router.get("/sat-lists/check/{rfc}", CHECKED, free_params=frozenset({"rfc"}))
    async def check_by_path(rfc: str) -> dict[str, Any]:
        return await checked(rfc)

    return router


def listed_rfc(text: str | None) -> str:
    """The RFC cleaned. Raises Invalid when it is absent, none, or one that stands for nobody in particular."""
    if not text:
        raise Invalid([FieldError("rfc", "required", "is required")])
    rfc = clean_rfc(text)
    kind = rfc_kind(rfc)
    if kind is None:
        raise Invalid([FieldError("rfc", "format", RFC_FORM)])
    if kind not in ("company", "person"):
        raise Invalid([FieldError("rfc", "not_allowed", f"{rfc} is a generic RFC, which is on no list")])
    return rfc


def list_json(sat_list: SatList, state: ListState, now_ms: int) -> dict[str, Any]:
    """One list of the reply."""
    is_fresh = state.synced_ms is not None and now_ms - state.synced_ms <= STALE_AFTER_MS
    return {
        "list": sat_list.id,
        "label": sat_list.label,
        "source": "SAT",
        "description": sat_list.description,
        "is_risky": sat_list.is_risky,
        "affects_efos": sat_list.affects_efos,
        "entries": state.entries,
        "stale": not is_fresh,
        "last_sync": _last_sync(state, now_ms),
    }


def _last_sync(state: ListState, now_ms: int) -> dict[str, Any]:
    """The last attempt; one that nobody can be working on any more has failed."""
    is_lost = state.status == "running" and (state.started_ms or 0) < now_ms - LOST_AFTER_MS
    return {
        "status": "failed" if is_lost else state.status,
        "started_at": _seconds(state.started_ms),
        "synced_at": _seconds(state.synced_ms),
        "source_date": state.source_date,
        "entries": state.entries,
        "added": state.added,
        "removed": state.removed,
        "error": "interrupted: the server stopped" if is_lost else state.error,
    }


def _seconds(at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms // 1000
