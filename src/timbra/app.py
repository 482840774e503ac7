"""The ASGI application: routes mounted, background work started and drained with the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from timbra import __version__
from timbra.http.dispatch import assemble
from timbra.http.docs import install_docs
from timbra.http.openapi import document
from timbra.http.routing import Operation
from timbra.platform.config import Settings
from timbra.wiring import Wiring


def create_app(settings: Settings | None = None, *, wiring: Wiring | None = None, with_worker: bool = True) -> FastAPI:
    """The server. ``with_worker``: the background work runs in this process too."""
    house = wiring or Wiring(settings or Settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        house.warm_up()
        house.key_use.start()
        house.catalog_watch.start()
        house.team_clock.start()
        if with_worker:
            await house.jobs.start()
            house.search.start()
            house.courier.start()
        yield
        await house.catalog_watch.stop()
        await house.key_use.stop()
        await house.team_clock.stop()
        if with_worker:
            await house.courier.stop()
            await house.search.stop()
            await house.jobs.stop()
        if wiring is None:
            house.close()

    app = FastAPI(
        title="timbra", version=__version__, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )
    origins = [origin.strip() for origin in house.settings.cors_origins.split(",") if origin.strip()]
    operations: list[tuple[str, Operation]] = []
    install_docs(app, lambda: document(operations, title="timbra", version=__version__, server=house.settings.origin))
    app.router.routes += house.sandbox_pages.routes()
    table = assemble(app, house.kit, house.routers(), rootless=[house.health], origins=origins)
    operations.extend(table.operations)
    app.state.operations = operations
    return app
