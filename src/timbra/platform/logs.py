"""Logs: one line of JSON per event, or coloured text on a terminal. No secret gets through, whoever logs it.

Everything goes this way, the libraries' standard logging too. What the context holds (``request_id``, ``job``) is on
each line. Removed are: values whose name says that they are secret, ``Secret`` objects, bytes, anything in the form of
an API key or a Bearer header, and the query of every URL (file links carry their signature there).
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from timbra.platform.vault import Secret

HIDDEN = "***"
MAX_DEPTH = 6
MAX_ITEMS = 100

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|token|authorization|cookie|credential|credentials|signature|sig"
    r"|private_key|api_key|master_key|data_key|csd|fiel)(s|_value|_text)?$",
    re.IGNORECASE,
)
_KEY_TEXT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?i:\bbearer)\s+[^\s\"',]+")
_URL_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+@")
_URL_QUERY = re.compile(r"((?:\b[a-z][a-z0-9+.-]*://|/)[^\s?\"'<>]*)\?[^\s\"'<>]+")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
_SHARED = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
)

EventDict = MutableMapping[str, Any]


def configure(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """From now on every log line of the process has this form and goes to ``stream`` (standard error).

    level: a name of ``logging``. Raises ValueError for any other.
    """
    target = stream or sys.stderr
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(level if level == "DEBUG" else "WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The event without secrets and, but for tracebacks, without control characters."""
    return {name: _shown(name, value, MAX_DEPTH) for name, value in event.items()}


def without_secrets(text: str) -> str:
    """The text with API keys, Bearer headers, and logins and queries of URLs cut out."""
    text = _KEY_TEXT.sub(HIDDEN, text)
    return _URL_QUERY.sub(rf"\1?{HIDDEN}", _URL_LOGIN.sub(rf"\1{HIDDEN}@", text))


def _shown(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Secret) or _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _container(name, value, depth)
    text = without_secrets(value if isinstance(value, str) else repr(value))
    return text if name == "exception" else text.translate(_CONTROL)


def _container(name: str, value: Any, depth: int) -> Any:
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MAX_ITEMS]
        return {str(key): _shown(str(key), item, depth - 1) for key, item in pairs}
    return [_shown(name, item, depth - 1) for item in list(value)[:MAX_ITEMS]]
