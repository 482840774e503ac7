"""Hostile requests: bodies that are no JSON, headers, methods, paths, cursors and credentials."""

import base64
import json as plain_json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from factories.refusals import check_envelope, refused
from timbra.platform import json
from world import Api, Reply, World

MIB = 1024 * 1024
UNKNOWN = "00000000-0000-4000-8000-000000000000"
BOM = b"\xef\xbb\xbf"


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """A body of that many levels, its own braces included."""
    inner = (levels - 1) * opening + (b"1" if opening != b"[" else b"") + (levels - 1) * closing
    return b'{"metadata":' + inner + b"}"


NO_OBJECT = {
    "array": b"[]", "array of a body": b'[{"name":"Ana"}]', "text": b'"x"', "number": b"5", "null": b"null",
    "true": b"true", "cut": b'{"name":"Ana"', "two": b"{}{}", "trailing comma": b'{"name":"Ana",}', "single quotes": b"{'a':1}",
    "comment": b"/* */{}", "unquoted": b"{name:1}", "form": b"name=Ana", "XML": b"<name>Ana</name>",
    "UTF-16": '{"name":"Ana"}'.encode("utf-16"), "UTF-16 without mark": '{"name":"Ana"}'.encode("utf-16-le"),
    "UTF-32": '{"name":"Ana"}'.encode("utf-32"), "Latin-1": '{"name":"Peña"}'.encode("latin-1"),
    "half a character": '{"name":"Peñ'.encode()[:-1] + b'"}', "overlong": b'{"name":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}', "lone surrogate": b'{"name":"\\ud800"}',
    "lone surrogate as key": b'{"\\udc00":1}', "raw NUL": b'{"name":"a\x00b"}', "raw newline": b'{"name":"a\nb"}',
    "bad escape": b'{"name":"\\x41"}', "NaN": b'{"name":NaN}', "two marks": BOM + BOM + b"{}", "mark alone": BOM,
    "33 arrays": nested(33), "33 objects": nested(33, b'{"a":', b"}"), "100,000 arrays": nested(100_000),
    "100,000 open": b"[" * 100_000, "gzip": b"\x1f\x8b\x08\x00abc",
}  # fmt: skip


@pytest.mark.parametrize("name", NO_OBJECT)
@pytest.mark.parametrize("path", ["/clients", "/services", "/invoices/income", "/invoices/egress"])
def test_body_that_is_no_json_object_is_refused(shared_world: World, path: str, name: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post(path, NO_OBJECT[name])

    refused(shared_world, reply, code="invalid_request_body")


@pytest.mark.parametrize(
    "media_type",
    [
        "multipart/form-data", "multipart/form-data; boundary=x", "multipart/mixed", "MULTIPART/FORM-DATA",
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", " multipart/form-data",
    ],
)  # fmt: skip
def test_forms_are_refused(shared_world: World, media_type: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/clients", {"name": "Ana"}, content_type=media_type)

    refused(shared_world, reply, code="invalid_request_body")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "", "nonsense", "application/json; charset=latin-1"]
)
def test_any_other_media_type_is_read_as_json(world: World, media_type: str) -> None:
    reply = world.api.post("/clients", {"name": "Peña"}, content_type=media_type)

    assert (reply.status, reply.data["name"]) == (201, "Peña")


def test_byte_order_mark_is_passed_over_and_the_last_duplicate_counts(world: World) -> None:
    reply = world.api.post("/clients", BOM + b'{"name":"Ana","name":"Eva"}')

    assert (reply.status, reply.data["name"]) == (201, "Eva")


@pytest.mark.parametrize("body", [b"", b" \n\t\r ", b"{}", None], ids=["empty", "blank", "object", "none"])
def test_blank_body_is_an_empty_object(shared_world: World, body: bytes | None) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/clients", body)

    refused(shared_world, reply, ("name", "required"), code="missing_required_field")


def test_32_levels_are_read(world: World) -> None:
    reply = world.api.post("/clients", b'{"name":"Ana",' + nested(32, b'{"a":', b"}")[1:])

    assert reply.status == 201


@pytest.mark.parametrize(("path", "limit"), [("/invoices/income", 4 * MIB), ("/clients", MIB), ("/services", MIB)])
def test_body_over_its_limit_is_413(shared_world: World, path: str, limit: int) -> None:
    body = b'{"name":"' + b"x" * (limit - 10) + b'"}'
    assert len(body) == limit + 1

    with shared_world.unchanged():
        reply = shared_world.api.post(path, body)

    refused(shared_world, reply, status=413, code="invalid_request_body")


