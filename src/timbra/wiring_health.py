"""What ``/health/ready`` looks at, put together for ``wiring``."""

from collections.abc import Awaitable, Callable

from timbra import __version__
from timbra.catalogs.load import SatData
from timbra.credentials import store_pacs
from timbra.http.health import Check, health_routes
from timbra.http.routing import Router
from timbra.platform import migrate
from timbra.platform.db import Database
from timbra.platform.mailer import Mailer
from timbra.teams.keys import TokenKeys


def health(
    database: Database,
    sat: Callable[[], SatData],
    keys: Callable[[], TokenKeys],
    mailer: Callable[[], Mailer | None],
    is_pac_resting: Callable[[], bool],
) -> Router:
    """The health checks. Parts are made when a check first needs them."""

    async def database_answers() -> str:
        await database.read(lambda tx: tx.connection.exec_driver_sql("select 1").scalar_one())
        return "ok"

    async def pac() -> str:
        if not await database.read(store_pacs.has_live):
            return "off"
        return "degraded" if is_pac_resting() else "ok"

    async def mail() -> str:
        found = mailer()
        return "off" if found is None else await found.check()

    checks: dict[str, Check] = {
        "database": database_answers,
        "migrations": _is(lambda: migrate.is_current(database)),
        "signing_key": _is(lambda: bool(keys())),
        "catalogs": _is(lambda: bool(sat().version)),
        "queue": _is(lambda: True),
        "pac": pac,
        "mail": mail,
    }
    return health_routes(__version__, checks)


def _is(holds: Callable[[], bool]) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        return "ok" if holds() else "failed"

    return check
