"""Documents of type I and E on their way into Tx 1: related invoices judged, credits spread over the locked rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from timbra.cfdi import cadena
from timbra.cfdi.build import Draft, build
from timbra.cfdi.text import GENERIC_RFC
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid
from timbra.invoices import credits as crediting
from timbra.invoices import snapshot, store_credits
from timbra.invoices.model import Credit, InvoiceRecord, RelationRow
from timbra.invoices.parts import InvoiceParts
from timbra.invoices.prepare import EGRESS, Prepared, prepare
from timbra.invoices.schemas import DocumentBody, IssueBody
from timbra.invoices.work import Figures, Ready, Work
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.teams.store import Team


@dataclass(frozen=True, slots=True)
class Sale:
    """An income or egress invoice, computed. ``credited``: own invoices that an egress credits, in its order."""

    parts: InvoiceParts
    scope: TeamScope
    prepared: Prepared
    credited: Sequence[InvoiceRecord]
    constant: bytes

    def ready(self, tx: Tx) -> Ready:
        """Nothing is left but the number. Raises BusinessRule when others took the credit meanwhile."""
        document = self.prepared.invoice
        return Ready(
            draft=self._draft,
            figures=self._figures(),
            constant=self.constant,
            relations=[RelationRow(one.relationship, uuid) for one in document.relations for uuid in one.uuids],
            reserve=partial(_reserve, shares=self._shares(tx)),
        )

    def _shares(self, tx: Tx) -> list[Credit]:
        if not self.credited:
            return []
        locked = {row.id: row for row in store_credits.lock(tx, self.scope, [row.id for row in self.credited])}
        current = [locked[row.id] for row in self.credited]
        crediting.check_own(self.prepared.invoice.relations, {row.uuid or "": row for row in current})
        return crediting.spread(self.prepared.totals.total, current)

    def _draft(self, folio: int) -> Draft:
        def cadena_of(root: Any) -> str:
            return cadena.of(root, self.parts.sat.stylesheets)

        document = replace(self.prepared.invoice, folio=folio)
        return build(document, self.prepared.totals, self.prepared.signer.text, cadena_of=cadena_of)

    def _figures(self) -> Figures:
        document, totals = self.prepared.invoice, self.prepared.totals
        return Figures(
            currency=document.currency,
            exchange_rate=document.exchange_rate,
            subtotal=totals.subtotal,
            discount=totals.discount,
            taxes=totals.taxes,
            withholding_taxes=totals.withholding_taxes,
            total=totals.total,
            rounding_difference=totals.rounding_difference,
            last_balance=totals.total if document.payment_method == "PPD" else 0,
            payment_method=document.payment_method,
            payment_form=document.payment_form,
        )


def _reserve(tx: Tx, record: InvoiceRecord, shares: Sequence[Credit]) -> None:
    store_credits.set_outstanding(tx, record, shares)


async def work(
    parts: InvoiceParts,
    caller: Caller,
    kind: str,
    body: DocumentBody,
    team: Team,
    related: Mapping[str, InvoiceRecord],
) -> Work:
    """The computed invoice. ``related``: own documents among those it relates to, by uuid. Raises what ``prepare`` raises."""
    assert isinstance(body, IssueBody)
    own = [related[uuid] for uuid in body.related_uuids if uuid in related]
    prepared = await prepare(parts, caller, kind, body, team, own[0].payment_form if own else None)
    _check_related_given(prepared)
    crediting.check_own(prepared.invoice.relations, related)
    credited = crediting.credited_invoices(prepared.invoice, related) if kind == EGRESS else []
    constant = snapshot.constant_part(prepared, body, caller.billing_account)
    email = prepared.client.email
    return Work(
        document=prepared.invoice,
        signer=prepared.signer,
        issued_ms=prepared.issued_ms,
        pac=prepared.pac,
        client_id=prepared.client.id,
        client_email=email.lower() if email else None,
        ready=Sale(parts, caller.scope, prepared, credited, constant).ready,
    )


def _check_related_given(prepared: Prepared) -> None:
    document = prepared.invoice
    if document.kind == EGRESS and not document.relations and document.receiver.rfc != GENERIC_RFC:
        problem = FieldError("related_documents", "required", "is required: name the invoice that is credited")
        raise Invalid([problem])
