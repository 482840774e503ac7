"""SAT's public status service (ConsultaCFDIService): whether a document is in force, cancelable, or canceled.

It needs no account and costs nothing. It answers in SOAP 1.1; whatever cannot be read is ``Unanswered``.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import structlog
from lxml import etree

from timbra.cfdi.expression import status_expression
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.sat_status import SatStatus, Unanswered
from timbra.cfdi.text import escape
from timbra.platform.egress import Answer, EgressFailed, Limits

URL: Final = "https://consultaqr.facturaelectronica.sat.gob.mx/ConsultaCFDIService.svc"
ACTION: Final = "http://tempuri.org/IConsultaCFDIService/Consulta"
ANSWER_BYTES: Final = 64 * 1024
LIMITS: Final = Limits(connect_s=3.0, read_s=10.0, total_s=10.0, answer_bytes=ANSWER_BYTES)
OK: Final = 200
TEXT_MAX: Final = 200  # no member of the answer is longer

log = structlog.get_logger(__name__)


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


class SatStatusService:
    """SAT's answer about one document at a time. Nothing is repeated here: whoever asks decides when to ask again."""

    def __init__(self, http: Http, url: str = URL) -> None:
        self._http = http
        self._url = url

    async def status(
        self, *, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str
    ) -> SatStatus | Unanswered:
        """The document's state in SAT's words. total: as printed; sello: the seal or its last eight characters."""
        expression = status_expression(
            uuid=uuid, issuer_rfc=issuer_rfc, receiver_rfc=receiver_rfc, total=total, sello=sello
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{ACTION}"'}
        try:
            answer = await self._http.request(
                "POST", self._url, headers=headers, body=_envelope(expression), limits=LIMITS
            )
        except EgressFailed as failed:
            return _unanswered(f"no answer: {failed.reason}")
        return _read(answer)


def _envelope(expression: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://tempuri.org/"><s:Body>'
        f"<t:Consulta><t:expresionImpresa>{escape(expression)}</t:expresionImpresa></t:Consulta></s:Body></s:Envelope>"
    ).encode()


def _read(answer: Answer) -> SatStatus | Unanswered:
    if answer.status != OK:
        return _unanswered(f"HTTP {answer.status}")
    try:
        root = parse(answer.body, limit=ANSWER_BYTES)
    except XmlRefused as refused:
        return _unanswered(str(refused))
    results = list(root.iter("{http://tempuri.org/}ConsultaResult"))
    if len(results) != 1:
        return _unanswered("no result in the answer")
    code = _text(results[0], "CodigoEstatus")
    if code is None or code[:4] not in ("S - ", "N - "):
        return _unanswered("no code in the answer")
    return SatStatus(
        code=code,
        state=_text(results[0], "Estado") or "",
        cancelable=_text(results[0], "EsCancelable"),
        cancellation=_text(results[0], "EstatusCancelacion"),
        efos=_text(results[0], "ValidacionEFOS"),
    )


def _text(result: etree._Element, name: str) -> str | None:
    found = next(result.iter(f"{{*}}{name}"), None)
    text = (found.text or "").strip() if found is not None else ""
    return text[:TEXT_MAX] or None


def _unanswered(reason: str) -> Unanswered:
    log.warning("sat_status_unanswered", reason=reason)
    return Unanswered(reason)
