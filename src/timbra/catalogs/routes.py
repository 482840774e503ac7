"""HTTP of SAT's catalogues (contract catalogs.md section 1). Nothing here belongs to a team."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from timbra.catalogs.fields import regime_code
from timbra.catalogs.shelf import TITLES, Shelf
from timbra.catalogs.wanted import Wanted
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.http.envelope import Hits
from timbra.http.errors import FieldError, Invalid, NotFound
from timbra.http.fields import Choice, QueryFlag, Rule, Text, Whole, refuse
from timbra.http.pagination import Place, not_a_cursor
from timbra.http.query import CURSOR_NAMES, Reader
from timbra.http.routing import Call, Router
from timbra.platform.clock import Clock
from timbra.platform.keyset import Slice

REACH: Final = 100_000  # rows that pages lead to
ORDER: Final = "rank"


@dataclass(frozen=True, slots=True)
class Day(Rule):
    """A date YYYY-MM-DD."""

    def check(self, value: Any) -> str:
        text = Text(max=40).check(value)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise refuse("format", "must be a date YYYY-MM-DD") from None
        if day.isoformat() != text:
            raise refuse("format", "must be a date YYYY-MM-DD", day.isoformat())
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, slots=True)
class OfSome(Rule):
    """A parameter that only some catalogues have: those check it by ``rule``, the others ignore it."""

    rule: Rule

    def check(self, value: Any) -> Any:
        return value

    def json_schema(self) -> dict[str, Any]:
        return self.rule.json_schema()


REGIME: Final = regime_code()
PERSON: Final = Choice("person", "company")
STATE: Final = Text(max=3)
FILTERS: Final[Mapping[str, Mapping[str, Rule]]] = {
    "cfdi_uses": {"tax_system": REGIME, "person_type": PERSON},
    "tax_regimes": {"person_type": PERSON},
    "zip_codes": {"state": STATE},
}
PARAMETERS: Final[Mapping[str, Rule]] = {
    "q": Text(max=200),
    "limit": Whole(min=1, max=100),
    "page": Whole(min=1, max=REACH),
    "as_of": Day(),
    "include_expired": QueryFlag(),
    **{name: OfSome(rule) for rules in FILTERS.values() for name, rule in rules.items()},
}
PER_PAGE: Final = 50


def routes(shelf: Shelf, clock: Clock) -> Router:
    """The operations on catalogues."""
    router = Router(tag="Catalogs")

    def today() -> str:
        return local_time(clock.now_ms(), CENTRAL).date().isoformat()

    @router.get("/catalogs", "Catalogs retrieved successfully")
    async def list_catalogs() -> Slice[Any]:
        content = shelf.content
        rows = [
            {
                "name": name,
                "title": TITLES[name],
                "count": catalog.count(),
                "version": content.version,
                "updated_at": content.updated_s,
            }
            for name, catalog in content.catalogs.items()
        ]
        return Slice(rows, len(rows), None)

    @router.get("/catalogs/{name}", "Catalog retrieved successfully", filters=PARAMETERS)
    async def find_entries(call: Call, name: str) -> Hits:
        found = shelf.catalog(name)
        if found is None:
            raise NotFound
        own, catalog = found
        wanted = _wanted(call, own, shelf.content.states, today())
        page = await asyncio.to_thread(catalog.find, wanted)
        end = wanted.offset + wanted.limit
        following = _cursor(call, end) if end < page.total and end + wanted.limit <= REACH else None
        return Hits(page.entries, page.total, wanted.offset // wanted.limit + 1, wanted.limit, following)

    @router.get("/catalogs/{name}/{code}", "Catalog entry retrieved successfully", filters={"as_of": Day()})
    async def get_entry(call: Call, name: str, code: str) -> Any:
        entry = shelf.entry(name, code, call.filters.get("as_of") or today())
        if entry is None:
            raise NotFound
        return entry

    return router


def _wanted(call: Call, name: str, states: frozenset[str], today: str) -> Wanted:
    """The page that is asked for. Raises Invalid with every problem that the catalogue has with the query."""
    reader = Reader(call.query)
    filters = {each: reader.take(each, rule) for each, rule in FILTERS.get(name, {}).items()}
    state = filters.get("state")
    if state is not None:
        filters["state"] = state.upper()
        if filters["state"] not in states:
            reader.problems.append(FieldError("state", "not_in_catalog", "is not a state of SAT's catalogue"))
    limit = call.filters.get("limit", PER_PAGE)
    offset = _offset(call, reader, limit)
    reader.done()
    return Wanted(
        day=call.filters.get("as_of") or today,
        q=call.filters.get("q"),
        include_expired=call.filters.get("include_expired", False),
        limit=limit,
        offset=offset,
        filters={each: value for each, value in filters.items() if value is not None},
    )


def _offset(call: Call, reader: Reader, limit: int) -> int:
    """Where the page begins: a multiple of its length."""
    cursor = next((each for each in CURSOR_NAMES if each in call.query), None)
    if cursor is None:
        page = call.filters.get("page", 1)
        if page * limit > REACH:
            reader.problems.append(FieldError("page", "max", f"page x limit must be at most {REACH}", REACH // limit))
        return int((page - 1) * limit)
    try:
        place = call.kit.cursors.decode(call.query[cursor], call.path, _scope(call), parameter=cursor)
    except Invalid as error:
        reader.problems.extend(error.fields)
        return 0
    if place.order_by != ORDER:
        reader.problems.append(not_a_cursor(cursor))
        return 0
    return int(place.position[0]) // limit * limit


def _cursor(call: Call, offset: int) -> str:
    return call.kit.cursors.encode(call.path, _scope(call), Place(ORDER, False, (offset, "")))


def _scope(call: Call) -> Any:
    assert call.caller is not None, "catalogues ask for a key"
    return call.caller.scope
