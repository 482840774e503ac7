"""Three servers on one PostgreSQL database, killed at random while six clients go from one to the other.

The last two that are killed never come back: what they and all others left must be finished by the one that remains, in
its own time (leases of dead processes run out after a minute there).
"""

import asyncio
import os
import time
from pathlib import Path

import pytest
from harness import Run, found, judge, play, report, servers
from sqlalchemy import text

from timbra.catalogs.load import SatData
from timbra.platform.config import Settings
from timbra.platform.db import Database

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
PATIENCE_S = 240
OPEN = """
    select count(*) from invoices
    where status = 'pending' or cancel_check_ms is not null or cancellation_status in ('requested', 'pending')
"""


@pytest.mark.skipif("TIMBRA_TEST_DATABASE_URL" not in os.environ, reason="needs PostgreSQL: make test-postgres")
def test_one_replica_finishes_what_the_dead_have_begun(
    database_url: str,
    tmp_path: Path,
    sat_data: SatData,
    crash_environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = int(os.environ.get("TIMBRA_CRASH_SEED", time.time_ns() % 10**6))
    run = Run(seed, kills=300 if IS_SOAK else 30, replicas=3, patience_s=PATIENCE_S)
    access = found(Settings(data_dir=tmp_path, database_url=database_url), sat_data)
    database = Database(database_url)

    async def nothing_open() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while database.read_sync(lambda tx: tx.execute(text(OPEN)).scalar_one()):
            assert time.monotonic() < deadline, "the last replica leaves work undone"
            await asyncio.sleep(0.5)

    with servers(crash_environment, tmp_path / "log") as running:
        outcome = asyncio.run(play(run, running, access, before_stop=nothing_open))

    faults = judge(outcome.history, database)
    database.close()
    with capsys.disabled():
        print(report("replicas", run, outcome, faults))
    assert faults == [], f"seed {run.seed}"
    assert (outcome.exit_status, outcome.unfinished) == (0, 0)
    assert len(outcome.history.promises) > run.kills // 5, "the clients got nothing done"
