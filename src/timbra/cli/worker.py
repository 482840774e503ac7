"""``timbra worker``: background work without the API."""

import asyncio

from timbra.cli import startup
from timbra.worker import run


def worker() -> None:
    """Do background work only: stamp what is pending, follow cancellations, run schedules.

    For servers started with --no-worker. Any number may run beside one another on PostgreSQL, where each job is done
    by one of them; on an embedded database `timbra serve` does this work itself. Ctrl-C or SIGTERM: what was begun is
    finished first.
    """
    found = startup.settings()
    startup.start_logs(found)
    with startup.ready_database(found):
        asyncio.run(run(found))
