"""What the database knows of the invoices that a payment names, and what stands against paying them.

Looked at twice: before anything is durable, and again with the rows locked, where it counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from timbra.http.errors import BusinessRule, Conflict, FieldError, Invalid, NotFound
from timbra.invoices import store
from timbra.invoices.cancel_state import OPEN
from timbra.invoices.complements import store as applications
from timbra.invoices.complements.body import PaymentBody
from timbra.invoices.complements.model import Application, State
from timbra.invoices.complements.port import LinkedPayment, PaymentLinks
from timbra.invoices.model import InvoiceRecord, Status
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Known:
    """The request's invoices as they are. ``own``: by what the request calls them; ``replaced``: by uuid."""

    own: Mapping[str, InvoiceRecord]
    replaced: Mapping[str, InvoiceRecord]
    given_up: Sequence[Application]  # what the replaced complements pay
    counting: Mapping[str, Sequence[Application]]  # live instalments by uuid, lowest first
    in_flight: Sequence[str]
    payment: LinkedPayment | None

    def uuid(self, named: str) -> str:
        """The uuid of an invoice of the request."""
        own = self.own.get(named)
        return own.uuid or own.id if own else named.lower()

    def replaced_at(self, uuid: str) -> list[Application]:
        """Instalments of the invoice that the new complement takes the place of, lowest first."""
        return sorted((one for one in self.given_up if one.uuid == uuid), key=lambda one: one.installment)

    def open_balance(self, invoice: InvoiceRecord) -> int:
        """What is owed on the invoice without the complements to be replaced."""
        freed = sum(one.amount for one in self.replaced_at(invoice.uuid or "") if one.state == State.LIVE)
        return max(0, invoice.total - (invoice.paid - freed) - invoice.credited) if freed else invoice.last_balance


def look(tx: Tx, scope: TeamScope, body: PaymentBody, links: PaymentLinks) -> Known:
    """Everything there is to know before the complement is made."""
    named = [entry.invoice for entry in body.entries]
    by_uuid = store.find_many(tx, scope, [name.lower() for name in named if not name.startswith("inv_")])
    own = {name: by_uuid[name.lower()] for name in named if name.lower() in by_uuid}
    for name in named:
        if name.startswith("inv_") and (found := store.find(tx, scope, name)) is not None:
            own[name] = found
    replaced = store.find_many(tx, scope, body.replaced) if body.replaced else {}
    given_up = applications.of_complements(tx, scope, [one.id for one in replaced.values()]) if replaced else []
    uuids = {own[name].uuid or name if name in own else name.lower() for name in named}
    return Known(
        own,
        replaced,
        given_up,
        applications.counting(tx, scope, uuids),
        applications.in_flight(tx, scope, uuids | {one.uuid for one in given_up}),
        links.find(tx, scope, body.payment) if body.payment else None,
    )


def lock(tx: Tx, scope: TeamScope, known: Known) -> None:
    """Nobody else changes the invoices and the complements to be replaced until the transaction ends."""
    applications.lock(
        tx,
        scope,
        [one.id for one in known.replaced.values()],
        [
            *(one.id for one in known.own.values()),
            *(one.invoice_id for one in known.given_up if one.invoice_id is not None),
        ],
    )


# --- what stands against it ----------------------------------------------------------------------------------------


def check_found(body: PaymentBody, known: Known) -> None:
    """Every invoice and the payment exist, none is named twice. Raises NotFound, Invalid."""
    seen: set[str] = set()
    problems = []
    for position, entry in enumerate(body.entries):
        path = body.path(position, "invoice")
        if entry.invoice not in known.own and (entry.external is None or entry.invoice.startswith("inv_")):
            raise NotFound.at(path)
        uuid = known.uuid(entry.invoice)
        if uuid in seen:
            problems.append(FieldError(path, "duplicate", "is listed twice"))
        seen.add(uuid)
    if problems:
        raise Invalid(problems)
    if body.payment is not None and known.payment is None:
        raise NotFound.at("payment")


def check_payable(body: PaymentBody, known: Known, issuer_rfc: str) -> None:
    """The invoices may be paid by one complement now. Raises BusinessRule, Conflict."""
    problems = [*_unfit_entries(body, known, issuer_rfc), *_unfit_replaced(body, known)]
    if known.payment is not None and not known.payment.is_succeeded:
        problems.append(FieldError("payment", "conflict", "has not succeeded"))
    if problems:
        raise BusinessRule(problems[0].text, fields=problems)
    if known.in_flight:
        raise Conflict(
            "Another complement of these invoices is being stamped",
            details=[f"invoice: {uuid}" for uuid in known.in_flight],
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )


def _unfit_entries(body: PaymentBody, known: Known, issuer_rfc: str) -> Iterator[FieldError]:
    first: InvoiceRecord | None = None
    for position, entry in enumerate(body.entries):
        invoice = known.own.get(entry.invoice)
        if invoice is None:
            continue
        path = body.path(position, "invoice")
        first = first or invoice
        reasons = [*_unfit(invoice, issuer_rfc)]
        if invoice.receiver_rfc != first.receiver_rfc:
            reasons.append(f"has another receiver, {invoice.receiver_rfc}, than {first.public_id}")
        if not reasons and known.open_balance(invoice) == 0:
            reasons.append("is settled: it has no balance")
        yield from (FieldError(path, "conflict", reason) for reason in reasons)


def _unfit(invoice: InvoiceRecord, issuer_rfc: str) -> Iterator[str]:
    if invoice.kind != "I":
        yield "is not an income invoice"
    elif invoice.payment_method != "PPD":
        yield "is not PPD"
    if invoice.status != Status.VALID:
        yield f"is {invoice.status}, not valid"
    elif invoice.cancellation_status in OPEN:
        yield "is being canceled"
    if invoice.issuer_rfc != issuer_rfc:
        yield f"was issued by {invoice.issuer_rfc}"


def _unfit_replaced(body: PaymentBody, known: Known) -> Iterator[FieldError]:
    gone = {one.complement_id for one in known.given_up if one.state in (State.REPLACED, State.UNDONE)}
    receivers = {one.receiver_rfc for one in known.own.values()}
    for i, relation in enumerate(body.related_documents):
        for j, uuid in enumerate(relation.documents):
            old = known.replaced.get(uuid.lower())
            path = f"related_documents[{i}].documents[{j}]"
            if old is None or old.kind != "P":
                yield FieldError(path, "conflict", "is not a complement of this team")
            elif old.status != Status.VALID:
                yield FieldError(path, "conflict", f"is {old.status}, not valid")
            elif old.cancellation_status in OPEN:
                yield FieldError(path, "conflict", "is being canceled")
            elif old.id in gone:
                yield FieldError(path, "conflict", "was replaced before")
            elif receivers - {old.receiver_rfc}:
                yield FieldError(path, "conflict", f"has another receiver, {old.receiver_rfc}")
