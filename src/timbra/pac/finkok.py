"""Finkok (SOAP). What it is said to do, and what was seen, is in docs/pacs/finkok.md.

Source: https://wiki.finkok.com (stamp, stamped, cancel_signature, tipificacion).
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from lxml import etree

from timbra.pac import soap
from timbra.pac.codes import RECEIVED, STAMPED_BEFORE, TEXT_MAX, refuses
from timbra.pac.port import (
    Abilities,
    Ability,
    Busy,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    NotThere,
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.talk import Talk, document_of

STAMP: Final = "http://facturacion.finkok.com/stamp"
CANCEL: Final = "http://facturacion.finkok.com/cancel"

NOT_STAMPED: Final = "603"
# The account, not the document: another PAC may be asked. 300, 501 login; 702 issuer not registered; 703 suspended;
# 706 partner; 708 SAT out of reach; 718, 719 no stamps left.
ACCOUNT: Final = frozenset({"300", "501", "702", "703", "706", "708", "718", "719"})
STRUCTURE: Final = frozenset({"704", "705", "707", "710", "711", "712", "713", "714", "715", "716", "717"})
VISIBLE_AFTER_S: Final = 20.0  # ``stamped`` was seen to deny a document for 4 to 8 s after it was stamped


class Finkok:
    """``credentials``: username and password of the partner account."""

    name = "finkok"
    abilities = Abilities(Dedup.BY_XML, frozenset({Ability.RECOVER, Ability.CANCEL}), visible_after_s=VISIBLE_AFTER_S)

    def __init__(self, credentials: Mapping[str, str], base_url: str) -> None:
        self._user = credentials["username"]
        self._password = credentials["password"]
        self._base_url = base_url

    @property
    def secrets(self) -> Sequence[str]:
        """Never kept."""
        return (self._password,)

    async def stamp(self, talk: Talk, xml: bytes, reference: str) -> StampOutcome:
        """``stamp``: a repeat answers 307, with the first stamp or without it."""
        answer = await self._ask(talk, "stamp", STAMP, "stamp", xml)
        document, code, text = _read(answer)
        if document:
            return Stamped(document_of(document))
        if code == STAMPED_BEFORE:
            return Unknown("307: stamped before, and the stamp was not given")
        if code in ACCOUNT:
            return Busy(f"{code} {text}")
        if refuses(code) or code in STRUCTURE:
            return Rejected(code, text)
        return Unknown(f"{code or 'no code'}: {text}")

    async def find(self, talk: Talk, xml: bytes, reference: str) -> FindOutcome:
        """``stamped``: the stamp of the same bytes; 603 says that there is none, or none yet."""
        answer = await self._ask(talk, "stamp", STAMP, "stamped", xml)
        document, code, text = _read(answer)
        if document:
            return Stamped(document_of(document))
        if code == NOT_STAMPED:
            return NotThere()
        return Unknown(f"{code or 'no code'}: {text}")

    async def cancel(self, talk: Talk, request: CancelRequest) -> CancelOutcome:
        """``cancel_signature`` with our own signed request; 205 on a fresh document is no last word."""
        answer = await self._ask(
            talk, "cancel", CANCEL, "cancel_signature", request.signed_xml, ("store_pending", "false")
        )
        code = soap.text(answer, "EstatusUUID")
        said = soap.text(answer, "EstatusCancelacion")
        if code in RECEIVED:
            return CancelAccepted(code, soap.text(answer, "Acuse").encode())
        if code:
            return Rejected(code, (said or _CANCELLATION.get(code, code))[:TEXT_MAX])
        return _unprocessed(soap.text(answer, "CodEstatus"))

    async def _ask(
        self, talk: Talk, service: str, namespace: str, operation: str, xml: bytes, *more: tuple[str, str]
    ) -> etree._Element:
        parameters = (
            ("xml", base64.b64encode(xml).decode()),
            ("username", self._user),
            ("password", self._password),
            *more,
        )
        answer = await talk.send(
            "POST",
            f"{self._base_url}/servicios/soap/{service}",
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'},
            body=soap.envelope(namespace, operation, parameters, qualified=True),
        )
        return soap.result(answer.body)


def _read(answer: etree._Element) -> tuple[str, str, str]:
    """(stamped document, code, text) of a stamping answer."""
    incident = next(answer.iter("{*}Incidencia"), None)
    if incident is None:
        return soap.text(answer, "xml"), "", soap.text(answer, "CodEstatus")[:TEXT_MAX]
    code, text = soap.text(incident, "CodigoError"), soap.text(incident, "MensajeIncidencia")
    extra = soap.text(incident, "ExtraInfo")
    return soap.text(answer, "xml"), code, (f"{text} {extra}".strip())[:TEXT_MAX]


_CANCELLATION: Final = {
    "203": "El RFC del emisor no corresponde al de quien solicita la cancelación",
    "205": "UUID no encontrado",
    "no_cancelable": "El UUID contiene CFDI relacionados",
}


def _unprocessed(status: str) -> CancelOutcome:
    """What an answer without documents says: a request that was not handed on, or was not understood."""
    code = status.partition(" ")[0].strip(":-")
    if status.endswith("No Encontrado"):
        return Rejected("205", status[:TEXT_MAX])
    if code in ACCOUNT:
        return Busy(status[:TEXT_MAX])
    if code.isdigit():
        return Rejected(code, status[:TEXT_MAX])
    return Unknown(f"no document in the answer: {status[:TEXT_MAX]}")
