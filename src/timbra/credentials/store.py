"""All SQL of CSDs."""

from dataclasses import asdict, dataclass, field, fields

from sqlalchemy import insert, select, update

from timbra.credentials.tables import csd_warnings, csds
from timbra.platform.db import Tx, insert_or
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class StoredCsd:
    """A CSD as its row holds it: certificate in clear (DER), private key sealed by the vault."""

    id: str
    number: str
    rfc: str
    name: str
    environment: str
    not_before_ms: int
    not_after_ms: int
    certificate: bytes = field(repr=False)
    sealed_key: str = field(repr=False)
    created_ms: int


_COLUMNS = [csds.c[name.name] for name in fields(StoredCsd)]


def current(tx: Tx, scope: TeamScope) -> StoredCsd | None:
    """The CSD in use for the team and mode."""
    row = tx.execute(
        select(*_COLUMNS).where(
            csds.c.team_id == scope.team_id, csds.c.livemode == scope.livemode, csds.c.replaced_ms.is_(None)
        )
    ).first()
    return None if row is None else StoredCsd(**row._mapping)  # noqa: SLF001 (SQLAlchemy's public name)


def replace_current(tx: Tx, scope: TeamScope, csd: StoredCsd) -> None:
    """``csd`` is the current one of the slot; the former one is kept, marked with the time of its replacement."""
    tx.execute(
        update(csds)
        .where(csds.c.team_id == scope.team_id, csds.c.livemode == scope.livemode, csds.c.replaced_ms.is_(None))
        .values(replaced_ms=csd.created_ms)
    )
    tx.execute(insert(csds).values(team_id=scope.team_id, livemode=scope.livemode, replaced_ms=None, **asdict(csd)))


@dataclass(frozen=True, slots=True)
class Ending:
    """A CSD in use that ends soon."""

    id: str
    scope: TeamScope
    number: str
    rfc: str
    not_after_ms: int


def ending(tx: Tx, from_ms: int, to_ms: int, scope: TeamScope | None = None) -> list[Ending]:
    """CSDs in use, of every team or of one scope, that end in the span; the first to end first."""
    soon = select(csds).where(csds.c.replaced_ms.is_(None), csds.c.not_after_ms.between(from_ms, to_ms))
    if scope is not None:
        soon = soon.where(csds.c.team_id == scope.team_id, csds.c.livemode == scope.livemode)
    rows = tx.execute(soon.order_by(csds.c.not_after_ms, csds.c.id))
    return [Ending(row.id, TeamScope(row.team_id, row.livemode), row.number, row.rfc, row.not_after_ms) for row in rows]


def note_warning(tx: Tx, csd: Ending, days: int, at_ms: int) -> bool:
    """True when the warning so many days before the end was not given yet; it is given now."""
    row = {"team_id": csd.scope.team_id, "csd_id": csd.id, "days": days, "warned_ms": at_ms}
    added = insert_or(tx, csd_warnings).on_conflict_do_nothing().returning(csd_warnings.c.days)
    return tx.execute(added, row).first() is not None
