"""How long a server takes to its first answer, what it weighs, and what it does while nobody asks."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _server import TIMBRA, Server, demo, load_average

IDLE_S = 10


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    demo(folder / "data")
    starts = []
    for _ in range(3):
        with Server(folder / "data") as server:
            starts.append((server.start_s, server.cpu_s()))
    with Server(folder / "data") as server:
        before = server.cpu_s()
        time.sleep(IDLE_S)
        idle = (server.cpu_s() - before) / IDLE_S
        memory = server.resident_mib()
    began = time.process_time_ns(), time.monotonic()
    subprocess.run([TIMBRA, "--help"], check=True, capture_output=True)
    help_s = time.monotonic() - began[1]
    shutil.rmtree(folder)
    print(load_average())
    print(f"{'figure':<34}{'measured':>12}{'target':>12}")
    rows = (
        ("start to first answer, s", min(wall for wall, _ in starts), "< 3"),
        ("the same, CPU s", min(cpu for _, cpu in starts), ""),
        ("idle memory, MiB", memory, "< 200"),
        ("idle CPU, %", idle * 100, "< 3"),
        ("timbra --help, s", help_s, "< 3"),
    )
    for name, value, target in rows:
        print(f"{name:<34}{value:>12.2f}{target:>12}")


if __name__ == "__main__":
    sys.exit(main())
