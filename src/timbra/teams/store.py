"""All SQL of teams, users and series; that of keys is in ``store_keys``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from timbra.platform import json
from timbra.platform.db import Tx, insert_or
from timbra.platform.scope import TeamScope
from timbra.teams.settings import TeamSettings
from timbra.teams.tables import billing_accounts, released_folios, series, teams, users

FOLIO_MAX = 999_999_999


@dataclass(frozen=True, slots=True)
class Team:
    """An issuer: who it is to SAT, its brand and its settings."""

    id: str
    billing_account: str
    owner: str
    name: str
    legal_name: str | None
    tax_id: str | None
    tax_system: str | None
    address: dict[str, Any]
    brand: dict[str, Any]
    settings: TeamSettings
    connect_enabled: bool
    status: str

    @property
    def zip(self) -> str | None:
        """Place of issue of this team's documents."""
        return self.address.get("zip")


def _team(row: Any) -> Team:
    return Team(
        id=row.id,
        billing_account=row.billing_account,
        owner=row.owner,
        name=row.name,
        legal_name=row.legal_name,
        tax_id=row.tax_id,
        tax_system=row.tax_system,
        address=json.loads(row.address.encode()),
        brand=json.loads(row.brand.encode()),
        settings=TeamSettings(row.settings),
        connect_enabled=row.connect_enabled,
        status=row.status,
    )


def team(tx: Tx, team_id: str) -> Team | None:
    row = tx.execute(select(teams).where(teams.c.id == team_id)).one_or_none()
    return _team(row) if row else None


def first_team(tx: Tx) -> Team | None:
    """The oldest team of the server: the one ``timbra demo`` made."""
    row = tx.execute(select(teams).order_by(teams.c.created_ms, teams.c.id).limit(1)).one_or_none()
    return _team(row) if row else None


def add_account(tx: Tx, account: dict[str, Any], user: dict[str, Any], team_row: dict[str, Any]) -> None:
    """Billing account, its first user and its first team are stored."""
    tx.execute(insert(billing_accounts), account)
    tx.execute(insert(users), user)
    tx.execute(insert(teams), team_row)


def set_settings(tx: Tx, team_id: str, stored: bytes, at_ms: int) -> None:
    tx.execute(update(teams).where(teams.c.id == team_id).values(settings=stored, updated_ms=at_ms))


def add_series(tx: Tx, team_id: str, name: str, at_ms: int) -> None:
    """The series exists, at 0 when it is new."""
    row = {"team_id": team_id, "series": name, "live": 0, "test": 0, "created_ms": at_ms}
    tx.execute(insert_or(tx, series).on_conflict_do_nothing(), row)


def _lock_series(tx: Tx, scope: TeamScope, name: str) -> int | None:
    """Last used folio of the series, whose row stays locked until the transaction ends; None when there is none."""
    counter = series.c.live if scope.livemode else series.c.test
    locked = tx.execute(
        update(series)
        .where(series.c.team_id == scope.team_id, series.c.series == name)
        .values({counter: counter})
        .returning(counter)
    )
    return locked.scalar_one_or_none()


def _set_counter(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    counter = "live" if scope.livemode else "test"
    tx.execute(
        update(series).where(series.c.team_id == scope.team_id, series.c.series == name).values({counter: folio})
    )


def _lowest_released(tx: Tx, scope: TeamScope, name: str) -> int | None:
    lowest = select(func.min(released_folios.c.folio)).where(*_marks(scope, name))
    return tx.execute(lowest).scalar_one_or_none()


def _marks(scope: TeamScope, name: str) -> tuple[Any, ...]:
    return (
        released_folios.c.team_id == scope.team_id,
        released_folios.c.livemode == scope.livemode,
        released_folios.c.series == name,
    )


def take_folio(tx: Tx, scope: TeamScope, name: str, at_ms: int, is_taken: Callable[[int], bool]) -> int:
    """The next folio of the series, held by this transaction: the lowest released one, else the counter plus one.

    Steps over numbers that ``is_taken`` (folios asked for explicitly). Gapless: a rolled-back caller leaves no hole.
    Source: contract teams.md section 6, invoices.md section 5.4.
    """
    last = _lock_series(tx, scope, name)
    if last is None:
        add_series(tx, scope.team_id, name, at_ms)
        last = _lock_series(tx, scope, name) or 0
    released = _lowest_released(tx, scope, name)
    if released is not None:
        tx.execute(delete(released_folios).where(*_marks(scope, name), released_folios.c.folio == released))
        return released
    folio = last + 1
    while is_taken(folio):
        folio += 1
    assert folio <= FOLIO_MAX, "series exhausted"
    _set_counter(tx, scope, name, folio)
    return folio


def reserve_folio(tx: Tx, scope: TeamScope, name: str, folio: int, at_ms: int) -> None:
    """The series row is locked, so that the caller may check and take ``folio`` itself; the counter stays."""
    if _lock_series(tx, scope, name) is None:
        add_series(tx, scope.team_id, name, at_ms)
    tx.execute(delete(released_folios).where(*_marks(scope, name), released_folios.c.folio == folio))


def settle_folio(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    """A stamped document above the counter moves the counter there; the numbers between stay unused."""
    last = _lock_series(tx, scope, name)
    if last is not None and folio > last:
        _set_counter(tx, scope, name, folio)


def release_folio(tx: Tx, scope: TeamScope, name: str, folio: int) -> None:
    """A refused document gives its number back; a number above the counter is simply forgotten."""
    last = _lock_series(tx, scope, name)
    if last is not None and folio <= last:
        row = {"team_id": scope.team_id, "livemode": scope.livemode, "series": name, "folio": folio}
        tx.execute(insert(released_folios), row)


def series_of(tx: Tx, team_id: str) -> list[tuple[str, int, int]]:
    """(name, live counter, test counter), by name."""
    rows = tx.execute(select(series).where(series.c.team_id == team_id).order_by(series.c.series))
    return [(row.series, row.live, row.test) for row in rows]
