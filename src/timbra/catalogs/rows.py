"""What the compiled catalogues are made of, whoever it comes from. Dates are YYYY-MM-DD, None where the source has none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from typing import Final

MEXICO_STATES: Final = "where pais = 'MEX'"
BORDER: Final = {"0": "none", "1": "north", "2": "south"}
_NO_PLACE: Final = frozenset({"0", "00", "000", ""})

Dates = tuple[str | None, str | None]
Product = tuple[str, str | None, str, bool, str | None, str | None]
"""code, name, synonyms, border stimulus, first day, last day"""
Unit = tuple[str, str | None, str | None, str | None, str | None, str | None]
"""code, name, description, symbol, first day, last day"""
Zip = tuple[str, str, str | None, str | None, str, str, str | None, str | None]
"""code, state, municipality, locality, border stimulus, SAT's name of the time zone (may be empty), first, last day"""
Place = tuple[str, str, str]
"""state, code, name"""
Small = tuple[str, str, str, str | None, str | None]
"""catalogue, code, name, first day, last day"""


@dataclass(frozen=True, slots=True)
class Rows:
    """Every row of one source, and the date of its data."""

    version: str
    products: list[Product]
    units: list[Unit]
    zips: list[Zip]
    states: list[tuple[str, str]]
    municipalities: list[Place]
    localities: list[Place]
    small: list[Small]


def merged(base: Rows, newer: Rows, listed_only: frozenset[str]) -> Rows:
    """The newer rows, with what only the base has: ``listed_only`` product keys, and time zones the newer leave out.

    Units are spelled as SAT's schema does (DX, where the published list says Dx).
    """
    known = {row[0] for row in newer.products}
    old = [row for row in base.products if row[0] in listed_only and row[0] not in known]
    zones = {row[0]: row[5] for row in base.zips}
    of_state = {row[1]: row[5] for row in base.zips}
    zips: list[Zip] = [(*row[:5], row[5] or zones.get(row[0]) or _zone(of_state, row), *row[6:]) for row in newer.zips]
    spelled = {row[0].upper(): row[0] for row in base.units}
    units: list[Unit] = [(spelled.get(row[0].upper(), row[0]), *row[1:]) for row in newer.units]
    return replace(newer, products=sorted(newer.products + old, key=itemgetter(0)), units=units, zips=zips)


def _zone(of_state: Mapping[str, str], row: Zip) -> str:
    zone = of_state.get(row[1])
    if zone is None:
        raise ValueError(f"the time zone of the postal code {row[0]} is not known")
    return zone


def tidy(name: str) -> str:
    """A name without the blanks that SAT's spreadsheets hold at its ends and twice in a row."""
    return " ".join(name.split())


def place(code: str) -> str | None:
    """SAT's code of a municipality or locality; it writes zeros where it names none."""
    return None if code in _NO_PLACE else code


def iso(text: str) -> str | None:
    """YYYY-MM-DD of a date written so or as DD-MM-YYYY, None of an empty text. Raises ValueError."""
    if not text:
        return None
    parts = text.split("-")
    if len(parts) == 3 and len(parts[2]) == 4:
        parts.reverse()
    return date(*map(int, parts)).isoformat()
