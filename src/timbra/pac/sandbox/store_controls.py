"""SQL of the sandbox's settings."""

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from timbra.pac.sandbox.cases import Control
from timbra.pac.sandbox.tables import sandbox_controls
from timbra.platform.db import Tx, insert_or

_COLUMNS = [sandbox_controls.c[name] for name in Control.__slots__]


def _is(account: str, subject: str) -> ColumnElement[bool]:
    return (sandbox_controls.c.account == account) & (sandbox_controls.c.subject == subject)


def of(tx: Tx, account: str) -> dict[str, Control]:
    """Every setting of the account, by subject."""
    rows: Any = tx.execute(select(sandbox_controls.c.subject, *_COLUMNS).where(sandbox_controls.c.account == account))
    return {subject: Control(*values) for subject, *values in rows}


def accounts(tx: Tx) -> set[str]:
    """Accounts that have a setting."""
    return set(tx.execute(select(sandbox_controls.c.account).distinct()).scalars())


def use(tx: Tx, account: str, subject: str) -> Control | None:
    """The setting, with one call of those it holds for used up; None when none was left."""
    used = update(sandbox_controls).where(_is(account, subject), sandbox_controls.c.calls > 0)
    row: Any = tx.execute(used.values(calls=sandbox_controls.c.calls - 1).returning(*_COLUMNS)).one_or_none()
    if row is None:
        return None
    if row.calls == 0:
        tx.execute(delete(sandbox_controls).where(_is(account, subject)))
    return Control(*row)


def put(tx: Tx, account: str, subject: str, control: Control | None) -> None:
    """The subject behaves so from now on; None: normally."""
    tx.execute(delete(sandbox_controls).where(_is(account, subject)))
    if control is not None:
        values = {name: getattr(control, name) for name in Control.__slots__}
        tx.execute(insert_or(tx, sandbox_controls).values(account=account, subject=subject, **values))


def clear(tx: Tx, account: str) -> None:
    """Everything behaves normally."""
    tx.execute(delete(sandbox_controls).where(sandbox_controls.c.account == account))
