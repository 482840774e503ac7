"""Query strings: the common list parameters and the filters of one endpoint, every problem at once.

A list handler declares ``listing: ListQuery``: ``listing.window`` goes to the store, ``listing.filters["status"]`` holds
the checked filters of the route's ``filters={...}`` (absent ones are missing).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import PydanticCustomError

from timbra.http.errors import FieldError, Invalid
from timbra.http.fields import MILLISECONDS_FROM, Choice, Instant, Rule, Whole
from timbra.http.pagination import Cursors, Place, not_a_cursor
from timbra.platform.keyset import Window
from timbra.platform.scope import TeamScope

MAX_METADATA_FILTERS = 10
CURSOR_NAMES = ("next", "starting_after", "cursor")
BOUNDS = ("gte", "gt", "lte", "lt")

_METADATA = re.compile(r"metadata(?:\.(?P<dot>.{1,40})|_(?P<bar>.{1,40})|\[(?P<box>.{1,40})\])", re.DOTALL)
_LIMIT = Whole(min=1, max=100)
_PAGE = Whole(min=1, max=1_000_000)
_SORT = Choice("asc", "desc")
_TIME = Instant()

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A checked list request. ``path`` is what its cursors are bound to."""

    window: Window
    filters: Mapping[str, Any]
    path: str


def parse(query_string: bytes) -> dict[str, str]:
    """The parameters that have a value; of repeated ones the last counts."""
    if not query_string:
        return {}
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=False)
    return {name: value.strip() for name, value in pairs if value.strip()}


class Reader:
    """Takes checked values out of a query and collects what is wrong with it."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.problems: list[FieldError] = []

    def take(self, name: str, rule: Rule, default: Any = None) -> Any:
        """The checked value of a parameter, ``default`` when it is absent or bad."""
        text = self.parameters.get(name)
        if text is None:
            return default
        try:
            return rule.check(text)
        except PydanticCustomError as error:
            context = error.context or {}
            self.problems.append(FieldError(name, error.type, context["reason"], context.get("fix")))
            return default

    def done(self) -> None:
        """Raises Invalid when anything was wrong."""
        if self.problems:
            raise Invalid(self.problems)


def read_filters(parameters: Parameters, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The checked parameters of an endpoint that is no list. Raises Invalid."""
    reader = Reader(parameters)
    filters = _filters(reader, rules)
    reader.done()
    return filters


def read_list(
    parameters: Parameters,
    *,
    path: str,
    scope: TeamScope,
    cursors: Cursors,
    filters: Mapping[str, Rule],
    orders: tuple[str, ...] = ("timestamp", "name"),
) -> ListQuery:
    """The list request of a query. Raises Invalid with every problem."""
    reader = Reader(parameters)
    limit = reader.take("limit", _LIMIT, 10)
    page = reader.take("page", _PAGE, 1)
    order_by = reader.take("order_by", Choice(*orders))
    sort = reader.take("sort", _SORT)
    earliest, latest = created_window(reader)
    checked = _filters(reader, filters)
    place = _cursor(reader, path, scope, cursors, order_by, sort)
    metadata = _metadata(reader)
    reader.done()
    window = Window(
        order_by=place.order_by if place else order_by or "timestamp",
        descending=place.descending if place else sort != "asc",
        after=place.position if place else None,
        limit=limit,
        offset=0 if place else (page - 1) * limit,
        created_from_ms=earliest,
        created_to_ms=latest,
        metadata=metadata,
    )
    return ListQuery(window, checked, path)


def _filters(reader: Reader, rules: Mapping[str, Rule]) -> dict[str, Any]:
    found = {name: reader.take(name, rule) for name, rule in rules.items() if name in reader.parameters}
    return {name: value for name, value in found.items() if value is not None}


def _cursor(
    reader: Reader, path: str, scope: TeamScope, cursors: Cursors, order_by: str | None, sort: str | None
) -> Place | None:
    name = next((name for name in CURSOR_NAMES if name in reader.parameters), None)
    if name is None:
        return None
    try:
        place = cursors.decode(reader.parameters[name], path, scope, parameter=name)
    except Invalid as error:
        reader.problems.extend(error.fields)
        return None
    agrees = (order_by or place.order_by) == place.order_by and (sort or "x") in ("x", _sort_name(place))
    if not agrees:
        reader.problems.append(not_a_cursor(name))
    return place


def _sort_name(place: Place) -> str:
    return "desc" if place.descending else "asc"


def created_window(reader: Reader) -> tuple[int | None, int | None]:
    """The creation window in milliseconds, both ends inclusive; a bound in seconds stands for its whole second."""
    lowest: list[int] = []
    highest: list[int] = []
    for bound in BOUNDS:
        for name in (f"created[{bound}]", f"created_{bound}"):
            at = reader.take(name, _TIME)
            if at is None:
                continue
            span = 1 if _is_milliseconds(reader.parameters[name]) else 1000
            if bound in ("gte", "gt"):
                lowest.append(at if bound == "gte" else at + span)
            else:
                highest.append(at + span - 1 if bound == "lte" else at - 1)
    return max(lowest, default=None), min(highest, default=None)


def _is_milliseconds(text: str) -> bool:
    if text.lstrip("+").isdigit():
        return int(text) > MILLISECONDS_FROM
    return "." in text


def _metadata(reader: Reader) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in reader.parameters.items():
        match = _METADATA.fullmatch(name)
        if match is None:
            continue
        if "\0" in name + value:
            reader.problems.append(FieldError("metadata", "format", "must not contain U+0000"))
        found.append((match["dot"] or match["bar"] or match["box"], value))
    if len(found) > MAX_METADATA_FILTERS:
        reader.problems.append(FieldError("metadata", "max_items", f"at most {MAX_METADATA_FILTERS} filters"))
    return tuple(found)
