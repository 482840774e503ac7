"""``/openapi.json`` and ``/docs``: Swagger UI from the installed wheel, nothing from other hosts, no inline script."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from timbra.http.envelope import JSONReply
from timbra.platform import json

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>timbra API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null});\n'
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


def install_docs(app: FastAPI, describe: Callable[[], Mapping[str, Any]]) -> None:
    """The application serves its own description. Call before ``assemble``; ``describe`` runs at the first request."""
    kept: list[bytes] = []

    async def openapi(_: Request) -> Response:
        if not kept:
            kept.append(json.dumps(describe()))
        return JSONReply(kept[0])

    async def page(_: Request) -> Response:
        return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def start(_: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    app.router.routes += [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", page, methods=["GET"]),
        Route("/docs/start.js", start, methods=["GET"]),
        *(Route(f"/docs/{name}", _asset(name), methods=["GET"]) for name in _ASSETS),
    ]


def _asset(name: str) -> Callable[[Request], Any]:
    spec = find_spec("fastapi_swagger")  # used for its files only
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "resources" / name
    assert path.is_file(), f"the wheel lacks {name}"

    async def serve(_: Request) -> Response:
        return FileResponse(path, media_type=_ASSETS[name])

    return serve
