"""SAT's error codes with their Spanish texts and, in English, what they mean and what to do.

The rows are in ``matrix.csv``, read once on import. Descriptions are SAT's own texts (matrices of CFDI 4.0, Pagos 2.0
and Retenciones 2.0); PACs share the three-digit codes (Anexo 20 section III.C, SAT's cancellation and status services).
"""

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final, Literal, cast

ErrorType = Literal["invoice", "receiver", "sender", "unknown"]
TYPES: Final[tuple[ErrorType, ...]] = ("invoice", "receiver", "sender", "unknown")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One code. ``path``: the request field it speaks of, with ``[]`` for each position; "" when none is."""

    code: str
    type: ErrorType
    path: str
    description: str
    explanation: str
    solution: str


def _load() -> Mapping[str, MatrixRow]:
    text = resources.files(__package__).joinpath("matrix.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return {
        code: MatrixRow(code, cast("ErrorType", kind), path, description, explanation, solution)
        for code, kind, path, description, explanation, solution in rows
    }


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


ROWS: Final = _load()
_BY_KEY: Final = {code.casefold(): row for code, row in ROWS.items()}
_SEARCHABLE: Final = {
    code: _plain(f"{row.code} {row.description} {row.explanation} {row.solution}") for code, row in ROWS.items()
}
# SAT's matrix prints 140223 to 140227; PACs answer these and the shorter spelling.
_BY_KEY.update({f"cfdi40{tail}": ROWS[f"CFDI140{tail}"] for tail in ("223", "224", "225", "226", "227")})


def lookup(code: str) -> MatrixRow | None:
    """The row of a code in any letter case, None when unknown. Three-digit codes have their stamping meaning."""
    return _BY_KEY.get(code.strip().casefold())


def lookup_cancellation(code: str) -> MatrixRow | None:
    """The row of a code answered to a cancellation: 301, 302, 304, 305, 309 and 310 mean something else there."""
    row = _BY_KEY.get(f"{code.strip()}c")
    return replace(row, code=code.strip()) if row else lookup(code)


def search(query: str | None = None, code: str | None = None, type: ErrorType | None = None) -> list[MatrixRow]:  # noqa: A002
    """Rows in SAT's order that have every word of the query in some text, the exact code and the type.

    An argument that is None or "" does not filter. Letter case and accents do not matter.
    """
    words = _plain(query or "").split()
    exact = lookup(code) if code else None
    if code and exact is None:
        return []
    return [
        row
        for key, row in ROWS.items()
        if (exact is None or row is exact)
        and (not type or row.type == type)
        and all(word in _SEARCHABLE[key] for word in words)
    ]
