"""SW sapien (REST). What it is said to do, and what others have seen, is in docs/pacs/sw.md.

Source: https://developers.sw.com.mx (Timbrado V4 CustomID, Cancelación por XML, Autenticación) and its SDKs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from timbra.cfdi.cancellation import CancellationRefused, read_acuse
from timbra.pac.codes import RECEIVED, STAMPED_BEFORE, refuses, split
from timbra.pac.port import (
    Abilities,
    Ability,
    Busy,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.talk import Talk, Unreadable, document_of, multipart, object_of, text_at
from timbra.platform import json
from timbra.platform.clock import monotonic_s
from timbra.platform.egress import Answer

OTHER_DOCUMENT: Final = "CFDI3307"  # the customid was used for other bytes
TOKEN_LIFE_S: Final = 100 * 60.0  # a token lives two hours
REFUSED_LOGIN: Final = (401, 403)
OVERLOADED: Final = 429
NO_STAMPS: Final = ("saldo", "timbres disponibles", "no cuenta con timbres")


class Sw:
    """``credentials``: token (one without end), or user and password."""

    name = "sw"
    abilities = Abilities(Dedup.BY_REFERENCE, frozenset({Ability.CANCEL}))

    def __init__(self, credentials: Mapping[str, str], base_url: str) -> None:
        self._credentials = credentials
        self._base_url = base_url
        self._token = credentials.get("token", "")
        self._token_until_s: float | None = None

    @property
    def secrets(self) -> Sequence[str]:
        """Never kept."""
        return [text for text in (self._token, self._credentials.get("password", "")) if text]

    async def stamp(self, talk: Talk, xml: bytes, reference: str) -> StampOutcome:
        """Stamping V4 with ``customid``: the same id and bytes again answer 307 with the first stamp."""
        answer = await self._send(talk, "/v4/cfdi33/stamp/v4", xml, {"customid": reference})
        if isinstance(answer, Busy):
            return answer
        body = object_of(answer.body)
        document = text_at(body, "data", "cfdi")
        if text_at(body, "status") == "success":
            return Stamped(document_of(document))
        code, text = split(text_at(body, "message"))
        detail = f"{text} {text_at(body, 'messageDetail')}".strip()
        if code == STAMPED_BEFORE:
            return Stamped(document_of(document)) if document else Unknown("307: stamped before, without the stamp")
        if code == OTHER_DOCUMENT:
            uuid = text_at(body, "data", "uuid")
            return Unknown(f"{code}: other bytes were stamped under this reference, as {uuid or 'an unknown UUID'}")
        return _refusal(answer, code, detail)

    async def find(self, talk: Talk, xml: bytes, reference: str) -> FindOutcome:
        """There is no look-up by reference: the same bytes are sent again instead."""
        raise NotImplementedError("declared in abilities")

    async def cancel(self, talk: Talk, request: CancelRequest) -> CancelOutcome:
        """Cancellation by XML: our own signed request."""
        answer = await self._send(talk, "/cfdi33/cancel/xml", request.signed_xml, {})
        if isinstance(answer, Busy):
            return answer
        body = object_of(answer.body)
        if text_at(body, "status") != "success":
            code, text = split(text_at(body, "message"))
            detail = f"{text} {text_at(body, 'messageDetail')}".strip()
            if answer.status == 400 and code:
                return Rejected(code, detail)
            return _refusal(answer, code, detail)
        acuse = text_at(body, "data", "acuse")
        code = _code_of(body, request.uuid, acuse)
        if code in RECEIVED:
            return CancelAccepted(code, acuse.encode())
        return Rejected(code, text_at(body, "message") or code)

    async def _send(self, talk: Talk, path: str, xml: bytes, headers: Mapping[str, str]) -> Answer | Busy:
        """The answer to a form with one XML; Busy when we are not let in."""
        refused = await self._log_in(talk)
        if refused is not None:
            return refused
        content_type, body = multipart("xml", xml)
        answer = await talk.send(
            "POST",
            f"{self._base_url}{path}",
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content_type, **headers},
            body=body,
        )
        if answer.status in REFUSED_LOGIN:
            self._token_until_s = None
            return Busy(f"credentials refused ({answer.status})")
        if answer.status == OVERLOADED:
            return Busy("too many requests")
        return answer

    async def _log_in(self, talk: Talk) -> Busy | None:
        """A token is at hand; Busy says why not."""
        if "token" in self._credentials or (self._token_until_s is not None and monotonic_s() < self._token_until_s):
            return None
        answer = await talk.send(
            "POST",
            f"{self._base_url}/v2/security/authenticate",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"user": self._credentials["user"], "password": self._credentials["password"]}),
            is_private=True,
        )
        token = text_at(object_of(answer.body), "data", "token") if answer.status == 200 else ""
        if not token:
            return Busy(f"login refused ({answer.status})")
        self._token, self._token_until_s = token, monotonic_s() + TOKEN_LIFE_S
        return None


def _refusal(answer: Answer, code: str, text: str) -> Rejected | Busy | Unknown:
    if refuses(code):
        return Rejected(code, text)
    if any(word in text.lower() for word in NO_STAMPS):
        return Busy(text)
    return Unknown(f"HTTP {answer.status} {code}: {text}")


def _code_of(body: dict[str, Any], uuid: str, acuse: str) -> str:
    """The code of our document in a cancellation answer, else in its acuse. Raises Unreadable."""
    codes = body["data"].get("uuid")
    if isinstance(codes, dict):
        for name, code in codes.items():
            if name.lower() == uuid.lower() and isinstance(code, str | int):
                return str(code)
    try:
        found = [folio.code for folio in read_acuse(acuse.encode()).folios if folio.uuid.lower() == uuid.lower()]
    except CancellationRefused as refused:
        raise Unreadable(str(refused)) from refused
    if not found:
        raise Unreadable("the answer names other documents")
    return found[0]
