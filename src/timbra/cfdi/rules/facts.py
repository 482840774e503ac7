"""What the rules of one document look at: the document and what follows from it, worked out once."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.model import Invoice, Micro
from timbra.cfdi.text import GENERIC_RFC, PUBLIC_NAME, RfcKind, rfc_kind

_FOREIGN_TRADE: Final = re.compile(r"<(?:[\w.-]+:)?ComercioExterior[\s/>]")


@dataclass(frozen=True, slots=True)
class Facts:
    """``now``: naive local time of the place of issue, when known; ``certificate_valid``: first and last such instant of
    the CSD. ``reference_rate``: pesos of one unit of the currency by a trusted source, when known."""

    invoice: Invoice
    catalogs: Catalogs
    today: date
    now: datetime | None
    certificate_valid: tuple[datetime, datetime] | None
    reference_rate: Micro | None
    issuer_kind: RfcKind | None
    receiver_kind: RfcKind | None
    border: bool | None  # the place of issue has a border stimulus; None: it is not in the catalogue
    foreign_trade: bool  # the complement Comercio Exterior is present
    day: date  # of the document

    @property
    def is_public(self) -> bool:
        """True for a sale to the general public: generic RFC and SAT's name for it."""
        return self.invoice.receiver.rfc == GENERIC_RFC and self.invoice.receiver.name == PUBLIC_NAME


def facts_of(
    invoice: Invoice,
    catalogs: Catalogs,
    today: date,
    *,
    now: datetime | None = None,
    certificate_valid: tuple[datetime, datetime] | None = None,
    reference_rate: Micro | None = None,
) -> Facts:
    """The facts of an invoice; ``today`` and ``now`` in local time of the place of issue."""
    zip_info = catalogs.zip_info(invoice.issuer.zip)
    return Facts(
        invoice=invoice,
        catalogs=catalogs,
        today=today,
        now=now,
        certificate_valid=certificate_valid,
        reference_rate=reference_rate,
        issuer_kind=rfc_kind(invoice.issuer.rfc),
        receiver_kind=rfc_kind(invoice.receiver.rfc),
        border=None if zip_info is None else zip_info.border_stimulus != "none",
        foreign_trade=any(map(_FOREIGN_TRADE.search, invoice.complements)),
        day=invoice.issued_at.date(),
    )
