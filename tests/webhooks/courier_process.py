"""Couriers for the tests to kill: everything is imported once, each start is a fork.

``python courier_process.py URL KEYS_DIR``. Commands on standard input, one answer each on standard output:

    start → PID        kill PID → exit status

Time runs faster for these: tries of a second, retries after 20 ms, leases of two seconds.
"""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from timbra.platform.addresses import Allowed
from timbra.platform.clock import SystemClock
from timbra.platform.db import Database
from timbra.platform.egress import Egress, Limits
from timbra.platform.mail import Outbox
from timbra.platform.vault import Vault
from timbra.platform.vault_local import LocalKeys
from timbra.webhooks import attempt, courier, drain, signing, store_lanes
from timbra.webhooks.parts import WebhookParts

TRIES = 60


def hurry() -> None:
    """The limits of these processes."""
    attempt.LIMITS = Limits(connect_s=1.0, read_s=1.0, total_s=1.0, answer_bytes=4_096, cut=True)
    attempt.DELAYS_MS = (20,) * (TRIES - 1)
    attempt.TRIES_MAX = TRIES
    drain.LEASE_MS = courier.LEASE_MS = 2_000
    drain.TRY_S, drain.RENEW_AFTER_S = 1.2, 0.3
    courier.AFTER_OUTAGE_S = 0.2


async def work(database: Database, keys: LocalKeys) -> None:
    vault = Vault(keys)
    secrets = signing.Secrets(vault.opener(signing.PURPOSE))
    egress = Egress(Allowed.of("127.0.0.1"))
    parts = WebhookParts(
        database, SystemClock(), egress, secrets, Outbox(vault.opener("mail"), SystemClock(), is_on=False)
    )
    if database.is_sqlite:
        await database.write(store_lanes.void_leases)
    running = courier.Courier(parts)
    running.start()
    await asyncio.Event().wait()


def main() -> int:
    url, folder = sys.argv[1], Path(sys.argv[2])
    hurry()
    keys = LocalKeys.open(folder, may_create=False)
    gc.freeze()
    print("ready", flush=True)
    living: set[int] = set()
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "start":
            child = os.fork()
            if child == 0:
                sys.stdin.close()
                asyncio.run(work(Database(url), keys))
                return 0
            living.add(child)
            print(child, flush=True)
        else:
            os.kill(int(rest[0]), signal.SIGKILL)
            living.discard(int(rest[0]))
            print(os.waitstatus_to_exitcode(os.waitpid(int(rest[0]), 0)[1]), flush=True)
    for child in living:
        os.kill(child, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
