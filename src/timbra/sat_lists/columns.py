"""Titles and cells of SAT's list files: which column holds what, and what a row says."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from timbra.cfdi.text import clean_rfc, rfc_kind
from timbra.platform.folding import fold
from timbra.sat_lists.lists import Layout, Published

TEXT_MAX: Final = 500
AMOUNT_MAX: Final = Decimal(10) ** 15
BIS_CLEARED: Final = "sentencia favorable"  # who won before a court is no longer what the list of 69-B Bis says
STAGES: Final = {"presun": "presumed", "desvirtu": "rebutted", "definitiv": "definitive", "sentencia": "favorable"}

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})|(\d{4})-(\d{2})-(\d{2})")
_PERSON_TYPES: Final = {"m": "company", "moral": "company", "f": "person", "fisica": "person"}


class Skipped(Enum):
    """Why a row is left out."""

    NO_RFC = "no rfc"
    NOT_LISTED = "not listed"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list, as it is kept and shown."""

    list: str
    rfc: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file has what. ``width``: cells that a whole row has at least."""

    layout: Layout
    at: dict[str, int]
    notices: tuple[int, ...]
    published: tuple[tuple[str, int], ...]

    @property
    def width(self) -> int:
        """Cells up to the last column that is read."""
        return max((*self.at.values(), *self.notices, *(index for _, index in self.published))) + 1

    def place(self, published: Published, cells: Sequence[str]) -> tuple[str, str] | Skipped:
        """(list, RFC) of a row, or why it is left out."""
        rfc = clean_rfc(self._cell(cells, "rfc") or "")
        if rfc_kind(rfc) not in ("company", "person"):
            return Skipped.NO_RFC
        situation = _folded(self._cell(cells, "situation") or "")
        if self.layout is Layout.DEBTORS:
            return Skipped.NOT_LISTED if situation == BIS_CLEARED else (published.lists[0].id, rfc)
        found = next((each.id for each in published.lists if each.situation == situation), None)
        return Skipped.NOT_LISTED if found is None else (found, rfc)

    def row(self, published: Published, cells: Sequence[str]) -> Row | Skipped:
        """What the row says, or why it is left out."""
        place = self.place(published, cells)
        if isinstance(place, Skipped):
            return place
        list_, rfc = place
        return Row(list_, rfc, self._debt(cells, rfc) if self.layout is Layout.DEBTORS else self._procedure(cells))

    def _procedure(self, cells: Sequence[str]) -> dict[str, Any]:
        notices = dict.fromkeys(text for index in self.notices if (text := _text(cells, index)))
        return {
            "name": self._cell(cells, "name"),
            "situation": self._cell(cells, "situation"),
            "notices": list(notices),
            "published": {name: day for name, index in self.published if (day := _day(_text(cells, index)))},
        }

    def _debt(self, cells: Sequence[str], rfc: str) -> dict[str, Any]:
        person_type = _PERSON_TYPES.get(_folded(self._cell(cells, "person_type") or "").removeprefix("persona "))
        days = (_day(_text(cells, index)) for _, index in self.published)
        return {
            "name": self._cell(cells, "name"),
            "person_type": person_type or rfc_kind(rfc),
            "assumption": self._cell(cells, "assumption") or self._cell(cells, "situation"),
            "amount": _amount(self._cell(cells, "amount")),
            "state": self._cell(cells, "state"),
            "published": next((day for day in days if day is not None), None),
        }

    def _cell(self, cells: Sequence[str], name: str) -> str | None:
        index = self.at.get(name)
        return None if index is None else _text(cells, index)


def titles_of(layout: Layout, cells: Sequence[str]) -> Columns | None:
    """The columns when these cells are the titles of the layout, else None."""
    titles = [fold(cell).replace(".", "").strip() for cell in cells]
    at: dict[str, int] = {}
    for index, title in enumerate(titles):
        name = next((name for name, fits in _TITLES.items() if title and fits(title)), None)
        if name is not None:
            at.setdefault(name, index)
    needed = {"rfc", "name"} | ({"situation"} if layout is Layout.PRESUMED else set())
    if not needed <= at.keys():
        return None
    if layout is Layout.DEBTORS:
        return Columns(layout, at, (), _days_of(titles))
    notices = tuple(index for index, title in enumerate(titles) if "oficio" in title)
    stages = tuple((name, index) for index, title in enumerate(titles) if (name := _stage(title)))
    return Columns(layout, at, notices, stages)


_TITLES: Final[dict[str, Callable[[str], bool]]] = {
    "rfc": lambda title: title == "rfc",
    "situation": lambda title: title.startswith("situacion"),
    "assumption": lambda title: title.startswith(("supuesto", "motivo")),
    "person_type": lambda title: title.startswith(("tipo persona", "tipo de persona")),
    "amount": lambda title: title.startswith(("monto", "importe")),
    "state": lambda title: title.startswith("entidad"),
    "name": lambda title: "razon social" in title or title.startswith(("nombre", "contribuyente", "denominacion")),
}


def _stage(title: str) -> str | None:
    """``definitive_dof`` of "Publicación DOF definitivos"."""
    if not title.startswith("publicacion"):
        return None
    stage = next((name for word, name in STAGES.items() if word in title), None)
    return None if stage is None else f"{stage}_{'dof' if ' dof' in title else 'sat'}"


def _days_of(titles: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """The columns that tell when it was published, the first publication before the others."""
    found = [(title, index) for index, title in enumerate(titles) if "publicacion" in title and "oficio" not in title]
    return tuple(sorted(found, key=lambda pair: ("primera" not in pair[0], pair[1])))


def _text(cells: Sequence[str], index: int) -> str | None:
    """One line of text without control characters, at most TEXT_MAX long."""
    if index >= len(cells):
        return None
    return _CONTROLS.sub(" ", cells[index]).strip()[:TEXT_MAX] or None


@lru_cache(maxsize=10_000)
def _day(text: str | None) -> str | None:
    """The day of ``01/06/2018`` in ISO 8601; None when it is none."""
    found = _DAY.fullmatch(text or "")
    if found is None:
        return None
    day, month, year, iso_year, iso_month, iso_day = found.groups()
    try:
        return date(int(year or iso_year), int(month or iso_month), int(day or iso_day)).isoformat()
    except ValueError:
        return None


@lru_cache(maxsize=1_000)
def _folded(text: str) -> str:
    return fold(text)


def _amount(text: str | None) -> Decimal | None:
    """Pesos of ``$1,234.56``; None when it is no amount."""
    if text is None:
        return None
    try:
        amount = Decimal(text.replace("$", "").replace(",", "").replace(" ", ""))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < AMOUNT_MAX else None
