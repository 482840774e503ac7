"""Background work in a process of its own: any number of these share the load on PostgreSQL."""

import asyncio
import signal

from timbra.platform.config import Settings
from timbra.wiring import Wiring


async def run(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, then ends what it has begun."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    house = Wiring(settings)
    house.warm_up()
    house.team_clock.start()
    await house.jobs.start()
    house.search.start()
    house.courier.start()
    house.catalog_watch.start()
    await stop.wait()
    await house.courier.stop()
    await house.team_clock.stop()
    await house.catalog_watch.stop()
    await house.search.stop()
    await house.jobs.stop()
    house.close()
