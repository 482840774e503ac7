"""A sealed document, the PAC that stamps it, and what a provider's transcript needs of both. Made once per run."""

import base64
import json
from dataclasses import dataclass
from functools import cache
from html import escape
from types import SimpleNamespace
from typing import Any

from lxml import etree

from factories import cfdi_invoice, sealing
from timbra.cfdi import timbre
from timbra.cfdi.build import build
from timbra.cfdi.certificate import read
from timbra.cfdi.seal import seal
from timbra.cfdi.totals import compute
from timbra.credentials.signer import RsaSigner
from timbra.pac.port import CancelRequest
from timbra.pac.sandbox.authority import Issued, issue_pac, make_authority
from timbra.pac.sandbox.stamping import timbre_of

OCTOBER_2026_MS = 1_791_504_000_000
UUID = "6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"
OTHER_UUID = "11111111-1111-4111-8111-111111111111"
REFERENCE = "inv_01"
ACUSE = '<Acuse Fecha="2026-10-09T12:05:00" RfcEmisor="EKU9003173C9"><Folios><UUID>{}</UUID><EstatusUUID>201</EstatusUUID></Folios></Acuse>'


@cache
def pac() -> Issued:
    authority = make_authority(serial="30009000000000000001", at_ms=OCTOBER_2026_MS)
    return issue_pac(authority, serial="30009000000000000009", at_ms=OCTOBER_2026_MS)


def certificates() -> dict[str, bytes]:
    return {"30009000000000000009": pac().certificate}


@cache
def sealed(folio: int = 7, price: str = "1500") -> bytes:
    line = cfdi_invoice.line(unit_price=cfdi_invoice.micro(price))
    invoice = cfdi_invoice.invoice(folio=folio, lines=(line,))
    draft = build(invoice, compute(invoice.lines, decimals=2), sealing.certificate_text())
    return seal(draft, sealing.signer()).xml


def stamped(xml: bytes, uuid: str = UUID, **changes: Any) -> bytes:
    """The document with the PAC's timbre. changes: of the timbre's seal of the document."""
    sello = changes.get("sello", etree.fromstring(xml).get("Sello"))
    at = cfdi_invoice.ISSUED_AT
    accepted: Any = SimpleNamespace(sello=sello)
    tfd = timbre_of(accepted, uuid=uuid, at_local=at, pac=read(pac().certificate), signer=RsaSigner(pac().key))
    return timbre.attach(xml, tfd)


def request(uuid: str = UUID) -> CancelRequest:
    return CancelRequest(
        uuid, "EKU9003173C9", "URE180429TM6", "3480.00", "02", None, b"<Cancelacion>signed</Cancelacion>"
    )


@dataclass(frozen=True)
class Values:
    """What transcripts name in double braces."""

    sealed: bytes
    stamped: bytes

    def texts(self, **more: str) -> dict[str, str]:
        stamped_text, acuse = self.stamped.decode(), ACUSE.format(UUID.upper())
        signed = request().signed_xml
        return {
            "sealed": self.sealed.decode(),
            "sealed_base64": base64.b64encode(self.sealed).decode(),
            "stamped_escaped": escape(stamped_text),
            "stamped_base64": base64.b64encode(self.stamped).decode(),
            "stamped_json": json.dumps(stamped_text),
            "uuid": UUID,
            "UUID": UUID.upper(),
            "request": signed.decode(),
            "request_base64": base64.b64encode(signed).decode(),
            "acuse_escaped": escape(acuse),
            "acuse_base64": base64.b64encode(acuse.encode()).decode(),
            "acuse_json": json.dumps(acuse),
            **more,
        }


def values() -> Values:
    return Values(sealed(), stamped(sealed()))
