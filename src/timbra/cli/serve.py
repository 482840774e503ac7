"""``timbra serve``: the API, its documentation, and background work."""

import ipaddress
import os
import signal
from types import FrameType
from typing import Annotated, NoReturn

import typer
import uvicorn
from fastapi import FastAPI

from timbra.app import create_app
from timbra.cli import startup
from timbra.platform.jobs import DRAIN_S

WORKER_START_S = 60  # on a busy machine a process needs seconds to import; the library would end it after 5
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - the names of it, not a binding


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="No background work here: `timbra worker` does it.")
    ] = False,
) -> None:
    """Serve the API at http://HOST:PORT/v2 and its documentation at /docs.

    Background work (stamping what is pending, following cancellations) runs in the same process unless --no-worker is
    given. An embedded database is created and migrated by itself; a PostgreSQL one must be current (`timbra migrate`).

    Every setting comes from the environment (TIMBRA_DATA_DIR, TIMBRA_DATABASE_URL, TIMBRA_PUBLIC_URL ...) or from a
    TOML file named by TIMBRA_CONFIG; `timbra doctor` lists them. Ctrl-C or SIGTERM: begun requests are finished.
    """
    found = startup.settings()
    startup.start_logs(found)
    with startup.ready_database(found):
        if workers > 1 and found.is_embedded:
            startup.fail(f"an embedded database has one server process, not {workers}. {startup.SEVERAL}", code=2)
        # The server's processes read their settings again: what was decided here travels in the environment.
        os.environ["TIMBRA_LISTEN_URL"] = listen_url(host, port)
        # The library ends by the signal that stopped it; what was asked for and done in order is a success.
        signal.signal(signal.SIGTERM, _stopped)
        uvicorn.run(
            "timbra.cli.serve:api_only" if no_worker else "timbra.cli.serve:api_and_worker",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=DRAIN_S,
            timeout_worker_healthcheck=WORKER_START_S,
        )


def _stopped(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def api_and_worker() -> FastAPI:
    """The application of one server process that also does background work."""
    return _application(with_worker=True)


def api_only() -> FastAPI:
    """The application of one server process beside a ``timbra worker``."""
    return _application(with_worker=False)


def _application(*, with_worker: bool) -> FastAPI:
    found = startup.settings()
    startup.start_logs(found)
    return create_app(found, with_worker=with_worker)


def listen_url(host: str, port: int) -> str:
    """The origin of links while no public URL is set."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if _is_ipv6(name) else f"http://{name}:{port}"


def _is_ipv6(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 6
    except ValueError:
        return False
