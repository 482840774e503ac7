"""Transport, envelopes and errors: one test per sentence of the conventions."""

import httpx
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from timbra.http.errors import CfdiRefused
from timbra.platform.db import DatabaseUnavailable

pytestmark = pytest.mark.anyio


def error_code(reply: httpx.Response) -> str:
    return reply.json()["error"]["code"]


async def test_success_is_one_json_object_in_utf_8(world) -> None:
    reply = await world.api.get("/v2/notes/note_1")

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.json() == {
        "success": True,
        "message": "Note retrieved successfully",
        "data": {"id": "note_1", "team": "team_OWN", "livemode": False},
    }


async def test_every_reply_has_the_fixed_headers(world) -> None:
    for path in ("/v2/notes", "/v2/nothing", "/health"):
        reply = await world.api.get(path)

        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-request-id"].startswith("req_")
        assert len(reply.headers["x-request-id"]) == 30
        assert "server" not in reply.headers


async def test_request_id_is_taken_from_a_well_formed_header(world) -> None:
    reply = await world.api.get("/v2/nothing", headers={"X-Request-Id": "abc.DEF-12_3"})

    assert reply.headers["x-request-id"] == "abc.DEF-12_3"
    assert reply.json()["request_id"] == "abc.DEF-12_3"


@pytest.mark.parametrize("given", ["short", "x" * 65, "has blank in it", "new\tline-12345", "ñandúñandú"])
async def test_request_id_of_another_form_is_replaced(world, given: str) -> None:
    reply = await world.api.get("/v2/notes", headers={"X-Request-Id": given.encode()})

    assert reply.headers["x-request-id"].startswith("req_")


async def test_unknown_route_is_json_404(world) -> None:
    reply = await world.api.get("/v2/nothing")

    assert reply.status_code == 404
    assert reply.json() == {
        "success": False,
        "message": "Not found",
        "error": {"code": "resource_not_found", "message": "Not found", "details": [], "fields": []},
        "request_id": reply.headers["x-request-id"],
    }


async def test_unknown_route_outside_the_base_is_json_404(world) -> None:
    assert error_code(await world.api.get("/")) == "resource_not_found"
    assert error_code(await world.api.get("/notes")) == "resource_not_found"


async def test_other_method_on_a_known_path_is_405_with_allow(world) -> None:
    reply = await world.api.patch("/v2/notes/note_1")

    assert reply.status_code == 405
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PUT"
    assert error_code(reply) == "operation_not_allowed"


async def test_options_is_405_without_cors(world) -> None:
    reply = await world.api.options("/v2/notes", headers={"Origin": "https://a.example"})

    assert reply.status_code == 405
    assert "access-control-allow-origin" not in reply.headers


async def test_head_is_get_without_a_body(world) -> None:
    get = await world.api.get("/v2/notes/note_1")
    head = await world.api.head("/v2/notes/note_1")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_trailing_slash_is_the_same_route_and_never_a_redirect(world) -> None:
    assert (await world.api.get("/v2/notes/")).status_code == 200
    assert (await world.api.get("/v2/notes/note_1/")).json()["data"]["id"] == "note_1"
    assert (await world.api.post("/v2/notes/", json={"name": "a"})).status_code == 201


async def test_literal_segments_win_over_ids(world) -> None:
    assert (await world.api.get("/v2/notes/search")).json()["message"] == "Notes found"


@pytest.mark.parametrize("given", ["a.b", "a%20b", "x" * 161, "a%2Fb", "%C3%B1", "a%2525"])
async def test_id_of_another_form_is_not_found(world, given: str) -> None:
    assert error_code(await world.api.get(f"/v2/notes/{given}")) == "resource_not_found"


async def test_ids_are_percent_decoded_once(world) -> None:
    assert (await world.api.get("/v2/notes/note%5F1")).json()["data"]["id"] == "note_1"


async def test_an_encoded_slash_does_not_change_the_route(world) -> None:
    assert error_code(await world.api.get("/v2/teams/team_OWN%2Fthings")) == "resource_not_found"


async def test_url_over_8_kib_is_refused(world) -> None:
    reply = await world.api.get("/v2/notes?x=" + "a" * 8200)

    assert (reply.status_code, error_code(reply)) == (400, "invalid_request_body")


async def test_body_over_1_mib_is_413(world) -> None:
    reply = await world.api.post("/v2/notes", content=b'{"name": "' + b"a" * 1024 * 1024 + b'"}')

    assert (reply.status_code, error_code(reply)) == (413, "invalid_request_body")


async def test_body_of_undeclared_length_over_1_mib_is_413(world) -> None:
    async def chunks():
        for _ in range(17):
            yield b" " * 65536

    reply = await world.api.post("/v2/notes", content=chunks())

    assert reply.status_code == 413


