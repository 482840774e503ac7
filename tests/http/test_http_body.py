"""Request bodies: what is accepted, what is refused and how it is said."""

import pytest

pytestmark = pytest.mark.anyio


async def refused(world, content: bytes | None = None, **body) -> list[dict]:
    options = {"content": content} if content is not None else {"json": body}
    reply = await world.api.post("/v2/notes", **options)
    assert reply.status_code == 400, reply.text
    return reply.json()["error"]["fields"]


async def test_absent_blank_and_empty_bodies_are_an_empty_object(world) -> None:
    for content in (b"", b"  \n", b"{}"):
        for headers in ({}, {"Content-Type": "application/json"}):
            reply = await world.api.put("/v2/notes/a", content=content, headers=headers)
            assert (reply.status_code, reply.json()["data"]) == (200, {})


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "application/json; charset=latin-1", "nonsense"])
async def test_any_media_type_is_json(world, kind: str) -> None:
    reply = await world.api.post("/v2/notes", content='{"name": "ñandú"}'.encode(), headers={"Content-Type": kind})

    assert reply.json()["data"]["name"] == "ñandú"


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "MULTIPART/mixed"]
)
async def test_forms_are_refused(world, kind: str) -> None:
    reply = await world.api.post("/v2/notes", content=b"name=a", headers={"Content-Type": kind})

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request_body")


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'"a"', b"null", b"1", b'{"name": NaN}', b'{"name": Infinity}', b"\xff", b"{'a': 1}",
     b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", b'{"name": "\\ud800"}', b'{"a": 1e999999}'],
)  # fmt: skip
async def test_what_is_not_a_json_object_is_refused(world, content: bytes) -> None:
    reply = await world.api.post("/v2/notes", content=content)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request_body")


async def test_32_levels_are_accepted(world) -> None:
    content = b'{"name": "a", "other": ' + b"[" * 31 + b"]" * 31 + b"}"

    assert (await world.api.post("/v2/notes", content=content)).status_code == 201


async def test_delete_bodies_are_parsed(world) -> None:
    reply = await world.api.request("DELETE", "/v2/notes/a", json={"reason": "02"})

    assert reply.json() == {"success": True, "message": "Gone", "data": {"id": "a", "reason": "02"}}
    assert (await world.api.request("DELETE", "/v2/notes/a", content=b"{")).status_code == 400


async def test_get_bodies_are_ignored(world) -> None:
    assert (await world.api.request("GET", "/v2/notes/a", content=b"{")).status_code == 200


async def test_unknown_fields_are_ignored(world) -> None:
    assert (await world.api.post("/v2/notes", json={"name": "a", "colour": {"x": [None]}})).status_code == 201


async def test_last_of_duplicate_keys_counts(world) -> None:
    reply = await world.api.post("/v2/notes", content=b'{"name": "first", "name": "second"}')

    assert reply.json()["data"]["name"] == "second"


async def test_decimals_stay_exact(world) -> None:
    reply = await world.api.post("/v2/notes", content=b'{"name": "a", "amount": 99999999999.999999}')

    assert b'"amount":99999999999.999999' in reply.content


async def test_numeric_text_is_a_number(world) -> None:
    reply = await world.api.post("/v2/notes", json={"name": "a", "amount": "0.160"})

    assert b'"amount":0.16' in reply.content


async def test_huge_numbers_are_a_bad_value_not_a_fault(world) -> None:
    for number in (b"9" * 40, b"1e300", b"-1e300", b"1e-300"):
        reply = await world.api.post("/v2/notes", content=b'{"name": "a", "amount": ' + number + b"}")
        assert reply.json()["error"]["fields"][0]["path"] == "amount"
    assert (await world.api.post("/v2/notes", content=b'{"name": "a", "x": ' + b"9" * 40 + b"}")).status_code == 201


async def test_null_and_blank_in_an_optional_field_are_absent_on_create(world) -> None:
    for empty in (None, "", "  "):
        body = {"name": "a", "amount": empty, "factor": empty, "items": empty, "metadata": empty}
        assert (await world.api.post("/v2/notes", json=body)).status_code == 201


async def test_null_and_blank_clear_on_update_and_absent_fields_stay(world) -> None:
    for empty in (None, "", "  "):
        reply = await world.api.put("/v2/notes/a", json={"name": empty})
        assert reply.json()["data"] == {"name": None}


