"""A worker process for the tests to kill: does the job ``work``, which writes a line before and after a pause."""

import asyncio
import signal
import sys

from sqlalchemy import text

from timbra.platform import jobs as module
from timbra.platform.clock import SystemClock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.jobs import Jobs


def note(database: Database, what: str, job: str) -> None:
    database.write_sync(
        lambda tx: tx.execute(text("INSERT INTO notes VALUES (:what, :job)"), {"what": what, "job": job})
    )


async def main(url: str, pause_s: float) -> None:
    module.POLL_S, module.BEAT_S, module.LOST_AFTER_MS = 0.2, 0.5, 2_000
    database = Database(url)
    jobs = Jobs(database, Settings(), SystemClock())

    async def work(job: str) -> None:
        await asyncio.to_thread(note, database, "begun", job)
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(note, database, "done", job)

    jobs.register("work", work)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await jobs.start()
    print("started", flush=True)
    await stopped.wait()
    await jobs.stop()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
