"""Find the services that lines refer to, and make those that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.money import micro
from timbra.http.caller import Caller
from timbra.http.errors import Conflict, FieldError, Invalid, NotFound
from timbra.platform.db import Database, Tx
from timbra.services import store
from timbra.services.create import add
from timbra.services.line_body import LineBody
from timbra.services.model import Service
from timbra.teams.settings import TeamSettings

MATCHES_SHOWN = 10

Lines = Sequence[tuple[int, LineBody]]
Sought = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """What one reading found: by id, and by search key and value."""

    by_id: dict[str, Service]
    by_search: dict[Sought, list[Service]]


async def services_of(
    database: Database,
    caller: Caller,
    lines: Sequence[LineBody],
    settings: TeamSettings,
    catalogs: Catalogs,
    at_ms: int,
) -> dict[int, Service]:
    """The service of each line that refers to one, by the line's position.

    One reading unit, a writing one when ``auto_create`` has to make something, none when no line refers to a service.
    Raises NotFound, Conflict, Invalid with every line concerned.
    """
    referring = [(at, line) for at, line in enumerate(lines) if line.id is not None or line.search is not None]
    if not referring:
        return {}
    matches = await database.look(partial(_read, caller, referring))
    missing = _check(referring, matches)
    if missing:
        fields = _fields_to_create(missing)
        made = await database.write(partial(_create, caller, fields, settings, catalogs, at_ms))
        matches.by_search.update({sought: [service] for sought, service in made.items()})
    found = {at: service for at, line in referring if (service := _match(line, matches)) is not None}
    _check_prices(referring, found)
    return found


def _sought(line: LineBody) -> Sought:
    assert line.search is not None
    value = line.search_value
    assert value is not None, "the schema asks for a value"
    return line.search.on_key, value


def _read(caller: Caller, referring: Lines, tx: Tx) -> Matches:
    ids = {line.id for _, line in referring if line.id is not None}
    searches = {_sought(line) for _, line in referring if line.id is None}
    found = {(key, value): store.find(tx, caller.scope, key, value, MATCHES_SHOWN) for key, value in searches}
    return Matches(store.get_many(tx, caller.scope, ids), found)


def _match(line: LineBody, matches: Matches) -> Service | None:
    if line.id is not None:
        return matches.by_id.get(line.id)
    found = matches.by_search[_sought(line)]
    return found[0] if found else None


def _check(referring: Lines, matches: Matches) -> Lines:
    """The lines whose service has to be made. Raises NotFound and Conflict for the others that have not exactly one."""
    absent, ambiguous, missing = [], [], []
    for at, line in referring:
        if line.id is not None:
            if line.id not in matches.by_id:
                absent.append(FieldError(f"items[{at}].id", "not_found", "not found"))
            continue
        assert line.search is not None
        found = matches.by_search[_sought(line)]
        path = f"items[{at}].search.on_value"
        if len(found) > 1:
            ids = ", ".join(service.id for service in found)
            ambiguous.append(FieldError(path, "conflict", f"matches several services: {ids}"))
        elif not found and line.search.auto_create:
            missing.append((at, line))
        elif not found:
            absent.append(FieldError(path, "not_found", "not found"))
    if absent:
        raise NotFound(absent[0].text, fields=absent)
    if ambiguous:
        raise Conflict(ambiguous[0].text, fields=ambiguous)
    return missing


def _fields_to_create(missing: Lines) -> dict[Sought, tuple[int, dict[str, Any]]]:
    """Position and fields of the first line per search. Raises Invalid where description or price is absent."""
    problems = [
        FieldError(f"items[{at}].{name}", "required", "is required to create the service")
        for at, line in missing
        for name in ("description", "unit_price")
        if getattr(line, name) is None
    ]
    if problems:
        raise Invalid(problems)
    wanted: dict[Sought, tuple[int, dict[str, Any]]] = {}
    for at, line in missing:
        key, value = _sought(line)
        own = {"sku": value} if key == "sku" and line.sku is None else {}
        wanted.setdefault((key, value), (at, {**dict(line), **own}))
    return wanted


def _create(
    caller: Caller,
    wanted: dict[Sought, tuple[int, dict[str, Any]]],
    settings: TeamSettings,
    catalogs: Catalogs,
    at_ms: int,
    tx: Tx,
) -> dict[Sought, Service]:
    made: dict[Sought, Service] = {}
    for key, value in sorted(wanted):  # one order for everybody, so that two requests cannot wait for each other
        at, fields = wanted[key, value]
        store.hold(tx, caller.scope, key, value)
        known = store.find(tx, caller.scope, key, value, 1)
        made[key, value] = (
            known[0]
            if known
            else add(
                tx,
                caller,
                fields,
                origin="inline",
                settings=settings,
                catalogs=catalogs,
                at_ms=at_ms,
                path=f"items[{at}]",
            )
        )
    return made


def _check_prices(referring: Lines, found: dict[int, Service]) -> None:
    """Raises Conflict where ``safety_check`` asks for the service's price and the line has another."""
    problems = [
        FieldError(f"items[{at}].unit_price", "conflict", f"is not the price of {found[at].id}")
        for at, line in referring
        if line.id is None
        and line.search is not None
        and line.search.safety_check
        and line.unit_price is not None
        and micro(line.unit_price) != found[at].unit_price
    ]
    if problems:
        raise Conflict(problems[0].text, fields=problems)