async def test_all_problems_absent_is_missing_required_field(world) -> None:
    for body in ({}, {"name": None}, {"name": " "}):
        reply = await world.api.post("/v2/notes", json=body)
        assert reply.json()["error"] == {
            "code": "missing_required_field",
            "message": "name: is required",
            "details": ["name: is required"],
            "fields": [{"path": "name", "code": "required", "message": "is required", "fix": None}],
        }


async def test_all_problems_bad_is_invalid_field_value(world) -> None:
    reply = await world.api.post("/v2/notes", json={"name": 5, "amount": "1,000"})

    assert reply.json()["error"]["code"] == "invalid_field_value"
    assert reply.json()["error"]["details"] == ["name: must be text", "amount: must be a number"]
    assert reply.json()["message"] == "The request has 2 invalid fields"


async def test_both_kinds_is_validation_failed_with_paths_and_fixes(world) -> None:
    body = {"items": [{"description": "ok", "taxes": [{}, {"rate": 16}]}, {"description": "x" * 21}], "factor": "tas"}
    fields = await refused(world, **body)

    assert fields == [
        {"path": "name", "code": "required", "message": "is required", "fix": None},
        {"path": "factor", "code": "enum", "message": "must be one of Tasa, Cuota", "fix": "Tasa"},
        {"path": "items[0].taxes[0].rate", "code": "required", "message": "is required", "fix": None},
        {"path": "items[0].taxes[1].rate", "code": "max", "message": "must be at most 1", "fix": 1},
        {
            "path": "items[1].description",
            "code": "max_length",
            "message": "must have at most 20 characters",
            "fix": "x" * 20,
        },
    ]


async def test_null_elements_of_arrays_are_refused(world) -> None:
    fields = await refused(world, name="a", items=[None])

    assert [(field["path"], field["code"]) for field in fields] == [("items[0]", "type")]


async def test_at_most_50_problems_are_reported(world) -> None:
    fields = await refused(world, name="a", items=[{} for _ in range(80)])

    assert len(fields) == 50


async def test_body_team_and_mode_must_be_the_callers(world) -> None:
    fields = await refused(world, name="a", team="team_OTHER", livemode=True, expected_livemode="false")

    assert [(field["path"], field["fix"]) for field in fields] == [
        ("team", "team_OWN"),
        ("livemode", False),
        ("expected_livemode", False),
    ]


async def test_body_team_is_compared_with_the_effective_team(world) -> None:
    body = {"name": "a", "team": "team_OTHER", "livemode": False, "expected_livemode": False}

    assert (await world.api.post("/v2/notes?team=team_OTHER", json=body)).status_code == 201


async def test_problems_of_team_join_the_others(world) -> None:
    fields = await refused(world, team="x")

    assert [field["path"] for field in fields] == ["name", "team"]


async def test_codes_in_any_case(world) -> None:
    assert (await world.api.post("/v2/notes", json={"name": "a", "factor": "CUOTA"})).status_code == 201


async def test_text_is_trimmed_normalised_and_free_of_controls(world) -> None:
    reply = await world.api.post("/v2/notes", json={"name": "  Jose\u0301 "})
    assert reply.json()["data"]["name"] == "José"

    fields = await refused(world, name="a\tb", items=[{"description": "a\n\tb"}, {"description": "a\x07"}])
    assert [field["path"] for field in fields] == ["name", "items[1].description"]


async def test_multipart_gives_fields_and_files(world) -> None:
    reply = await world.api.post("/v2/notes/upload", data={"kind": " pdf "}, files={"file": ("a.pdf", b"%PDF")})

    # as sent: the fingerprint of a repeat must tell one password from another
    assert reply.json()["data"]["fields"] == {"kind": " pdf "}
    assert reply.json()["data"]["files"]["file"].startswith("315d429b")


async def test_multipart_endpoint_refuses_json_and_broken_forms(world) -> None:
    assert (await world.api.post("/v2/notes/upload", json={})).json()["error"]["code"] == "invalid_request_body"

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = await world.api.post("/v2/notes/upload", content=b"--y\r\nnonsense", headers=kind)
    assert broken.json()["error"]["code"] == "file_upload_error"


async def test_multipart_over_its_limit_is_413(world) -> None:
    reply = await world.api.post("/v2/notes/upload", files={"file": ("a", b"x" * (10 * 1024 * 1024 + 70_000))})

    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "file_upload_error")