def test_body_of_unknown_length_over_its_limit_is_413(shared_world: World) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b" " * MIB

    async def call() -> Reply:
        headers = {"authorization": f"Bearer {shared_world.api.key}", "content-type": "application/json"}
        return Reply(await shared_world.http.post("/v2/invoices/income", content=chunks(), headers=headers))

    with shared_world.unchanged():
        reply = shared_world.run(call())

    refused(shared_world, reply, status=413)


def test_body_at_its_limit_is_read(shared_world: World) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", b" " * (4 * MIB - 2) + b"{}")

    refused(shared_world, reply, ("client", "required"), ("items", "required"))


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["a b", "a\tb" * 9, "x" * 65, "x" * 7, "<script>alert(1)</script>", "../../etc/passwd", "%0d%0aa: b"]
)
def test_bad_request_id_is_not_echoed(shared_world: World, given: str) -> None:
    reply = shared_world.api.get("/nothing", x_request_id=given)

    refused(shared_world, reply, status=404)
    assert given not in reply.raw.text
    assert reply.header("x-request-id") != given


def raw_header(world: World, name: bytes, value: bytes) -> Reply:
    """A call whose header holds any bytes, as a server that reads them laxly would hand it over."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
        "path": "/v2/clients", "raw_path": b"/v2/clients", "query_string": b"", "root_path": "",
        "server": ("cfdi.example.com", 443), "client": ("127.0.0.1", 1),
        "headers": [(b"authorization", f"Bearer {world.api.key}".encode()), (name, value)],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    world.run(world.app(scope, receive, send))
    return Reply(httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=sent[1]["body"]))


HEADER_BYTES = [
    b"abcdefgh\r\nSet-Cookie: a=b",
    b"abcdefgh\nX: y",
    b"abc\x00defgh",
    b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
    "ñandúñandú".encode(),
]


@pytest.mark.parametrize("value", HEADER_BYTES)
@pytest.mark.parametrize("name", [b"x-request-id", b"idempotency-key", b"content-type", b"x-forwarded-for"])
def test_no_header_is_injected(shared_world: World, name: bytes, value: bytes) -> None:
    with shared_world.unchanged():
        reply = raw_header(shared_world, name, value)

    assert reply.status == 400
    check_envelope(reply)
    assert "set-cookie" not in reply.raw.headers
    assert all(b"\r" not in text and b"\n" not in text for pair in reply.raw.headers.raw for text in pair)
    assert len(reply.header("x-request-id") or "") == 30


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\x00b", "ñ".encode(), b"a\x7fb", b"a\tb"])
def test_bad_idempotency_key_is_refused(shared_world: World, key: bytes) -> None:
    with shared_world.unchanged():
        reply = raw_header(shared_world, b"idempotency-key", key)

    refused(shared_world, reply, ("Idempotency-Key", "format"), code="invalid_field_value")


# --- methods and paths -----------------------------------------------------------------------------------------------

PATHS = ["/clients", "/clients/x", "/services", "/invoices/income", "/invoices/x/cancellation", "/files/x", "/health"]


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW"])
@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_405_with_allow(shared_world: World, path: str, method: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.call(method, path)

    refused(shared_world, reply, status=405, code="operation_not_allowed")
    assert {"TRACE", "OPTIONS", "PATCH"}.isdisjoint((reply.header("allow") or "").split(", "))


def exactly(world: World, method: str, raw_path: str) -> Reply:
    """The path as it is, without any tidying by the client."""
    sent: list[dict[str, Any]] = []
    path, _, query = raw_path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": path, "raw_path": path.encode("latin-1"), "query_string": query.encode(), "root_path": "",
        "server": ("cfdi.example.com", 443), "client": ("127.0.0.1", 1),
        "headers": [(b"authorization", f"Bearer {world.api.key}".encode()), (b"content-type", b"application/json")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    world.run(world.app(scope, receive, send))
    body = b"".join(message["body"] for message in sent[1:])
    return Reply(httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body))


@pytest.mark.parametrize(
    "tail",
    [
        "..", "../clients", "%2e%2e", "..%2fclients", "..%5cclients", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "....//", "%00",
        "x%00y", "%252e%252e", "%25%32%65", "a%2Fb", "a%5Cb", "a;b", "a b", "a'b", '"', "<script>", "%F0%9F%98%80", "%ff%fe",
        "%u0041", "%", "%zz", "x" * 161, "~root", "C:%5C", "{id}", "*", "$ne", "-1%20or%201=1", "\xff", "%0d%0aSet-Cookie:a",
    ],
)  # fmt: skip
@pytest.mark.parametrize("collection", ["clients", "services", "invoices/income", "invoices/egress"])
def test_id_of_another_form_is_not_found(shared_world: World, collection: str, tail: str) -> None:
    with shared_world.unchanged():
        for method in ("GET", "DELETE") if collection in ("clients", "services") else ("GET",):
            reply = exactly(shared_world, method, f"/v2/{collection}/{tail}")

            refused(shared_world, reply, status=404, code="resource_not_found")


@pytest.mark.parametrize(
    "file_id",
    [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "xml_..%2f",
        "xml_%00",
        "xml_inv_x%2f..%2fy",
        "pdf-xx_inv_1",
        "",
        "%252e",
        "a.b",
    ],
)
def test_file_ids_lead_nowhere(shared_world: World, file_id: str) -> None:
    for query in ("", "?exp=9999999999&sig=" + "0" * 64, "?exp=-1&sig=", "?exp=x&sig=%00", "?exp=" + "9" * 5_000):
        reply = exactly(shared_world, "GET", f"/v2/files/{file_id}{query}")

        refused(shared_world, reply, status=404)


def test_forged_file_links_are_refused(world: World) -> None:
    url = world.api.get(f"/invoices/{world.issue()['uuid']}/files").data["xml"]
    path = url.removeprefix("https://cfdi.example.com")
    assert world.api.get(path).status == 200

    *_, exp, sig = path.replace("?", "&").split("&")
    expires = int(exp.removeprefix("exp="))
    forged = [
        path[:-1] + ("0" if path[-1] != "0" else "1"), path.replace(exp, f"exp={expires + 1}"), path.replace(sig, "sig="),
        path.replace("xml_", "pdf_"), path.replace("xml_", "acuse_"), path.replace(sig, sig.upper()),
        path.replace(exp, f"exp=%20{expires}"), path.replace(exp, f"exp=0{expires}"), path.replace(sig, sig + "0"),
    ]  # fmt: skip
    for other in forged[:-1]:
        reply = world.api.get(other)
        assert reply.status in (404, 200), other
        if reply.status == 200:
            assert other == path.replace(exp, f"exp=%20{expires}")
    refused(world, world.api.get(forged[-1]), status=404, code="file_not_found")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/clients/", 200), ("/v2//clients", 404), ("//v2/clients", 404), ("/v2/clients//", 404), ("/v2/%63lients", 200),
        ("/v2/%2563lients", 404), ("/v2%2Fclients", 404), ("/V2/clients", 404), ("/v2/Clients", 404), ("/v2/./clients", 404),
        ("/v2/x/../clients", 404), ("/v2/clients;a=b", 404), ("/v2/clients%20", 404), ("/v2/clients%00", 404), ("/v2", 404),
        ("/", 404), ("", 404), ("*", 404), ("/docs/../openapi.json", 404), ("/docs/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/docs/..%2f..%2fpyproject.toml", 404),
    ],
)  # fmt: skip
def test_spellings_of_a_path(shared_world: World, path: str, status: int) -> None:
    reply = exactly(shared_world, "GET", path)

    assert reply.status == status
    if status == 404:
        refused(shared_world, reply, status=404)


def test_head_has_no_body_and_the_length_of_get(shared_world: World) -> None:
    for path in ("/v2/clients", "/v2/clients/x", "/v2/nothing", "/v2/health"):
        get, head = exactly(shared_world, "GET", path), exactly(shared_world, "HEAD", path)

        assert (head.status, head.raw.content) == (get.status, b"")
        assert head.header("content-length") == get.header("content-length")


@pytest.mark.parametrize("path", ["/clients?x=" + "a" * 9_000, "/clients/" + "a" * 9_000, "/nothing/" + "%41" * 3_000])
def test_url_of_9_kib_is_refused(shared_world: World, path: str) -> None:
    refused(shared_world, shared_world.api.get(path), code="invalid_request_body")


QUERIES = {
    "limit": ["0", "101", "-1", "1.5", "abc", "1e2", "9" * 40, "٣", "%00", "NaN"],
    "page": ["0", "-1", "1.5", "x", "9" * 40],
    "order_by": ["id", "created_at; drop table clients", "%00"],
    "sort": ["up", "%00"],
    "next": ["x", "%00", "=" * 10, "A" * 512, "A" * 513, "%ff%fe", "../x"],
    "created[gte]": ["x", "-1", "9" * 40, "NaN", "%00", "2026-13-01", "10000-01-01"],
    "metadata.k": ["%00"],
    "metadata[%00]": ["x"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in QUERIES.items() for value in values])
@pytest.mark.parametrize("path", ["/clients", "/services", "/invoices/income"])
def test_bad_list_parameter_is_refused(shared_world: World, path: str, name: str, value: str) -> None:
    reply = shared_world.api.get(f"{path}?{name}={value}")

    assert reply.status == 400
    error = check_envelope(reply)
    assert error["code"] == "invalid_field_value"
    assert [field["path"] for field in error["fields"]] == [name.split("[%", maxsplit=1)[0].split(".", maxsplit=1)[0]]


@pytest.mark.parametrize(
    "team", ["%00", "x%00y", "../x", "team_01K9ZE2M4Q6S8V0X1Z3B5D7F9H", "'", "a" * 200, "%F0%9F%98%80"]
)
def test_team_that_is_no_team_is_not_found(shared_world: World, team: str) -> None:
    refused(shared_world, shared_world.api.get(f"/clients?team={team}"), ("team", "not_found"), status=404)


# --- cursors ---------------------------------------------------------------------------------------------------------


def flips(text: str) -> Iterator[str]:
    """The text with one bit changed, at every character."""
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 << (place % 8)
        yield base64.urlsafe_b64encode(changed).rstrip(b"=").decode()


def test_forged_and_foreign_cursors_are_refused(world: World) -> None:
    for name in ("Ana", "Eva", "Ivo"):
        world.api.post("/clients", {"name": name})
    cursor = world.api.get("/clients?limit=1").json["next"]
    assert world.api.get(f"/clients?limit=1&next={cursor}").status == 200

    foreign = [
        world.api.get(f"/services?next={cursor}"), world.live.get(f"/clients?next={cursor}"),
        world.rival.get(f"/clients?next={cursor}"), world.api.get(f"/clients?next={cursor}&sort=asc"),
        world.api.get(f"/clients?next={cursor}&order_by=name"), world.api.get(f"/invoices/income?next={cursor}"),
    ]  # fmt: skip
    forged = [
        world.api.get(f"/clients?next={text}") for text in [*flips(cursor), cursor[:-4], cursor + "AAAA", cursor * 2]
    ]

    for reply in foreign + forged:
        refused(world, reply, ("next", "format"), code="invalid_field_value")


# --- credentials -----------------------------------------------------------------------------------------------------


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(plain_json.dumps(value).encode()).rstrip(b"=").decode()


def forged_tokens(key: str) -> dict[str, str]:
    head, claims, signature = key.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    flipped = list(flips(signature))
    return {
        "no signature": f"{head}.{claims}.",
        "no algorithm": f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "symmetric algorithm": f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{claims}.{signature}",
        "first bit": f"{head}.{claims}.{flipped[0]}",
        "last bit": f"{head}.{claims}.{flipped[-1]}",
        "other mode": f"{head}.{part({**decoded, 'livemode': not decoded.get('livemode')})}.{signature}",
        "key of the header": f"{part({'alg': 'EdDSA', 'jwk': {'kty': 'OKP', 'crv': 'Ed25519', 'x': 'A' * 43}})}.{claims}.{signature}",
        "key id as path": f"{part({'alg': 'EdDSA', 'kid': '../../../../dev/null'})}.{claims}.{signature}",
        "claims that are no object": f"{head}.{part([1])}.{signature}",
        "claims that are no JSON": f"{head}.{part('x')[:-2]}.{signature}",
        "two parts": f"{head}.{claims}",
        "four parts": f"{key}.{signature}",
        "blank inside": key[:40] + " " + key[40:],
        "quotes": f'"{key}"',
        "text": "secret",
        "7,000 characters": "a" * 7_000,
        "Latin-1": "ñ" * 40,
    }


TOKENS = list(forged_tokens(f"{part({})}.{part({})}.{part({'a': 1})}"))


@pytest.mark.parametrize("name", TOKENS)
def test_forged_token_is_refused(shared_world: World, name: str) -> None:
    token = forged_tokens(shared_world.api.key)[name]

    with shared_world.unchanged():
        for path in ("/clients", "/invoices/income"):
            reply = raw_token(shared_world, path, f"Bearer {token}".encode("latin-1"))

            refused(shared_world, reply, status=401, code="invalid_token")


def raw_token(world: World, path: str, value: bytes) -> Reply:
    async def call() -> Reply:
        headers = [(b"authorization", value), (b"content-type", b"application/json")]
        return Reply(await world.http.request("POST", f"/v2{path}", content=b"{}", headers=headers))

    return Reply(world.run(call()).raw)


@pytest.mark.parametrize("value", [b"", b"  ", b"\t"])
def test_no_token_is_unauthorized(shared_world: World, value: bytes) -> None:
    refused(shared_world, raw_token(shared_world, "/clients", value), status=401, code="unauthorized")


@pytest.mark.parametrize(
    "value", [b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer a b", b"Token x", b"Bearer \x00", b"\xff\xff"]
)
def test_other_credentials_are_refused(shared_world: World, value: bytes) -> None:
    refused(shared_world, raw_token(shared_world, "/clients", value), status=401, code="invalid_token")


def test_the_credential_comes_before_everything_in_the_body(shared_world: World) -> None:
    nobody = Api(shared_world, "x")

    for body in (b"[", b'{"name":"Ana"}', b"x" * 1_000):
        refused(shared_world, nobody.post("/clients", body), status=401, code="invalid_token")
