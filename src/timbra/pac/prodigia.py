"""Prodigia, platform PADE (SOAP). What it is said to do is in docs/pacs/prodigia.md.

Source: https://docs.prodigia.com.mx/api-timbrado-xml.html (timbradoBase64, cancelarConOpciones, Tablas 1 y 2).
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
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.talk import Talk, Unreadable, decoded, xml_of

NAMESPACE: Final = "timbrado.ws.pade.mx"
SERVICE: Final = "/servicio/Timbrado4.0"
WITH_STAMP: Final = "REGRESAR_CON_ERROR_307_XML"
# 1 login, 2 contract, 5 maintenance, 7 SAT's cancellation service is off: the document was not looked at.
ACCOUNT: Final = frozenset({"1", "2", "5", "7"})
NOT_CANCELABLE: Final = "94"
IN_PROCESS: Final = "96"  # asked before, the receiver has not answered yet: SAT's 202


class Prodigia:
    """``credentials``: contract, username, password."""

    name = "prodigia"
    abilities = Abilities(Dedup.BY_XML, frozenset({Ability.CANCEL}))

    def __init__(self, credentials: Mapping[str, str], base_url: str) -> None:
        self._contract = credentials["contract"]
        self._user = credentials["username"]
        self._password = credentials["password"]
        self._base_url = base_url

    @property
    def secrets(self) -> Sequence[str]:
        """Never kept."""
        return (self._password, self._contract)

    async def stamp(self, talk: Talk, xml: bytes, reference: str) -> StampOutcome:
        """``timbradoBase64``; with the option named a repeat answers 307 together with the first stamp."""
        answer = await self._ask(
            talk, "timbradoBase64", [("cfdiXmlBase64", base64.b64encode(xml).decode()), ("opciones", WITH_STAMP)]
        )
        code, text = soap.text(answer, "codigo"), soap.text(answer, "mensaje")[:TEXT_MAX]
        stamped = soap.text(answer, "xmlBase64")
        is_ok = soap.text(answer, "timbradoOk").lower() == "true"
        if stamped and (is_ok or code == STAMPED_BEFORE):
            return Stamped(decoded(stamped))
        if code == STAMPED_BEFORE or is_ok:
            return Unknown(f"{code}: stamped, and the stamp was not given")
        if code in ACCOUNT:
            return Busy(f"{code} {text}")
        if refuses(code):
            return Rejected(code, text)
        return Unknown(f"{code or 'no code'}: {text}")

    async def find(self, talk: Talk, xml: bytes, reference: str) -> FindOutcome:
        """There is a look-up by UUID only: the same bytes are sent again instead."""
        raise NotImplementedError("declared in abilities")

    async def cancel(self, talk: Talk, request: CancelRequest) -> CancelOutcome:
        """``cancelarConOpciones`` with our own signed request (XML_CANCELACION)."""
        signed = base64.b64encode(request.signed_xml).decode()
        parts = (request.uuid.upper(), request.motive, request.substitution_uuid or "")
        answer = await self._ask(
            talk,
            "cancelarConOpciones",
            [
                ("rfcEmisor", request.issuer_rfc),
                ("arregloUUID", "|".join(parts).rstrip("|")),
                ("opciones", f"XML_CANCELACION:{signed}"),
            ],
        )
        return _cancelled(answer, request.uuid)

    async def _ask(self, talk: Talk, operation: str, parameters: Sequence[tuple[str, str]]) -> etree._Element:
        """The XML inside the ``return`` of the answer."""
        login = [("contrato", self._contract), ("usuario", self._user), ("passwd", self._password)]
        answer = await talk.send(
            "POST",
            f"{self._base_url}{SERVICE}",
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
            body=soap.envelope(NAMESPACE, operation, [*login, *parameters], qualified=False),
        )
        inner = soap.text(soap.result(answer.body), "return")
        if not inner.startswith("<"):
            raise Unreadable("the answer has no result")
        return xml_of(inner.encode())


def _cancelled(answer: etree._Element, uuid: str) -> CancelOutcome:
    for one in answer.iter("{*}cancelacion"):
        if soap.text(one, "uuid").lower() != uuid.lower():
            continue
        code, text = soap.text(one, "codigo"), soap.text(one, "mensaje")[:TEXT_MAX]
        if code in RECEIVED or code == IN_PROCESS:
            acuse = soap.text(answer, "acuseCancelBase64")
            return CancelAccepted("202" if code == IN_PROCESS else code, decoded(acuse) if acuse else b"")
        return Rejected("no_cancelable" if code == NOT_CANCELABLE else code, text)
    code = next((one.text or "" for one in answer.iterchildren("{*}codigo")), "").strip()
    text = next((one.text or "" for one in answer.iterchildren("{*}mensaje")), "").strip()[:TEXT_MAX]
    if code in ACCOUNT:
        return Busy(f"{code} {text}")
    if code and code != "0":
        return Rejected(code, text)
    return Unknown(f"no document in the answer: {text}")
