"""Find the services that lines refer to, and make those that are missing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.money import micro
from timbra.http.caller import Caller
from timbra.http.errors import Conflict, FieldError, Invalid, NotFound
from timbra.http.search_fields import METADATA_PREFIX
from timbra.platform.db import Database, Tx
from timbra.services import store
from timbra.services.create import built, store_all, told, unknown_keys
from timbra.services.line_body import LineBody
from timbra.services.model import Service
from timbra.services.schemas import CreateService
from timbra.services.store import Sought
from timbra.teams.settings import TeamSettings

MATCHES_SHOWN = 10
FEW_LINES = 20  # more are looked up beside the event loop

FIELDS = tuple(CreateService.model_fields)

Lines = Sequence[tuple[int, LineBody]]
New = dict[Sought, tuple[Service, bytes]]


@dataclass(frozen=True, slots=True)
class Matches:
    """What one reading found: by id, and by search."""

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

    One reading unit, a writing one when ``auto_create`` has to make something, none when no line refers to a service;
    the number of their statements does not grow with the lines but with every thousand of them.
    Raises NotFound, Conflict, Invalid with every line concerned.
    """
    referring = [(at, line) for at, line in enumerate(lines) if line.id is not None or line.search is not None]
    if not referring:
        return {}
    look = database.look if len(referring) <= FEW_LINES else database.read
    matches = await look(partial(_read, caller, referring))
    missing = _check(referring, matches)
    if missing:
        make = partial(_new_services, caller, missing, settings, catalogs, at_ms)
        new = make() if len(missing) <= FEW_LINES else await asyncio.to_thread(make)
        made = await database.write(partial(_create, caller, new))
        matches.by_search.update({sought: [service] for sought, service in made.items()})
    found = {at: service for at, line in referring if (service := _match(line, matches)) is not None}
    _check_prices(referring, found)
    return found


def _sought(line: LineBody) -> Sought:
    assert line.search is not None
    value = line.search_value
    assert value is not None, "the schema asks for a value"
    return store.sought(line.search.on_key, value)


def _read(caller: Caller, referring: Lines, tx: Tx) -> Matches:
    ids = {line.id for _, line in referring if line.id is not None}
    searches = {_sought(line) for _, line in referring if line.id is None}
    return Matches(store.get_many(tx, caller.scope, ids), store.find(tx, caller.scope, searches, MATCHES_SHOWN))


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


def _new_services(caller: Caller, missing: Lines, settings: TeamSettings, catalogs: Catalogs, at_ms: int) -> New:
    """The service to be made for each search, from the first line that has it, and what its event says.

    Raises Invalid where description or price is absent, or SAT does not know a key.
    """
    absent = [
        FieldError(f"items[{at}].{name}", "required", "is required to create the service")
        for at, line in missing
        for name in ("description", "unit_price")
        if getattr(line, name) is None
    ]
    if absent:
        raise Invalid(absent)
    first: dict[Sought, tuple[int, LineBody]] = {}
    for at, line in missing:
        first.setdefault(_sought(line), (at, line))
    new: New = {}
    problems: list[FieldError] = []
    for sought, (at, line) in first.items():
        fields = _fields(line)
        service = built(caller, fields, origin="inline", settings=settings, catalogs=catalogs, at_ms=at_ms)
        problems += unknown_keys(service, catalogs, f"items[{at}]")
        new[sought] = service, told(service)
    if problems:
        raise Invalid(problems)
    return new


def _fields(line: LineBody) -> dict[str, Any]:
    """What the line says about its service, which the same search shall find the next time."""
    assert line.search is not None
    fields = {name: getattr(line, name) for name in FIELDS}
    key, value = line.search.on_key, line.search_value
    name = key.removeprefix(METADATA_PREFIX)
    if key == "sku" and line.sku is None:
        fields["sku"] = value
    elif name != key and name not in (line.metadata or {}):
        fields["metadata"] = {**(line.metadata or {}), name: value}
    return fields


def _create(caller: Caller, new: New, tx: Tx) -> dict[Sought, Service]:
    """The service of each search: one that appeared meanwhile, or the new one, which is stored."""
    store.hold(tx, caller.scope, new)
    known = store.find(tx, caller.scope, new, 1)
    keys = {key for key, _ in new}
    made: dict[Sought, Service] = {}
    fresh: list[tuple[Service, bytes]] = []
    for sought in sorted(new):
        if known[sought]:
            made[sought] = known[sought][0]
        elif sought not in made:  # else a service of this very document answers this search too
            service = new[sought][0]
            fresh.append(new[sought])
            answered = {sought, *(store.sought_by(service, key) for key in keys)}
            made.update({one: service for one in answered if one is not None and one in new and one not in made})
    store_all(tx, caller, fresh)
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
