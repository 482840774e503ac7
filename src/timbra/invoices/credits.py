"""Which income invoices an egress credits, and how much of it each (contract invoices.md section 7)."""

from collections.abc import Mapping, Sequence

from timbra.cfdi.model import Invoice, Micro, Relation
from timbra.cfdi.money import text
from timbra.http.errors import BusinessRule, FieldError
from timbra.invoices.model import Credit, InvoiceRecord, Status

CREDITING = ("01", "03")


def check_own(relations: Sequence[Relation], own: Mapping[str, InvoiceRecord]) -> None:
    """Own documents that a new one relates to are in force. Raises BusinessRule."""
    problems = [
        FieldError(_path(i, j), "conflict", f"invoice {uuid} is {own[uuid].status}, not valid")
        for i, relation in enumerate(relations)
        for j, uuid in enumerate(relation.uuids)
        if uuid in own and own[uuid].status != Status.VALID
    ]
    if problems:
        raise BusinessRule(problems[0].text, fields=problems)


def credited_invoices(egress: Invoice, own: Mapping[str, InvoiceRecord]) -> list[InvoiceRecord]:
    """Own invoices that the egress credits, in the order listed. Raises BusinessRule when one cannot be."""
    problems: list[FieldError] = []
    found: dict[str, InvoiceRecord] = {}
    for i, relation in enumerate(egress.relations):
        if relation.relationship not in CREDITING:
            continue
        for j, uuid in enumerate(relation.uuids):
            if uuid in own:
                found[uuid] = own[uuid]
                problems += [FieldError(_path(i, j), "conflict", reason) for reason in _unfit(egress, own[uuid])]
    if problems:
        raise BusinessRule(problems[0].text, fields=problems)
    return list(found.values())


def _unfit(egress: Invoice, invoice: InvoiceRecord) -> list[str]:
    reasons = []
    if invoice.kind != "I":
        reasons.append("is not an income invoice")
    if invoice.receiver_rfc != egress.receiver.rfc:
        reasons.append(f"has another receiver, {invoice.receiver_rfc}")
    if invoice.currency != egress.currency:
        reasons.append(f"is in {invoice.currency}")
    return reasons


def spread(total: Micro, invoices: Sequence[InvoiceRecord]) -> list[Credit]:
    """The total over the invoices in the order listed, each up to what is not credited yet.

    Raises BusinessRule when their live and outstanding credits leave too little.
    """
    credits_, left = [], int(total)
    for invoice in invoices:
        room = invoice.total - invoice.credited - invoice.credit_outstanding
        share = min(room, left)
        if share > 0:
            credits_.append(Credit(invoice.id, share))
            left -= share
    if left > 0 and invoices:
        room = int(total) - left
        raise BusinessRule(
            f"The credit of {text(total)} is above what may still be credited on the related invoices: "
            f"{text(Micro(room))}",
            fields=[FieldError("items", "max", f"total must be at most {text(Micro(room))}")],
        )
    return credits_


def _path(i: int, j: int) -> str:
    return f"related_documents[{i}].documents[{j}]"
