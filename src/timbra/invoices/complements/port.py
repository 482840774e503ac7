"""The payments that complements are linked to: a room above this one, which ``wiring`` hands in."""

from dataclasses import dataclass
from typing import Protocol

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class LinkedPayment:
    """What a complement needs to know of a payment."""

    is_succeeded: bool
    client_id: str | None


class PaymentLinks(Protocol):
    """Payments by id, linked to the documents made from them."""

    def find(self, tx: Tx, scope: TeamScope, payment_id: str) -> LinkedPayment | None:
        """The payment, None when the team has none of this id in this mode."""
        ...

    def link(self, tx: Tx, scope: TeamScope, payment_id: str, invoice_id: str, at_ms: int) -> None:
        """The stamped document of this public id is one of the payment's invoices."""
        ...


class NoPayments:
    """A server that knows no payments."""

    def find(self, _tx: Tx, _scope: TeamScope, _payment_id: str) -> LinkedPayment | None:
        """Nothing is found."""
        return None

    def link(self, _tx: Tx, _scope: TeamScope, payment_id: str, invoice_id: str, at_ms: int) -> None:
        """Never asked: a payment that is not found refuses the complement."""
        raise AssertionError(f"{payment_id} was not found and cannot get {invoice_id} at {at_ms}")


NO_PAYMENTS = NoPayments()
