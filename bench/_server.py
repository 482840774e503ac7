"""A real ``timbra serve`` process to measure, and what Linux says of its use of the machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

TIMBRA = Path(sys.executable).parent / "timbra"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 60


def load_average() -> str:
    """What else the machine does, in the words of ``uptime``: figures taken under load are worth less."""
    return "load average " + " ".join(f"{value:.1f}" for value in os.getloadavg())


def cache_dir() -> Path:
    """Where benchmarks keep what takes long to make."""
    folder = Path(tempfile.gettempdir()) / f"timbra-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _environment(data_dir: Path, extra: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIMBRA_")}
    settings = {"TIMBRA_DATA_DIR": str(data_dir), "TIMBRA_RATE_LIMITS": "off", "TIMBRA_LOG_LEVEL": "WARNING"}
    return {**kept, **settings, **extra}


def demo(data_dir: Path, **extra: str) -> dict[str, str]:
    """What ``timbra demo`` prints: team and keys of a data folder, which is made when it does not exist."""
    command = [TIMBRA, "demo", "--json"]
    made = subprocess.run(command, env=_environment(data_dir, extra), check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(made.stdout)
    return found


class Server:
    """``timbra serve`` on a free port, from ``with`` to its end. ``extra``: further settings."""

    def __init__(self, data_dir: Path, **extra: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._environment = _environment(data_dir, extra)
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self.start_s = 0.0

    def __enter__(self) -> Self:
        began = time.monotonic()
        command = [str(TIMBRA), "serve", "--port", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                sys.exit(f"timbra serve did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.01)
        self.start_s = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float:
        """Processor time used so far, of all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def resident_mib(self) -> float:
        """Memory in use now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def call(self, method: str, path: str, key: str, body: Any = None) -> Any:
        """The parsed reply of one request; not for measuring."""
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.origin + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
            return json.loads(reply.read())
