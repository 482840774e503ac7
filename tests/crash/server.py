"""Servers that start in a moment, for tests that kill one every few hundred milliseconds.

``python server.py`` imports and loads everything once; each start is a fork of that, from there on a process like that of
``timbra serve``. Settings come from the environment. Commands on standard input, one answer each on standard output:

    start PORT → PID        kill PID, stop PID → exit status (SIGKILL, SIGTERM)
"""

import gc
import os
import signal
import sys

import uvicorn

from timbra.app import create_app
from timbra.catalogs.load import SatData, load
from timbra.cli import startup
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.wiring import Wiring


def serve(port: int, settings: Settings, sat: SatData) -> int:
    """The exit status of a server that listens on ``port`` until it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    startup.start_logs(settings)
    database = Database(settings.url)
    with startup.sole_process(database):
        house = Wiring(settings, database=database)
        house.__dict__["sat"] = sat
        app = create_app(wiring=house, with_worker=True)
        uvicorn.run(app, port=port, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=30)
    return 0


def main() -> int:
    settings = Settings()
    sat = load(settings.catalog_path or settings.data_dir)
    gc.freeze()  # what is loaded is shared with the children
    print("ready", flush=True)
    living: set[int] = set()
    for line in sys.stdin:
        verb, number = line.split()[0], int(line.split()[1])
        if verb == "start":
            child = os.fork()
            if child == 0:
                sys.stdin.close()
                return serve(number, settings, sat)
            living.add(child)
            print(child, flush=True)
        else:
            os.kill(number, signal.SIGKILL if verb == "kill" else signal.SIGTERM)
            living.discard(number)
            print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)
    for child in living:
        os.kill(child, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
