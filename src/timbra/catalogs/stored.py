"""The large catalogues, looked up and searched in the compiled file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from timbra.catalogs.file import CompiledFile
from timbra.catalogs.near import Vocabulary
from timbra.catalogs.wanted import Entry, Found, Terms, Wanted, guessed, in_force, terms_of
from timbra.catalogs.words import key_of, words_of
from timbra.cfdi.catalogs import ZipInfo
from timbra.cfdi.zones import zone_of

HIGHEST: Final = "\U0010ffff"  # sorts behind every text that begins alike
NOTHING: Final = "0"


@dataclass(frozen=True, slots=True)
class Part:
    """A condition on the rows of a table."""

    condition: str
    given: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a catalogue lies in the file. columns: of an entry, code, name and period first; digits: of a numeric code."""

    table: str
    columns: str
    entry: Callable[[Sequence[Any]], dict[str, Any]]
    digits: int = 0
    has_names: bool = True
    listed: str = "1"  # rows that are searched; others are found by their full code alone


def _product(row: Sequence[Any]) -> dict[str, Any]:
    border, synonyms = row
    return {"border_stimulus": bool(border), "synonyms": [each for each in synonyms.split(", ") if each.strip()]}


def _unit(row: Sequence[Any]) -> dict[str, Any]:
    return {"description": row[0], "symbol": row[1]}


def _zip(row: Sequence[Any]) -> dict[str, Any]:
    state, municipality, locality, state_name, border, zone = row
    return {
        "state": state,
        "municipality": municipality,
        "locality": locality,
        "state_name": state_name,
        "border_stimulus": border,
        "time_zone": zone_of(ZipInfo(state, municipality, locality, border, zone)),
    }


PRODUCTS: Final = Shape(
    "products", "code, name, period, border_stimulus, synonyms", _product, digits=8, listed="name is not null"
)
UNITS: Final = Shape("units", "code, name, period, description, symbol", _unit)
ZIP_CODES: Final = Shape(
    "zip_codes",
    "code, code, period, state, municipality, locality,"
    " (select name from states where states.code = zip_codes.state), border_stimulus, zone",
    _zip,
    digits=5,
    has_names=False,
)


