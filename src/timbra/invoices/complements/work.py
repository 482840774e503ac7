"""Complements on their way into Tx 1: the invoices are locked, judged once more, and the amounts computed over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from timbra.cfdi.payments.amounts import ComputedPayment
from timbra.http.caller import Caller
from timbra.invoices.complements import known as knowledge
from timbra.invoices.complements import snapshot, store
from timbra.invoices.complements.assemble import computed
from timbra.invoices.complements.body import SUBSTITUTION, PaymentBody
from timbra.invoices.complements.known import Known
from timbra.invoices.complements.model import PAYS, Application, State
from timbra.invoices.complements.prepare import PreparedPayment, prepare
from timbra.invoices.model import InvoiceRecord, RelationRow
from timbra.invoices.parts import InvoiceParts
from timbra.invoices.schemas import DocumentBody
from timbra.invoices.work import Figures, Ready, Work
from timbra.platform.db import Tx
from timbra.teams.store import Team


@dataclass(frozen=True, slots=True)
class PaymentWork:
    """A computed complement."""

    parts: InvoiceParts
    caller: Caller
    body: PaymentBody
    prepared: PreparedPayment

    def ready(self, tx: Tx) -> Ready:
        """The amounts over the invoices as they are now, which nobody else changes. Raises BusinessRule, Conflict."""
        scope, body, prepared = self.caller.scope, self.body, self.prepared
        knowledge.lock(tx, scope, knowledge.look(tx, scope, body, self.parts.payments))
        known = knowledge.look(tx, scope, body, self.parts.payments)
        knowledge.check_payable(body, known, prepared.signer.certificate.rfc)
        amounts = computed(body, known, prepared.sources, prepared.paid_at)
        return Ready(
            draft=partial(prepared.draft, amounts),
            figures=_figures(amounts),
            constant=snapshot.constant_part(prepared, amounts, body, self.caller.billing_account),
            relations=[
                *(RelationRow(PAYS, one.document.uuid) for one in amounts.documents),
                *(RelationRow(SUBSTITUTION, uuid) for uuid in body.replaced),
            ],
            reserve=partial(_reserve, known=known, amounts=amounts),
        )


def _figures(amounts: ComputedPayment) -> Figures:
    payment = amounts.payment
    return Figures(
        currency=payment.currency,
        exchange_rate=payment.exchange_rate,
        subtotal=amounts.amount,
        total=amounts.amount,
        payment_form=payment.form,
    )


def _reserve(tx: Tx, record: InvoiceRecord, known: Known, amounts: ComputedPayment) -> None:
    store.add(tx, record, _applications(record, known, amounts))
    store.hold_replaced(tx, record, [one.id for one in known.replaced.values()])


def _applications(record: InvoiceRecord, known: Known, amounts: ComputedPayment) -> Sequence[Application]:
    own = {one.uuid: one.id for one in known.own.values()}
    return [
        Application(
            complement_id=record.id,
            position=position,
            invoice_id=own.get(one.document.uuid),
            uuid=one.document.uuid,
            installment=one.document.installment,
            balance=one.document.balance,
            amount=one.document.paid,
            taxes=one.taxes,
            state=State.OUTSTANDING.value,
        )
        for position, one in enumerate(amounts.documents)
    ]


async def work(
    parts: InvoiceParts,
    caller: Caller,
    _kind: str,
    body: DocumentBody,
    team: Team,
    _related: Mapping[str, InvoiceRecord],
) -> Work:
    """The computed complement. Raises what ``prepare`` raises."""
    assert isinstance(body, PaymentBody)
    prepared = await prepare(parts, caller, body, team)
    return Work(
        document=prepared.document,
        signer=prepared.signer,
        issued_ms=prepared.issued_ms,
        pac=prepared.pac,
        client_id=prepared.payer.client_id,
        client_email=prepared.payer.email,
        ready=PaymentWork(parts, caller, body, prepared).ready,
    )
