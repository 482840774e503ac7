"""The document around the complement: type P, no currency, no money, the one line that SAT prescribes."""

from datetime import datetime
from typing import Final

from timbra.cfdi.amounts import ComputedLine, Totals
from timbra.cfdi.codes_currencies import NO_CURRENCY
from timbra.cfdi.model import MICRO, Invoice, Issuer, Line, Micro, Receiver, Relation

PAYMENT: Final = "P"
PAYMENT_USE: Final = "CP01"
LINE: Final = Line("84111506", "ACT", "Pago", Micro(MICRO), Micro(0), taxability="01")


def document_of(
    issuer: Issuer,
    receiver: Receiver,
    issued_at: datetime,
    *,
    series: str,
    folio: int = 0,
    relations: tuple[Relation, ...] = (),
) -> Invoice:
    """The document of type P without its complement. ``issued_at``: naive local time. Source: contract C9."""
    return Invoice(
        kind=PAYMENT,
        issuer=issuer,
        receiver=receiver,
        lines=(LINE,),
        issued_at=issued_at,
        series=series,
        folio=folio,
        currency=NO_CURRENCY,
        payment_method=None,
        payment_form=None,
        relations=relations,
    )


def frame() -> Totals:
    """The amounts of such a document: all of them 0, written without decimals (CRP20103, CRP20110, CRP20119)."""
    zero = Micro(0)
    return Totals(
        decimals=0,
        lines=(ComputedLine(LINE, zero, zero, zero, "01", ()),),
        subtotal=zero,
        discount=zero,
        has_discount=False,
        transferred=(),
        withheld=(),
        local=(),
        total=zero,
        rounding_difference=zero,
    )
