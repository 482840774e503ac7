"""The compiled catalogue file: its tables, and the full-text index beside them.

A row's ``id`` grows with its code, so that what the index finds comes in the order of the codes. ``period`` names the
days on which a row is in force; the index holds it as a word, so that rows out of force cost no look at the table.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

from timbra.catalogs.near import Vocabulary
from timbra.catalogs.rows import Rows
from timbra.catalogs.words import key_of, words_of

_SEARCH: Final = """
create virtual table {name} using fts5(words, period, place,
    content='', columnsize=0, detail=column, prefix='1 2', tokenize="unicode61 remove_diacritics 0");
"""
TABLES: Final = """
create table meta (name text primary key, value text not null) without rowid;
create table sources (name text primary key, version text not null, sha256 text not null) without rowid;
create table row_counts (name text primary key, rows integer not null) without rowid;
create table periods (id integer primary key, valid_from text, valid_to text);
create table period_counts (catalog text, period integer, place text, rows integer not null,
                            primary key (catalog, period, place)) without rowid;
create table products (id integer primary key, code text not null, name text, synonyms text not null,
                       border_stimulus integer not null, period integer not null, name_key text not null);
create table units (id integer primary key, code text not null unique collate nocase, name text, description text, symbol text,
                    period integer not null, name_key text not null);
create table zip_codes (id integer primary key, code text not null, state text not null, municipality text,
                        locality text, border_stimulus text not null, zone text not null, period integer not null);
create table states (code text primary key, name text not null) without rowid;
create table municipalities (state text, code text, name text not null, primary key (state, code)) without rowid;
create table localities (state text, code text, name text not null, primary key (state, code)) without rowid;
create table vocabularies (catalog text primary key, words text not null, sounds text not null) without rowid;
create table small (catalog text, code text, name text not null, valid_from text, valid_to text,
                    primary key (catalog, code)) without rowid;
""" + "".join(_SEARCH.format(name=f"search_{name}") for name in ("products", "units", "zip_codes"))
_AFTERWARDS: Final = """
create index products_by_name on products (name_key, period) where name is not null;
create index units_by_name on units (name_key, period);
create index zip_codes_by_state on zip_codes (state);
analyze;
"""


def write(out: sqlite3.Connection, rows: Rows) -> None:
    """The rows and their index are in the new file, which is not committed."""
    out.executescript(TABLES)
    periods = _Periods()
    _products(out, rows, periods)
    _units(out, rows, periods)
    _zip_codes(out, rows, periods)
    _fill(out, "states", rows.states)
    _fill(out, "municipalities", rows.municipalities)
    _fill(out, "localities", rows.localities)
    _fill(out, "small", rows.small)
    out.executemany("insert into periods values (?, ?, ?)", ((at, *dates) for dates, at in periods.ids.items()))
    counts = [(*key, number) for key, number in periods.counts.items()]
    out.executemany("insert into period_counts values (?, ?, ?, ?)", counts)
    out.executescript(_AFTERWARDS)


class _Periods:
    """Numbers for pairs of first and last day, and how many rows of a catalogue have each."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str | None, str | None], int] = {}
        self.counts: dict[tuple[str, int, str], int] = {}

    def of(self, first: str | None, last: str | None) -> int:
        return self.ids.setdefault((first, last), len(self.ids) + 1)

    def count(self, catalog: str, period: int, place: str = "") -> None:
        key = catalog, period, place
        self.counts[key] = self.counts.get(key, 0) + 1


def _products(out: sqlite3.Connection, rows: Rows, periods: _Periods) -> None:
    stored, found = [], []
    for code, name, synonyms, border, first, last in rows.products:
        period = periods.of(first, last)
        stored.append((int(code), code, name, synonyms, border, period, key_of(name)))
        if name is not None:  # keys that only SAT's schema lists have no words: they are found by their full code
            found.append((int(code), " ".join(words_of(code, name, synonyms)), f"p{period}", ""))
            periods.count("products", period)
    _fill(out, "products", stored)
    _index(out, "products", found)


def _units(out: sqlite3.Connection, rows: Rows, periods: _Periods) -> None:
    stored, found = [], []
    for at, (code, name, description, symbol, first, last) in enumerate(sorted(rows.units, key=itemgetter(0)), 1):
        period = periods.of(first, last)
        stored.append((at, code, name, description, symbol, period, key_of(name)))
        found.append((at, " ".join(words_of(code, name, description)), f"p{period}", ""))
        periods.count("units", period)
    _fill(out, "units", stored)
    _index(out, "units", found)


def _zip_codes(out: sqlite3.Connection, rows: Rows, periods: _Periods) -> None:
    state_names = {code: _names(name) for code, name in rows.states}
    municipalities = {(state, code): _names(name) for state, code, name in rows.municipalities}
    localities = {(state, code): _names(name) for state, code, name in rows.localities}
    stored, found = [], []
    for code, state, municipality, locality, border, zone, first, last in rows.zips:
        period = periods.of(first, last)
        stored.append((int(code), code, state, municipality, locality, border, zone, period))
        names = {
            **dict.fromkeys(state_names.get(state, ())),
            **dict.fromkeys(municipalities.get((state, municipality or ""), ())),
            **dict.fromkeys(localities.get((state, locality or ""), ())),
        }
        found.append((int(code), " ".join((code, *names)), f"p{period}", f"s{state}"))
        periods.count("zip_codes", period, state)
    _fill(out, "zip_codes", stored)
    _index(out, "zip_codes", found)


def _names(text: str) -> list[str]:
    """Words of a place; numbers in it are left out, digits are looked for among the codes."""
    return [word for word in words_of(text) if not word.isdigit()]


def _fill(out: sqlite3.Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    listed = list(rows)
    if listed:
        marks = ", ".join("?" * len(listed[0]))
        out.executemany(f"insert into {table} values ({marks})", listed)  # noqa: S608 (a constant name)
    out.execute("insert into row_counts values (?, ?)", (table, len(listed)))


def _index(out: sqlite3.Connection, table: str, rows: Sequence[Sequence[object]]) -> None:
    insert = f"insert into search_{table} (rowid, words, period, place) values (?, ?, ?, ?)"  # noqa: S608
    out.executemany(insert, rows)
    vocabulary = Vocabulary({word for row in rows for word in str(row[1]).split()})
    out.execute("insert into vocabularies values (?, ?, ?)", (table, *vocabulary.to_texts()))
    out.execute(f"insert into search_{table} (search_{table}) values ('optimize')")  # noqa: S608 (a constant name)
