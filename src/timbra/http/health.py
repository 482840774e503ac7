"""Liveness and readiness. What is checked comes from outside; every check has two seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from timbra.http.envelope import Answer
from timbra.http.errors import Unavailable
from timbra.http.routing import Router

Check = Callable[[], Awaitable[str]]
"""Gives ``ok``, ``degraded``, ``failed`` or ``off``; an exception counts as ``failed``."""

CHECK_TIME_S = 2.0
RETRY_AFTER_S = 5
REQUIRED = frozenset({"database", "migrations", "signing_key", "catalogs"})


def health_routes(version: str, checks: Mapping[str, Check], required: frozenset[str] = REQUIRED) -> Router:
    """``/health`` and ``/health/ready``: mount below /v2 and at the root."""
    router = Router(tag="Health")

    @router.get("/health", "ok", public=True)
    async def health() -> dict[str, Any]:
        """Whether the process answers; touches nothing else."""
        return {"status": "ok", "version": version}

    @router.get("/health/ready", "ok", public=True)
    async def ready() -> Answer:
        """Whether the server can do its work."""
        results = await asyncio.gather(*(_result(check) for check in checks.values()), return_exceptions=True)
        found = {
            name: result if isinstance(result, str) else "failed" for name, result in zip(checks, results, strict=True)
        }
        data = {"status": _status(found, required), "checks": found}
        if data["status"] == "failed":
            raise Unavailable(retry_after_s=RETRY_AFTER_S, beside={"data": data})
        return Answer(data)

    return router


def auth_health_routes() -> Router:
    """``/auth/health``, below /v2 only."""
    router = Router(tag="Health")

    @router.get("/auth/health", "ok", public=True)
    async def auth_health() -> dict[str, Any]:
        """Whether the authentication service answers."""
        return {"status": "ok"}

    return router


async def _result(check: Check) -> str:
    async with asyncio.timeout(CHECK_TIME_S):
        return await check()


def _status(found: Mapping[str, str], required: frozenset[str]) -> str:
    if any(found.get(name) != "ok" for name in required & found.keys()):
        return "failed"
    return "ok" if all(result in ("ok", "off") for result in found.values()) else "degraded"
