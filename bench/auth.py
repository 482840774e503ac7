"""What authentication and team resolution add to a request: first sight of a key, and every request after it."""

import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from timbra.cli import demo
from timbra.http.caller import Access, identify
from timbra.platform import migrate
from timbra.platform.config import Settings
from timbra.teams import keys
from timbra.wiring import Wiring

KEYS = 200
CALLS = 5_000


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    house = Wiring(Settings(data_dir=folder))
    migrate.upgrade(house.database)
    team = demo.ensure(house).team
    house.token_keys  # noqa: B018 (made before it is timed)
    tokens = [
        house.database.write_sync(
            lambda tx: keys.create(
                tx, house.token_keys, team, livemode=False, name="bench", user_id=team.owner, at_ms=house.clock.now_ms()
            )
        )[1]
        for _ in range(KEYS)
    ]
    first, later = asyncio.run(measure(house, tokens))
    house.close()
    shutil.rmtree(folder)
    print(f"{'request':<28}{'p50 ms':>10}{'p99 ms':>10}")
    for name, times in (("first with a key", first), ("every later one", later)):
        print(f"{name:<28}{statistics.median(times) * 1e3:>10.3f}{statistics.quantiles(times, n=100)[98] * 1e3:>10.3f}")
    print("target: p50 < 1 ms")


async def measure(house: Wiring, tokens: list[str]) -> tuple[list[float], list[float]]:
    access = Access("invoices", write=True)

    async def once(token: str) -> float:
        begin = time.perf_counter()
        identity = await house.kit.authenticator.authenticate(token)
        await identify(
            house.kit.authenticator, identity, access, team=None, path_team=None, request_id="req_bench", ip=None
        )
        return time.perf_counter() - begin

    first = [await once(token) for token in tokens]
    return first, [await once(tokens[number % KEYS]) for number in range(CALLS)]


if __name__ == "__main__":
    main()
