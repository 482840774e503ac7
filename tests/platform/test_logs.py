import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from timbra.platform import logs
from timbra.platform.vault import Secret

JWT = "eyJhbGciOiJFZERTQSJ9.eyJ0ZWFtIjoidGVhbV8xIn0.c2lnbmF0dXJl"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    written = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure("INFO", as_json=True, stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def raise_with_key() -> None:
    raise ValueError(f"bad key {JWT}")


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_carries_the_request_id_of_its_context(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger("timbra.x").info("invoice_stamped", invoice="inv_1", tries=2)

    (line,) = lines(stream)
    assert (line["event"], line["request_id"], line["invoice"], line["tries"]) == (
        "invoice_stamped",
        "req_1",
        "inv_1",
        2,
    )
    assert (line["level"], line["logger"]) == ("info", "timbra.x")


def test_libraries_log_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("got %s from %s", "x", "y")
    logging.getLogger("uvicorn.error").debug("not shown")

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("got x from y", "warning", "uvicorn.error")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter2-value"),
        ("csd_password", "hunter2-value"),
        ("Authorization", "hunter2-value"),
        ("api_key", "hunter2-value"),
        ("webhook_secret", ["hunter2-value"]),
        ("anything", Secret(b"hunter2-value")),
        ("anything", b"hunter2-value"),
        ("nested", {"deep": [{"token": "hunter2-value"}]}),
        ("header", "Bearer hunter2-value"),
        ("url", "https://x.mx/v2/files/f_1?exp=1&sig=hunter2-value"),
        ("event_path", "/v2/files/f_1?exp=1&sig=hunter2-value"),
        ("database", "postgresql://timbra:hunter2-value@db/timbra"),
    ],
)
def test_secret_does_not_reach_the_log(stream: io.StringIO, name: str, value: object) -> None:
    structlog.get_logger().warning("happened", **{name: value})

    assert "hunter2-value" not in stream.getvalue()
    assert "happened" in stream.getvalue()


def test_api_key_is_cut_from_texts_and_tracebacks(stream: io.StringIO) -> None:
    structlog.get_logger().info(f"key {JWT} refused")
    try:
        raise_with_key()
    except ValueError:
        logging.getLogger("x").exception("failed")

    assert JWT not in stream.getvalue()
    assert JWT.split(".")[1] not in stream.getvalue()
    assert "bad key ***" in str(lines(stream)[1]["exception"])


def test_ordinary_values_are_left_alone(stream: io.StringIO) -> None:
    structlog.get_logger().info("read", key_id="sk_test_1", tokens_left=3, url="https://x.mx/v2/invoices", ok=True)

    (line,) = lines(stream)
    assert line["key_id"] == "sk_test_1"
    assert line["tokens_left"] == 3
    assert line["url"] == "https://x.mx/v2/invoices"
    assert line["ok"] is True


def test_a_name_cannot_forge_a_line(stream: io.StringIO) -> None:
    logs.configure("INFO", as_json=False, stream=stream)

    structlog.get_logger().info("client_created", name="ACME\n2026-01-01 [info] forged\x1b[31m")

    assert len(stream.getvalue().splitlines()) == 1
    assert "\\x0a" in stream.getvalue()


def test_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        logs.configure("LOUD", as_json=True)
