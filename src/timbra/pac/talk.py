"""One conversation with a PAC over ``platform.egress``: sends, reads strictly, and keeps what was said, redacted.

Whatever the other side answers, a reader here either understands it or raises ``Unreadable``, which means: it may have
stamped, nobody can tell.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from lxml import etree

from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.text import escape
from timbra.pac.port import Spoken
from timbra.platform import json
from timbra.platform.clock import monotonic_s
from timbra.platform.egress import Answer, EgressFailed, Limits, NotSent
from timbra.platform.json import JsonRefused

ANSWER_BYTES: Final = 24 * 1024 * 1024  # a stamped document of 16 MiB as base64
LIMITS: Final = Limits(connect_s=3.0, read_s=15.0, total_s=18.0, answer_bytes=ANSWER_BYTES)
KEPT_CHARS: Final = 64 * 1024
SECRET_MIN: Final = 4  # shorter ones would redact half of every text
MASK: Final = "***"

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{400,}={0,2}", re.ASCII)
_CFDI: Final = re.compile(r"<cfdi:Comprobante\b.*?</cfdi:Comprobante\s*>", re.DOTALL)


class Unreadable(Exception):
    """The answer makes no sense: what it was about may have happened all the same."""


class Http(Protocol):
    """What this module needs of ``platform.egress.Egress``."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits = ...,
    ) -> Answer: ...


class Talk:
    """The calls of one operation, in order. ``secrets``: texts that must never be kept."""

    def __init__(
        self,
        http: Http,
        secrets: Sequence[str],
        limits: Limits = LIMITS,
        hear_date: Callable[[str], None] | None = None,
    ) -> None:
        self._http = http
        self._hidden = _spellings(secrets)
        self._limits = limits
        self._hear_date = hear_date
        self._said: list[Spoken] = []
        self.has_left = False  # a request other than a login may have arrived

    @property
    def said(self) -> tuple[Spoken, ...]:
        """What was said so far."""
        return tuple(self._said)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        is_private: bool = False,
    ) -> Answer:
        """The answer, whatever its status. ``is_private``: a login, of which no body is kept. Raises NotSent, Unknown."""
        began = monotonic_s()
        answer: Answer | None = None
        failure = "given up"
        try:
            answer = await self._http.request(method, url, headers=headers, body=body, limits=self._limits)
            failure = ""
            self.has_left |= not is_private
            if self._hear_date is not None and "date" in answer.headers:
                self._hear_date(answer.headers["date"])
        except EgressFailed as error:
            failure = f"{type(error).__name__}: {error.reason}"
            self.has_left |= not is_private and not isinstance(error, NotSent)
            raise
        finally:
            took_ms = int((monotonic_s() - began) * 1000)
            told = failure if answer is None else _text(answer.body)
            self._said.append(
                Spoken(
                    method=method,
                    url=self._redacted(_without_query(url)),
                    request="" if is_private else shortened(self._redacted(_text(body)))[:KEPT_CHARS],
                    status=answer.status if answer else None,
                    answer=failure if is_private else self._redacted(told)[:KEPT_CHARS],
                    took_ms=took_ms,
                )
            )
        return answer

    def _redacted(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, MASK)
        return text


def _spellings(secrets: Sequence[str]) -> list[str]:
    """Each secret as it may stand in a URL, an XML text, a JSON text, longest first."""
    found = set()
    for secret in secrets:
        if len(secret) >= SECRET_MIN:
            found |= {secret, quote(secret, safe=""), escape(secret), json.dumps(secret).decode()[1:-1]}
    return sorted(found, key=len, reverse=True)


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query=""))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\x00", "")


def shortened(text: str) -> str:
    """The text with documents and long base64 replaced by their SHA-256: they are kept elsewhere, byte for byte."""
    return _BASE64.sub(_mark_base64, _CFDI.sub(_mark_cfdi, text))


def without_documents(said: Sequence[Spoken]) -> tuple[Spoken, ...]:
    """The same, the documents in answers replaced as well: for answers whose document is kept as a file."""
    return tuple(replace(one, answer=shortened(one.answer)) for one in said)


def _mark_cfdi(found: re.Match[str]) -> str:
    data = found[0].encode()
    return f"[CFDI, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}]"


def _mark_base64(found: re.Match[str]) -> str:
    try:
        data = base64.b64decode(found[0], validate=True)
    except ValueError:
        data = found[0].encode()
    return f"[base64 of {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}]"


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# --- strict readers ------------------------------------------------------------------------------------------------


def xml_of(body: bytes) -> etree._Element:
    """The root of an XML answer. Raises Unreadable."""
    try:
        return parse(body, limit=ANSWER_BYTES)
    except XmlRefused as refused:
        raise Unreadable(str(refused)) from refused


def json_of(body: bytes) -> Any:
    """The value of a JSON answer. Raises Unreadable."""
    try:
        return json.loads(body)
    except JsonRefused as refused:
        raise Unreadable(f"not JSON: {refused}") from refused


def object_of(body: bytes) -> dict[str, Any]:
    """The object of a JSON answer. Raises Unreadable."""
    value = json_of(body)
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    return value


def text_at(value: Any, *path: str) -> str:
    """The text at a path of JSON members, "" when it is absent or none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value.strip() if isinstance(value, str) else ""


def document_of(text: str) -> bytes:
    """The bytes of a document that came inside a text. Raises Unreadable when they are no XML document at all."""
    found = text.strip().lstrip("\ufeff")
    if not found.startswith("<"):
        raise Unreadable("the stamped document is missing")
    return found.encode()


def decoded(text: str) -> bytes:
    """The bytes of a base64 text. Raises Unreadable."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise Unreadable("not base64") from error


def multipart(field: str, content: bytes) -> tuple[str, bytes]:
    """(Content-Type, body) of a form with one XML file. The boundary is made of the content, so it cannot be in it."""
    boundary = "timbra" + hashlib.sha256(content).hexdigest()
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{field}.xml"\r\n'
        "Content-Type: text/xml\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
