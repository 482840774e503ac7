import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from factories.commands import Timbra
from timbra.platform.db import Database

START_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``timbra serve`` as a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [str(Path(sys.executable).with_name("timbra")), "serve", "--port", self.url.rpartition(":")[2]]
        self.process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE)

    def get(self, path: str) -> str:
        deadline = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as reply:
                    return str(reply.read().decode())
            except OSError:
                assert self.process.poll() is None, self.complaint()
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def complaint(self) -> str:
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.process.wait()
        return said

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return self.process.wait(30)


@pytest.fixture
def serve(data_dir: Path) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*arguments: str) -> Server:
        made.append(Server(*arguments))
        return made[-1]

    yield start
    for server in made:
        server.end()


def test_embedded_server_makes_its_database_and_lets_no_second_one_in(
    serve: Callable[..., Server], data_dir: Path
) -> None:
    server = serve()
    assert '"status":"ok"' in server.get("/health")
    assert (data_dir / "timbra.sqlite").exists()

    second = serve()
    complaint = second.complaint()
    assert f"process {server.process.pid} serves" in complaint
    assert "PostgreSQL" in complaint
    assert second.process.returncode == 1

    assert server.end() == 0
    third = serve()
    assert '"status":"ok"' in third.get("/health")


def test_more_than_one_process_is_refused_on_an_embedded_database(timbra: Timbra) -> None:
    result = timbra("serve", "--workers", "2")

    assert result.exit_code == 2
    assert "an embedded database has one server process, not 2" in result.output
    assert "TIMBRA_DATABASE_URL" in result.output


@pytest.mark.skipif("TIMBRA_TEST_DATABASE_URL" not in os.environ, reason="an embedded database has one process")
def test_two_processes_serve_one_server_database(
    serve: Callable[..., Server], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRA_DATABASE_URL", database_url)

    server = serve("--workers", "2", "--no-worker")

    assert '"status":"ok"' in server.get("/health")


@pytest.mark.skipif("TIMBRA_TEST_DATABASE_URL" not in os.environ, reason="an embedded database is migrated by itself")
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_outdated_server_database_is_refused_with_the_command_that_helps(
    timbra: Timbra, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TIMBRA_DATABASE_URL", database_url)
    database.write_sync(lambda tx: tx.execute(text("DELETE FROM alembic_version")))

    result = timbra(command)

    assert result.exit_code == 1
    assert "Run `timbra migrate`" in result.output


def test_database_that_does_not_answer_is_named_without_its_password(
    timbra: Timbra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRA_DATABASE_URL", f"postgresql://ana:s3cret@127.0.0.1:{free_port()}/timbra")

    result = timbra("migrate")

    assert result.exit_code == 1
    assert "cannot be reached" in result.output
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("name", "value"), [("DOCUMENT_URL_DAYS", "0"), ("LOG_LEVEL", "LOUD"), ("DATABASE_URL", "paradox://x/y")]
)
def test_wrong_setting_is_named(timbra: Timbra, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TIMBRA_{name}", value)

    result = timbra("migrate")

    assert result.exit_code == 2
    assert f"TIMBRA_{name}" in result.output


def test_migrate_says_what_it_did(timbra: Timbra, data_dir: Path) -> None:
    assert timbra("migrate").output.startswith("migrated from nothing to ")
    assert timbra("migrate").output.startswith("already at revision ")


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "demo", "keys", "verify", "doctor", "catalogs"])
def test_every_command_explains_itself(timbra: Timbra, command: str) -> None:
    result = timbra(command, "--help")

    assert result.exit_code == 0
    assert len(result.output) > 150
