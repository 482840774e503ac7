"""A prepared document of any type, as Tx 1 of issuing needs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from timbra.cfdi.build import Draft
from timbra.cfdi.model import Invoice
from timbra.credentials.csd import CsdSigner
from timbra.invoices.model import InvoiceRecord, RelationRow
from timbra.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Figures:
    """The amounts of a document's row, in micro, and how it is paid."""

    currency: str
    exchange_rate: int
    subtotal: int
    total: int
    discount: int = 0
    taxes: int = 0
    withholding_taxes: int = 0
    rounding_difference: int = 0
    last_balance: int = 0
    payment_method: str | None = None
    payment_form: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A document over locked rows that lacks its number only. ``constant``: the members that never change, as JSON.

    reserve: keeps for the stored document what it will change when it is stamped.
    """

    draft: Callable[[int], Draft]
    figures: Figures
    constant: bytes
    relations: Sequence[RelationRow]
    reserve: Callable[[Tx, InvoiceRecord], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A document that nothing objected to. ``document``: everything of it but its amounts, folio 0.

    issued_ms: the instant of Fecha. pac: the PAC that is asked first. client_email: lower case. ready: the document over
    rows that are the transaction's from then on; raises what the request may still be refused for.
    """

    document: Invoice
    signer: CsdSigner
    issued_ms: int
    pac: str
    client_id: str
    client_email: str | None
    ready: Callable[[Tx], Ready]
