"""A prepared document of any type, as Tx 1 of issuing needs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Work(Protocol):
    """A document that nothing objected to. Its amounts may still change with the rows that ``ready`` locks."""

    @property
    def document(self) -> Invoice:
        """Everything of it but its amounts; folio 0."""
        ...

    @property
    def signer(self) -> CsdSigner:
        """Seals it."""
        ...

    @property
    def issued_ms(self) -> int:
        """The instant of Fecha."""
        ...

    @property
    def pac(self) -> str:
        """The PAC that is asked first."""
        ...

    @property
    def client_id(self) -> str:
        """Whom it is for."""
        ...

    @property
    def client_email(self) -> str | None:
        """The client's address, lower case."""
        ...

    def ready(self, tx: Tx) -> Ready:
        """The document over rows that are this transaction's now. Raises what the request may still be refused for."""
        ...
