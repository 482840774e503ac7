"""A server on SQLite is killed every 100 to 400 ms while six clients issue, credit and cancel.

50 kills, 1,000 with TIMBRA_SOAK=1. TIMBRA_CRASH_SEED replays what the clients do.
"""

import asyncio
import os
import time
from pathlib import Path

import pytest
from harness import Run, drain, found, judge, play, report, servers

from timbra.catalogs.load import SatData
from timbra.platform.config import Settings
from timbra.platform.db import Database

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"


@pytest.mark.skipif("TIMBRA_TEST_DATABASE_URL" in os.environ, reason="one server on SQLite; PostgreSQL has replicas")
def test_kills_lose_and_double_nothing(
    database_url: str,
    tmp_path: Path,
    sat_data: SatData,
    crash_environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(int(os.environ.get("TIMBRA_CRASH_SEED", time.time_ns() % 10**6)), kills=1_000 if IS_SOAK else 50)
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    access = found(settings, sat_data)

    with servers(crash_environment, tmp_path / "log") as running:
        outcome = asyncio.run(play(run, running, access))
    drain(settings, sat_data)

    database = Database(database_url)
    faults = judge(outcome.history, database)
    database.close()
    with capsys.disabled():
        print(report("kill -9", run, outcome, faults))
    assert faults == [], f"seed {run.seed}"
    assert (outcome.exit_status, outcome.unfinished) == (0, 0)
    assert len(outcome.history.promises) > run.kills // 5, "the clients got nothing done"
