"""The engines' own full-text index: SQL of the table ``search_index``, which is another one on each engine.

A row has a number and tokens. It belongs to no team: tokens begin with the number of an edition, which is one team's, and
what is found here is a number that only ``search_documents`` of that team makes an object of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, text

from timbra.platform.db import Tx
from timbra.platform.search.entries import Term, token
from timbra.platform.search.query import Clause

LAST_NUMBER: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: the words, the filters, and between which numbers."""

    edition: int
    only: Sequence[Term] = ()
    never: Sequence[Term] = ()
    lowest: int = 0
    highest: int = LAST_NUMBER

    @property
    def span(self) -> dict[str, int]:
        """Parameters of the statements."""
        return {"lowest": self.lowest, "highest": self.highest}


@dataclass(frozen=True, slots=True)
class _Signs:
    """How an engine writes queries."""

    quoted: str
    beginning: str
    all_of: str
    any_of: str
    but_not: str

    def write(self, wanted: Wanted, clauses: Sequence[Clause]) -> str:
        parts = [self._clause(wanted.edition, clause) for clause in clauses]
        parts += [self._any(wanted.edition, [term]) for term in wanted.only]
        found = self.all_of.join(parts)
        return f"({found}){self.but_not}{self._any(wanted.edition, wanted.never)}" if wanted.never else found

    def _clause(self, edition: int, clause: Clause) -> str:
        ways = []
        if all(clause.words):
            ways.append(f"({self.all_of.join(self._any(edition, group) for group in clause.words)})")
        if clause.whole:
            ways.append(self._any(edition, clause.whole))
        return f"({self.any_of.join(ways)})"

    def _any(self, edition: int, group: Sequence[Term]) -> str:
        return f"({self.any_of.join(self._term(edition, term) for term in group)})"

    def _term(self, edition: int, term: Term) -> str:
        return self.quoted.format(token(edition, term)) + (self.beginning if term.is_beginning else "")


_FTS5 = _Signs('"{}"', "*", " AND ", " OR ", " NOT ")
_TSQUERY = _Signs("'{}'", ":*", " & ", " | ", " & !")

_NEWEST = text(
    "SELECT rowid FROM search_index WHERE search_index MATCH :query AND rowid BETWEEN :lowest AND :highest"
    " ORDER BY rowid DESC LIMIT :most"
)
_COUNT = text(
    "SELECT count(*) FROM search_index WHERE search_index MATCH :query AND rowid BETWEEN :lowest AND :highest"
)
# Reading all rows in order, or all rows at all, would unpack every tokens column: the planner is not to weigh that.
_BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)")
_BOTH = text(
    "WITH found AS MATERIALIZED (SELECT number FROM search_index WHERE tokens @@ CAST(:query AS tsquery)"
    " AND number + 0 BETWEEN :lowest AND :highest)"
    " SELECT (SELECT count(*) FROM found) AS total,"
    " ARRAY(SELECT number FROM found ORDER BY number DESC LIMIT :most) AS numbers"
)


def prepare(tx: Tx) -> None:
    """The transaction reads the index as it should be read."""
    if tx.dialect != "sqlite":
        tx.execute(_BY_INDEX)


def newest(tx: Tx, wanted: Wanted, clauses: Sequence[Clause], most: int) -> tuple[list[int], int]:
    """(the highest numbers of rows that have the words, how many there are in all; on SQLite at least ``most``)."""
    if tx.dialect == "sqlite":
        given = {"query": _FTS5.write(wanted, clauses), "most": most, **wanted.span}
        numbers = list(tx.execute(_NEWEST, given).scalars().all())
        return numbers, len(numbers)
    given = {"query": _TSQUERY.write(wanted, clauses), "most": most, **wanted.span}
    row = tx.execute(_BOTH, given).one()
    return row.numbers, row.total


def count(tx: Tx, wanted: Wanted, clauses: Sequence[Clause]) -> int:
    """How many rows have the words; for SQLite, where ``newest`` stops early."""
    return int(tx.execute(_COUNT, {"query": _FTS5.write(wanted, clauses), **wanted.span}).scalar_one())


_TAKEN = {
    "sqlite": text("SELECT rowid FROM search_index WHERE rowid IN :numbers"),
    "postgresql": text("SELECT number FROM search_index WHERE number IN :numbers"),
}
_PUT = {
    "sqlite": text("INSERT INTO search_index (rowid, tokens) VALUES (:number, :tokens)"),
    "postgresql": text("INSERT INTO search_index (number, tokens) VALUES (:number, CAST(:tokens AS tsvector))"),
}
_REMOVE = {
    "sqlite": text("INSERT INTO search_index (search_index, rowid, tokens) VALUES ('delete', :number, :tokens)"),
    "postgresql": text("DELETE FROM search_index WHERE number = :number"),
}


def taken(tx: Tx, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers that rows have."""
    statement = _TAKEN[tx.dialect].bindparams(bindparam("numbers", expanding=True))
    return set(tx.execute(statement, {"numbers": list(numbers)}).scalars())


def put(tx: Tx, rows: Mapping[int, str]) -> None:
    """New rows: tokens by number."""
    if rows:
        tx.execute(_PUT[tx.dialect], [{"number": number, "tokens": found} for number, found in rows.items()])


def remove(tx: Tx, rows: Mapping[int, str]) -> None:
    """The rows are gone. The tokens must be those they were put with: SQLite keeps them nowhere else."""
    if rows:
        names = {"tokens"} if tx.dialect == "sqlite" else set()
        tx.execute(
            _REMOVE[tx.dialect], [{"number": number, **dict.fromkeys(names, found)} for number, found in rows.items()]
        )
