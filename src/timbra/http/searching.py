"""Search operations (contract search.md): the query, its page, and the envelope.

    searching.declare(router, "/clients/search", "Clients retrieved successfully", search, KIND, load)

``load(tx, caller, ids)`` gives the objects of the ids as the API shows them, in their order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from timbra.http.caller import Caller
from timbra.http.envelope import Hits
from timbra.http.errors import FieldError, Invalid
from timbra.http.fields import Instant, Rule, Text, Whole, refuse
from timbra.http.pagination import Place, not_a_cursor
from timbra.http.query import BOUNDS, CURSOR_NAMES, Reader, created_window
from timbra.http.routing import Call, Router
from timbra.platform.db import Tx
from timbra.platform.search.find import Asked
from timbra.platform.search.kinds import Kind
from timbra.platform.search.service import Search

QUERY_LENGTH: Final = 200
REACH: Final = 10_000  # rows that pages can show
DEFAULT_LIMIT: Final = 10
_CURSOR: Final = "search"

_LIMIT = Whole(min=1, max=100)
_PAGE = Whole(min=1, max=REACH)
_QUERY = Text(max=QUERY_LENGTH)
_CREATED = {f"created[{bound}]": Instant() for bound in BOUNDS}

Load = Callable[[Tx, Caller, Sequence[str]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class FieldNames(Rule):
    """A comma list of searched fields."""

    known: tuple[str, ...]

    def check(self, value: Any) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        unknown = sorted(set(names) - set(self.known))
        if unknown or not names:
            raise refuse("enum", f"must be some of {', '.join(self.known)}")
        return tuple(dict.fromkeys(names))

    def json_schema(self) -> dict[str, Any]:
        one = f"({'|'.join(re.escape(name) for name in self.known)})"
        return {"type": "string", "pattern": f"^{one}(,{one})*$"}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one search: a rule for each parameter, which is also the name that entries give their values.

    unless: values that are left out unless the parameter asks for them.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    unless: Mapping[str, str] = field(default_factory=dict)

    def never(self, given: Mapping[str, Any]) -> dict[str, str]:
        """What is left out."""
        return {name: value for name, value in self.unless.items() if given.get(name) != value}


NO_FILTERS = Filters()


def declare(
    router: Router, path: str, message: str, search: Search, kind: Kind, load: Load, filters: Filters = NO_FILTERS
) -> None:
    """The operation is part of the router."""
    names = FieldNames(tuple(one.name for one in kind.fields))
    own = {"q": _QUERY, "page": _PAGE, "limit": _LIMIT, "per_page": _LIMIT, "next": Text(max=512), "fields": names}

    async def answer(call: Call, caller: Caller) -> Hits:
        asked, page = _read(call, caller, names, filters)
        rows, total = await search.find(caller.scope, kind.name, asked, lambda tx, ids: load(tx, caller, ids))
        return _hits(call, caller, rows, total, page, asked.limit)

    router.get(path, message, reads={**own, **filters.rules, **_CREATED}, needs=frozenset({"q"}))(answer)


def _read(call: Call, caller: Caller, names: FieldNames, filters: Filters) -> tuple[Asked, int]:
    """The search and its page. Raises Invalid with every problem."""
    reader = Reader(call.query)
    if "q" not in call.query:
        reader.problems.append(FieldError("q", "required", "is required: what is searched for"))
    query = reader.take("q", _QUERY, "")
    limit = reader.take("limit", _LIMIT) or reader.take("per_page", _LIMIT) or DEFAULT_LIMIT
    page = reader.take("page", _PAGE, 1)
    given = {name: reader.take(name, rule) for name, rule in filters.rules.items() if name in call.query}
    given = {name: value for name, value in given.items() if value is not None}
    fields = reader.take("fields", names, names.known)
    from_ms, to_ms = created_window(reader)
    page = _page_of_cursor(call, caller, reader) or page
    if page * limit > REACH:
        reader.problems.append(FieldError("page", "max", f"pages end at row {REACH:,}".replace(",", " ")))
    reader.done()
    asked = Asked(
        query,
        fields,
        only={name: str(value) for name, value in given.items()},
        never=filters.never(given),
        from_ms=from_ms,
        to_ms=to_ms,
        offset=(page - 1) * limit,
        limit=limit,
    )
    return asked, page


def _page_of_cursor(call: Call, caller: Caller, reader: Reader) -> int | None:
    name = next((name for name in CURSOR_NAMES if name in call.query), None)
    if name is None:
        return None
    try:
        place = call.kit.cursors.decode(call.query[name], call.path, caller.scope, parameter=name)
    except Invalid as error:
        reader.problems.extend(error.fields)
        return None
    if place.order_by != _CURSOR:
        reader.problems.append(not_a_cursor(name))
        return None
    return int(place.position[0])


def _hits(call: Call, caller: Caller, rows: Sequence[Any], total: int, page: int, limit: int) -> Hits:
    following = None
    if page * limit < total and (page + 1) * limit <= REACH:
        place = Place(_CURSOR, descending=False, position=(page + 1, ""))
        following = call.kit.cursors.encode(call.path, caller.scope, place)
    return Hits(rows, total, page, limit, following)