class Stored:
    """One large catalogue. Statements are put together of constants; what a caller sends is bound or quoted."""

    def __init__(self, file: CompiledFile, shape: Shape) -> None:
        self._file = file
        self._shape = shape
        self._periods = {at: (first, last) for at, first, last in file.rows("select * from periods")}

    def count(self) -> int:
        """Its entries, in force or not."""
        return self._counted(())

    def get(self, code: str, day: str) -> Entry | None:
        """An entry by its code in upper case."""
        where = self._of_code(code)
        rows = self._rows(f"where {where.condition}", where.given)
        return self._entry(rows[0], day) if rows else None

    def find(self, wanted: Wanted) -> Found:
        """A page: the full code, codes that begin with ``q``, names that do, then the rest by code."""
        ended = () if wanted.include_expired else self._ended(wanted.day)
        words = words_of(wanted.q)
        if wanted.q is None:
            return self._all(wanted, ended)
        if not words:
            return Found([], 0)
        total, ids = self._searched(words, wanted, ended)
        return Found(self._by_id(ids, wanted.day), total)

    def _all(self, wanted: Wanted, ended: Sequence[int]) -> Found:
        condition = f"{self._shape.listed} and {_without(ended)}"
        given: tuple[Any, ...] = ()
        state = wanted.filters.get("state")
        if state is not None:
            condition, given = f"{condition} and state = ?", (state,)
        page = (*given, wanted.limit, wanted.offset)
        rows = self._rows(f"where {condition} order by id limit ? offset ?", page)
        return Found([self._entry(row, wanted.day) for row in rows], self._counted(ended, state))

    def _counted(self, ended: Sequence[int], state: str | None = None) -> int:
        statement = "select coalesce(sum(rows), 0) from period_counts where catalog = ? and "
        statement += _without(ended) + (" and place = ?" if state is not None else "")
        return self._file.number(statement, (self._shape.table, *([state] if state is not None else [])))

    # --- search ----------------------------------------------------------------------------------------------------

    def _searched(self, words: list[str], wanted: Wanted, ended: Sequence[int]) -> tuple[int, list[int]]:
        """How many rows there are, and the ids of the page."""
        state = wanted.filters.get("state")
        match = _match(terms_of(words), ended, state)
        total = self._matching(match)
        silent = self._silent(words, ended)
        if not total and silent is None:
            terms = guessed(words, self._vocabulary)
            if terms is None:
                return 0, []
            match = _match(terms, ended, state)
            rest = Part(f"{self._search} match ?", (match,))
            return self._matching(match), self._page(self._search, "rowid", rest, wanted.limit, wanted.offset)
        if silent is not None and not total:
            return 1, [silent] if wanted.offset == 0 else []
        return total, self._ranked(words, match, wanted, ended)

    def _ranked(self, words: list[str], match: str, wanted: Wanted, ended: Sequence[int]) -> list[int]:
        """Ids of the page, from one group after the other; later groups leave out what earlier ones have."""
        ids: list[int] = []
        offset = wanted.offset
        before: list[Part] = []
        for group in self._first_groups(words, ended, wanted.filters.get("state")):
            part = _apart(group, before)
            size = self._file.number(f"select count(*) from {self._shape.table} where {part.condition}", part.given)  # noqa: S608
            if offset < size and len(ids) < wanted.limit:
                ids += self._page(self._shape.table, "id", part, wanted.limit - len(ids), offset)
            offset = max(0, offset - size)
            before.append(group)
        if len(ids) < wanted.limit:
            rest = Part(f"{self._search} match ?", (match,))
            for one in before:
                had = f"rowid not in (select id from {self._shape.table} where {one.condition})"  # noqa: S608
                rest = Part(f"{rest.condition} and {had}", (*rest.given, *one.given))
            ids += self._page(self._search, "rowid", rest, wanted.limit - len(ids), offset)
        return ids

    def _first_groups(self, words: list[str], ended: Sequence[int], state: str | None) -> Iterator[Part]:
        """Rows whose code begins with the only word, then those whose name begins with the words."""
        shared = f"{self._shape.listed} and {_without(ended)}" + (" and state = ?" if state is not None else "")
        more = (state,) if state is not None else ()
        code = self._begins_code(words[0]) if len(words) == 1 else None
        if code is not None:
            yield Part(f"{code.condition} and {shared}", (*code.given, *more))
        if self._shape.has_names:
            key = " ".join(words)
            yield Part(f"name_key >= ? and name_key < ? and {shared}", (key, key + HIGHEST, *more))

    def _begins_code(self, word: str) -> Part | None:
        digits, code = self._shape.digits, word.upper()
        if not digits:
            return Part("code >= ? and code < ?", (code, code + HIGHEST))
        if len(code) > digits or not (code.isascii() and code.isdigit()):
            return None
        return Part("id between ? and ?", (int(code.ljust(digits, "0")), int(code.ljust(digits, "9"))))

    def _of_code(self, code: str) -> Part:
        digits = self._shape.digits
        if not digits:
            return Part("code = ?", (code,))
        fits = len(code) == digits and code.isascii() and code.isdigit()
        return Part("id = ?", (int(code),)) if fits else Part(NOTHING)

    def _silent(self, words: list[str], ended: Sequence[int]) -> int | None:
        """Id of an entry without words whose full code is asked for."""
        if self._shape.listed == "1" or len(words) != 1:
            return None
        where = self._of_code(words[0].upper())
        condition = f"{where.condition} and not ({self._shape.listed}) and {_without(ended)}"
        row = self._file.one(f"select id from {self._shape.table} where {condition}", where.given)  # noqa: S608
        return None if row is None else int(row[0])

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        texts = self._file.one("select words, sounds from vocabularies where catalog = ?", (self._shape.table,))
        return Vocabulary.of_texts(*texts)

    @property
    def _search(self) -> str:
        return f"search_{self._shape.table}"

    def _matching(self, match: str) -> int:
        return self._file.number(f"select count(*) from {self._search} where {self._search} match ?", (match,))  # noqa: S608

    def _page(self, table: str, identity: str, part: Part, limit: int, offset: int) -> list[int]:
        statement = f"select {identity} from {table} where {part.condition} order by {identity} limit ? offset ?"  # noqa: S608
        return [row[0] for row in self._file.rows(statement, (*part.given, limit, offset))]

    # --- rows ------------------------------------------------------------------------------------------------------

    def _ended(self, day: str) -> list[int]:
        return [at for at, (first, last) in self._periods.items() if not in_force(first, last, day)]

    def _rows(self, rest: str, given: Sequence[Any]) -> list[Any]:
        return self._file.rows(f"select {self._shape.columns}, id from {self._shape.table} {rest}", given)  # noqa: S608

    def _by_id(self, ids: list[int], day: str) -> list[Entry]:
        marks = ", ".join("?" * len(ids))
        found = {row[-1]: row for row in self._rows(f"where id in ({marks})", ids)}
        return [self._entry(found[one], day) for one in ids]

    def _entry(self, row: Sequence[Any], day: str) -> Entry:
        code, name, period, *facts, _ = row
        first, last = self._periods[period]
        dates = {"valid_from": first, "valid_to": last, "in_force": in_force(first, last, day)}
        return {"code": code, "name": name, **dates, **self._shape.entry(facts)}


def _apart(part: Part, others: Sequence[Part]) -> Part:
    """The rows of one part that are in none of the others."""
    condition = "".join(f" and not ({one.condition})" for one in others)
    return Part(part.condition + condition, (*part.given, *(value for one in others for value in one.given)))


def _without(periods: Sequence[int]) -> str:
    return f"period not in ({', '.join(map(str, periods))})" if periods else "1"


def _match(terms: Terms, ended: Sequence[int], state: str | None) -> str:
    """The full-text expression. Words are letters and digits only, so that quoting them is enough."""
    every = " AND ".join("(" + " OR ".join(f'"{spelling}" *' for spelling in term) + ")" for term in terms)
    match = f"words : ({every})"
    if state is not None:
        match = f'({match}) AND (place : "s{key_of(state)}")'
    if ended:
        out = " OR ".join(f'"p{period}"' for period in ended)
        match = f"({match}) NOT (period : ({out}))"
    return match
