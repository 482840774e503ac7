"""What every refusal has in common, and the question whether it left anything."""

from typing import Any

from timbra.http.envelope import JSON_TYPE
from timbra.http.errors import ErrorCode
from world import Reply, World

CODES = {code.value for code in ErrorCode}


def check_envelope(reply: Reply) -> dict[str, Any]:
    """The error of a refusal, whose envelope is as the contract says."""
    assert reply.header("content-type") == JSON_TYPE
    body = reply.json
    error = body["error"]
    assert body["success"] is False
    assert body["message"] == error["message"] != ""
    assert error["code"] in CODES
    assert isinstance(error["details"], list)
    assert all(isinstance(line, str) for line in error["details"])
    for field in error["fields"]:
        assert set(field) == {"path", "code", "message", "fix"}
        assert all(field[name] for name in ("path", "code", "message"))
    assert body["request_id"] == reply.header("x-request-id")
    if reply.status == 405:
        assert reply.header("allow")
    return error


def refused(world: World, reply: Reply, *wanted: tuple[str, str], status: int = 400, code: str | None = None) -> None:
    """``reply`` says no with the envelope, for exactly these reasons: (path, code) of the fields."""
    assert reply.status == status, reply.raw.text[:500]
    error = check_envelope(reply)
    assert [(field["path"], field["code"]) for field in error["fields"]] == list(wanted)
    if code is not None:
        assert error["code"] == code
