"""SAT's public status service: what is asked, and how its answers are read."""

import asyncio
from typing import Any

import pytest
from lxml import etree

from timbra.cfdi.sat_status import SatStatus, Unanswered
from timbra.platform.egress import Answer, NotSent, Reason, Unknown
from timbra.sat.status import URL, SatStatusService

UUID = "5e8f0c1a-6f2b-4a9e-9d3c-1b2a3c4d5e6f"
FOUND = "S - Comprobante obtenido satisfactoriamente."


def reply(code: str = FOUND, state: str = "Vigente", cancelable: str = "", cancellation: str = "") -> bytes:
    name = "http://schemas.datacontract.org/2004/07/Sat.Cfdi.Negocio.ConsultaCfdi.Servicio"
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<ConsultaResponse xmlns="http://tempuri.org/">'
        f'<ConsultaResult xmlns:a="{name}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<a:CodigoEstatus>{code}</a:CodigoEstatus><a:EsCancelable>{cancelable}</a:EsCancelable>"
        f"<a:Estado>{state}</a:Estado><a:EstatusCancelacion>{cancellation}</a:EstatusCancelacion>"
        "<a:ValidacionEFOS>200</a:ValidacionEFOS></ConsultaResult></ConsultaResponse></s:Body></s:Envelope>"
    ).encode()


class Http:
    """Answers everything alike and keeps what was asked."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def request(
        self, method: str, url: str, *, headers: Any = None, body: bytes = b"", limits: Any = None
    ) -> Answer:
        assert limits.total_s == 10
        self.asked.append((method, url, dict(headers), body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(answer: Answer | Exception | bytes, **named: str) -> tuple[SatStatus | Unanswered, Http]:
    http = Http(Answer(200, {}, answer) if isinstance(answer, bytes) else answer)
    fields = {
        "issuer_rfc": "H&E951128469",
        "receiver_rfc": "OÑO120726RX3",
        "total": "1160.00",
        "sello": "abc+/Yz8Qw9E=",
    }
    return asyncio.run(SatStatusService(http).status(uuid=UUID, **{**fields, **named})), http


def test_the_question_names_the_document_as_sat_wants_it() -> None:
    _, http = ask(reply())

    ((method, url, headers, body),) = http.asked
    assert (method, url) == ("POST", URL)
    assert headers["SOAPAction"] == '"http://tempuri.org/IConsultaCFDIService/Consulta"'
    expression = next(etree.fromstring(body).iter("{http://tempuri.org/}expresionImpresa"))
    assert expression.text == (f"?re=H&amp;E951128469&rr=OÑO120726RX3&tt=1160.00&id={UUID}&fe=Yz8Qw9E=")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (reply(cancelable="Cancelable con aceptación"), SatStatus(FOUND, "Vigente", "Cancelable con aceptación", None, "200")),
        (
            reply(state="Cancelado", cancelable="Cancelable sin aceptación", cancellation="Cancelado sin aceptación"),
            SatStatus(FOUND, "Cancelado", "Cancelable sin aceptación", "Cancelado sin aceptación", "200"),
        ),
        (
            reply("N - 602: Comprobante no encontrado.", "No Encontrado"),
            SatStatus("N - 602: Comprobante no encontrado.", "No Encontrado", None, None, "200"),
        ),
        (
            reply("N - 601: La expresión impresa proporcionada no es válida.", ""),
            SatStatus("N - 601: La expresión impresa proporcionada no es válida.", "", None, None, "200"),
        ),
    ],
)  # fmt: skip
def test_answers(body: bytes, expected: SatStatus) -> None:
    assert ask(body)[0] == expected


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {}, reply()),
        Answer(302, {}, b""),
        b"",
        b"<html><body>Servicio no disponible</body></html>",
        reply()[:-20],
        reply(code="maybe"),
        reply(code=""),
        b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + reply(),
        reply().replace(b"ConsultaResult", b"OtraCosa"),
        b"\x00" * 100,
        b"<a>" * 100_000,
        NotSent(Reason.DNS, "no such host"),
        Unknown(Reason.TIMEOUT, "no answer"),
    ],
)
def test_what_cannot_be_read_says_nothing(answer: Answer | Exception | bytes) -> None:
    assert isinstance(ask(answer)[0], Unanswered)