async def test_size_is_checked_before_the_credential(world) -> None:
    reply = await world.api.post("/v2/notes", content=b"a" * 1_100_000, headers={"Authorization": ""})

    assert reply.status_code == 413


async def test_search_envelope(world) -> None:
    assert (await world.api.get("/v2/notes/search")).json() == {
        "success": True,
        "message": "Notes found",
        "data": [{"id": "note_1"}],
        "found": 3,
        "page": 1,
        "per_page": 1,
        "has_more": False,
        "next": None,
        "total_results": 3,
    }


async def test_unexpected_exception_is_a_constant_500(world) -> None:
    world.fail_with = RuntimeError("password=hunter2 SELECT * FROM keys")

    reply = await world.api.get("/v2/open")

    assert (reply.status_code, error_code(reply)) == (500, "internal_server_error")
    assert reply.json()["message"] == "The server failed to answer this request"
    assert "hunter2" not in reply.text
    assert reply.headers["x-request-id"] == reply.json()["request_id"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (DatabaseUnavailable("locked"), 503, "service_unavailable"),
        (IntegrityError("INSERT secret", {}, Exception("x")), 500, "data_integrity_error"),
        (OperationalError("SELECT secret", {}, Exception("x")), 500, "database_error"),
    ],
)
async def test_database_faults_have_their_codes(world, fault: Exception, status: int, code: str) -> None:
    world.fail_with = fault

    reply = await world.api.get("/v2/open")

    assert (reply.status_code, error_code(reply)) == (status, code)
    assert "secret" not in reply.text
    assert (reply.headers.get("retry-after") == "5") is (status == 503)


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [(404, 404, "resource_not_found"), (405, 405, "operation_not_allowed"), (400, 400, "invalid_request_body"),
     (500, 500, "internal_server_error")],
)  # fmt: skip
async def test_refusals_of_the_framework_have_our_envelope(world, raised: int, status: int, code: str) -> None:
    world.fail_with = HTTPException(raised, headers={"Allow": "GET"})

    reply = await world.api.get("/v2/open")

    assert (reply.status_code, error_code(reply)) == (status, code)


async def test_an_error_may_carry_further_members(world) -> None:
    world.fail_with = CfdiRefused(extra={"cfdi": {"code": "CFDI40147"}}, details=["folio 1 was released"])

    reply = await world.api.get("/v2/open")

    assert reply.status_code == 422
    assert reply.json()["error"]["cfdi"] == {"code": "CFDI40147"}
    assert reply.json()["error"]["details"] == ["folio 1 was released"]


async def test_health_answers_at_the_root_and_below_the_base(world) -> None:
    for path in ("/health", "/v2/health"):
        reply = await world.api.get(path, headers={"Authorization": ""})
        assert reply.json() == {"success": True, "message": "ok", "data": {"status": "ok", "version": "0.1.0"}}
    assert (await world.api.get("/v2/auth/health")).json()["data"] == {"status": "ok"}


async def test_ready_lists_its_checks(world) -> None:
    reply = await world.api.get("/health/ready")

    assert reply.status_code == 200
    assert reply.json()["data"] == {"status": "ok", "checks": {"database": "ok", "pac": "ok", "mail": "off"}}


async def test_ready_is_degraded_by_an_optional_check(world) -> None:
    world.checks["pac"] = "crash"

    reply = await world.api.get("/v2/health/ready")

    assert reply.status_code == 200
    assert reply.json()["data"]["status"] == "degraded"
    assert reply.json()["data"]["checks"]["pac"] == "failed"


async def test_ready_fails_with_a_required_check(world) -> None:
    world.checks["database"] = "failed"

    reply = await world.api.get("/health/ready")

    assert (reply.status_code, error_code(reply)) == (503, "service_unavailable")
    assert reply.headers["retry-after"] == "5"
    assert reply.json()["data"]["checks"]["database"] == "failed"


class TestCors:
    @pytest.fixture
    def origins(self) -> list[str]:
        return ["https://shop.example"]

    async def test_allowed_origin_may_read_replies(self, world) -> None:
        reply = await world.api.get("/v2/notes", headers={"Origin": "https://shop.example"})

        assert reply.headers["access-control-allow-origin"] == "https://shop.example"

    async def test_preflight_is_answered_in_json(self, world) -> None:
        ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        reply = await world.api.options("/v2/notes", headers=ask)

        assert reply.status_code == 200
        assert reply.json()["success"] is True
        assert "POST" in reply.headers["access-control-allow-methods"]

    async def test_other_origins_are_refused(self, world) -> None:
        ask = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        reply = await world.api.options("/v2/notes", headers=ask)

        assert reply.status_code == 400
        assert reply.json()["success"] is False
