"""What differs between two states of SAT's data, table by table."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from timbra.catalogs.file import CompiledFile
from timbra.catalogs.shelf import TITLES
from timbra.catalogs.small import known_of, small_catalogs

_LARGE: Final = {"product_keys": "products", "unit_keys": "units", "zip_codes": "zip_codes"}
_NAMELESS: Final = "zip_codes"

Row = tuple[str | None, str | None]
"""name, last day"""


@dataclass(slots=True)
class Change:
    """Codes of one catalogue: new ones, those that got an earlier or a first last day, those with another name, those
    that are not listed any more, and those listed that this release has no rules for."""

    catalog: str
    rows: int
    added: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    without_rules: list[str] = field(default_factory=list)


def between(before: Path, after: Path) -> list[Change]:
    """The changes of every catalogue, in the order of the API."""
    old, new = CompiledFile(before), CompiledFile(after)
    return [_large(name, old, new) if name in _LARGE else _small(name, old, new) for name in TITLES]


def _large(name: str, old: CompiledFile, new: CompiledFile) -> Change:
    return _compared(name, _rows(old, _LARGE[name]), _rows(new, _LARGE[name]))


def _rows(file: CompiledFile, table: str) -> dict[str, Row]:
    name = "''" if table == _NAMELESS else "name"
    statement = f"select code, {name}, valid_to from {table} join periods on periods.id = period"  # noqa: S608
    return {code: (text, last) for code, text, last in file.rows(statement)}


def _small(name: str, old: CompiledFile, new: CompiledFile) -> Change:
    """The codes are those that this release has rules for; others, which nobody can use yet, are told apart."""
    before, after = known_of(old), known_of(new)
    own = small_catalogs(after)[name].names()
    change = _compared(name, small_catalogs(before)[name].names(), own)
    listed_before = {code for catalog, code in before if catalog == name}
    listed = {code for catalog, code in after if catalog == name}
    change.removed = sorted(listed_before - listed) if listed else []
    change.without_rules = sorted(listed - own.keys())
    return change


def _compared(name: str, old: dict[str, Row], new: dict[str, Row]) -> Change:
    shared = sorted(old.keys() & new.keys())
    return Change(
        name,
        len(new),
        added=sorted(new.keys() - old.keys()),
        ended=[code for code in shared if new[code][1] is not None and new[code][1] != old[code][1]],
        renamed=[code for code in shared if new[code][0] != old[code][0]],
        removed=sorted(old.keys() - new.keys()),
    )
