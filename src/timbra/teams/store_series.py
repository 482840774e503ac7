"""All SQL of series: counters, and the folios that refusals gave back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from timbra.platform.db import Tx, insert_or
from timbra.platform.scope import TeamScope
from timbra.teams.tables import released_folios, series

FOLIO_MAX = 999_999_999


@dataclass(frozen=True, slots=True)
class Series:
    """A series with the last used folio of each mode."""

    name: str
    live: int
    test: int
    created_ms: int


def series_of(tx: Tx, team_id: str) -> list[Series]:
    """All series of a team, by name."""
    rows = tx.execute(select(series).where(series.c.team_id == team_id).order_by(series.c.series))
    found = [Series(row.series, row.live, row.test, row.created_ms) for row in rows]
    return sorted(found, key=lambda one: one.name)  # whatever the locale of the database


def lock(tx: Tx, team_id: str, name: str) -> Series | None:
    """The series; its counters and folios wait for this transaction."""
    mine = (series.c.team_id == team_id, series.c.series == name)
    row = tx.execute(select(series).where(*mine).with_for_update()).one_or_none()
    return Series(row.series, row.live, row.test, row.created_ms) if row else None


def add_if_new(tx: Tx, team_id: str, one: Series) -> bool:
    """The series is stored; False when there is one of that name."""
    row = {"team_id": team_id, "series": one.name, "live": one.live, "test": one.test, "created_ms": one.created_ms}
    added = insert_or(tx, series).on_conflict_do_nothing().returning(series.c.series)
    return tx.execute(added, row).one_or_none() is not None


def set_counter(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    """The next document gets ``folio`` + 1: numbers given back before are forgotten."""
    tx.execute(delete(released_folios).where(*_RELEASED), _given(scope, name))
    _set(tx, scope, name, folio)


def add_series(tx: Tx, team_id: str, name: str, at_ms: int) -> None:
    """The series exists, at 0 when it is new."""
    row = {"team_id": team_id, "series": name, "live": 0, "test": 0, "created_ms": at_ms}
    tx.execute(insert_or(tx, series).on_conflict_do_nothing(), row)


# Built once: every issued document needs them. By mode, each of which has its own counter.
_ROW = (series.c.team_id == bindparam("team"), series.c.series == bindparam("name"))
_COUNTERS = {True: series.c.live, False: series.c.test}
_LOCK = {mode: update(series).where(*_ROW).values({c: c}).returning(c) for mode, c in _COUNTERS.items()}
_NEXT = {mode: update(series).where(*_ROW).values({c: c + 1}).returning(c) for mode, c in _COUNTERS.items()}
_SET = {mode: update(series).where(*_ROW).values({c: bindparam("folio")}) for mode, c in _COUNTERS.items()}
_RAISE = {mode: _SET[mode].where(c < bindparam("folio")) for mode, c in _COUNTERS.items()}
_RELEASED = (
    released_folios.c.team_id == bindparam("team"),
    released_folios.c.livemode == bindparam("mode"),
    released_folios.c.series == bindparam("name"),
)
_LOWEST_RELEASED = select(func.min(released_folios.c.folio)).where(*_RELEASED)
_TAKE_RELEASED = delete(released_folios).where(*_RELEASED, released_folios.c.folio == bindparam("folio"))


def _given(scope: TeamScope, name: str) -> dict[str, Any]:
    return {"team": scope.team_id, "mode": scope.livemode, "name": name}


def _lock_series(tx: Tx, scope: TeamScope, name: str) -> int | None:
    """Last used folio of the series, whose row stays locked until the transaction ends; None when there is none."""
    return tx.execute(_LOCK[scope.livemode], {"team": scope.team_id, "name": name}).scalar_one_or_none()


def _next(tx: Tx, scope: TeamScope, name: str) -> int | None:
    """The counter of the locked series, one higher than before."""
    return tx.execute(_NEXT[scope.livemode], {"team": scope.team_id, "name": name}).scalar_one_or_none()


def _set(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    tx.execute(_SET[scope.livemode], {"team": scope.team_id, "name": name, "folio": folio})


def take_folio(tx: Tx, scope: TeamScope, name: str, at_ms: int, is_taken: Callable[[int], bool]) -> int:
    """The next folio of the series, held by this transaction: the lowest released one, else the counter plus one.

    Steps over numbers that ``is_taken`` (folios asked for explicitly). Gapless: a rolled-back caller leaves no hole.
    Source: contract teams.md section 6, invoices.md section 5.4.
    """
    folio = _next(tx, scope, name)
    if folio is None:
        add_series(tx, scope.team_id, name, at_ms)
        folio = _next(tx, scope, name)
        assert folio is not None, "it was made in this transaction"
    first = folio
    released: int | None = tx.execute(_LOWEST_RELEASED, _given(scope, name)).scalar_one_or_none()
    if released is not None:
        tx.execute(_TAKE_RELEASED, {**_given(scope, name), "folio": released})
        _set(tx, scope, name, first - 1)
        return released
    while is_taken(folio):
        folio += 1
    assert folio <= FOLIO_MAX, "series exhausted"
    if folio != first:
        _set(tx, scope, name, folio)
    return folio


def reserve_folio(tx: Tx, scope: TeamScope, name: str, folio: int, at_ms: int) -> None:
    """The series row is locked, so that the caller may check and take ``folio`` itself; the counter stays."""
    if _lock_series(tx, scope, name) is None:
        add_series(tx, scope.team_id, name, at_ms)
    tx.execute(_TAKE_RELEASED, {**_given(scope, name), "folio": folio})


def settle_folio(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    """A stamped document above the counter moves the counter there; the numbers between stay unused."""
    tx.execute(_RAISE[scope.livemode], {"team": scope.team_id, "name": name, "folio": folio})


def release_folio(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    """A refused document gives its number back; a number above the counter is simply forgotten."""
    last = _lock_series(tx, scope, name)
    if last is not None and folio <= last:
        row = {"team_id": scope.team_id, "livemode": scope.livemode, "series": name, "folio": folio}
        tx.execute(insert(released_folios), row)
