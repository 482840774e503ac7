"""How a stamped document is named to SAT: the verification address (also the text of the QR) and the status query."""

from typing import Final
from urllib.parse import quote

from timbra.cfdi.model import Micro
from timbra.cfdi.money import text
from timbra.cfdi.text import escape

VERIFICATION_PAGE: Final = "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"
SEAL_TAIL: Final = 8


def verification_url(*, uuid: str, issuer_rfc: str, receiver_rfc: str, total: Micro, sello: str) -> str:
    """SAT's page about a CFDI; total in micro. The QR of the printed document has this text.

    Source: Anexo 20, código de barras bidimensional.
    """
    issuer, receiver, tail = (quote(value, safe="") for value in (issuer_rfc, receiver_rfc, sello[-SEAL_TAIL:]))
    return f"{VERIFICATION_PAGE}?id={uuid}&re={issuer}&rr={receiver}&tt={text(total)}&fe={tail}"


def status_expression(*, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str) -> str:
    """``expresionImpresa`` of SAT's status service; total as printed in the CFDI.

    RFCs are escaped inside the expression, which is escaped once more where it enters the SOAP body.
    """
    issuer, receiver = escape(issuer_rfc), escape(receiver_rfc)
    return f"?re={issuer}&rr={receiver}&tt={total}&id={uuid}&fe={sello[-SEAL_TAIL:]}"
