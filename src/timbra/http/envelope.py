"""Success envelopes and the one class that turns a value into a JSON reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from timbra.http.errors import ApiError
from timbra.platform import json

JSON_TYPE = "application/json; charset=utf-8"


class JSONReply(Response):
    """A reply whose body is the exact JSON of ``content``; ``.body`` holds the bytes that leave."""

    media_type = None

    def __init__(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content)
        super().__init__(body, status, {"content-type": JSON_TYPE, **(headers or {})})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler returns when data alone is not enough: another message, status, headers, or members beside data."""

    data: Any
    message: str | None = None
    status: int | None = None
    headers: Mapping[str, str] | None = None
    beside: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search or catalogue handler returns; becomes the search envelope."""

    rows: Sequence[Any]
    found: int
    page: int
    per_page: int
    next: str | None = None


def ok(message: str, data: Any, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The envelope of one resource or action."""
    return {"success": True, "message": message, "data": data, **(beside or {})}


def listing(message: str, rows: Sequence[Any], following: str | None, total: int) -> dict[str, Any]:
    """The list envelope. ``following`` is the cursor of the next page, None on the last one."""
    return {
        "success": True,
        "message": message,
        "data": list(rows),
        "next": following,
        "has_more": following is not None,
        "total_results": total,
    }


def search(message: str, hits: Hits) -> dict[str, Any]:
    """The envelope of searches and catalogues."""
    return {
        "success": True,
        "message": message,
        "data": list(hits.rows),
        "found": hits.found,
        "page": hits.page,
        "per_page": hits.per_page,
        "has_more": hits.next is not None,
        "next": hits.next,
        "total_results": hits.found,
    }


def refusal(error: ApiError, request_id: str) -> JSONReply:
    """The reply of an error."""
    return JSONReply(error.body(request_id), error.status or error.code.status, error.headers)
