"""The members of an invoice that never change, written once when it is issued (contract invoices.md section 2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from timbra.cfdi.model import Invoice, LocalTax, Tax
from timbra.cfdi.totals import ComputedLine, ComputedTax, Totals
from timbra.invoices.prepare import Prepared
from timbra.invoices.schemas import DocumentBody, IssueBody
from timbra.invoices.wire import number
from timbra.platform import json
from timbra.services.lines import ResolvedLine

TAX_NAMES = {Tax.IVA: "IVA", Tax.ISR: "ISR", Tax.IEPS: "IEPS"}


def constant_part(prepared: Prepared, body: IssueBody, billing_account: str) -> bytes:
    """The members of an invoice that never change, as JSON."""
    invoice, totals = prepared.invoice, prepared.totals
    shown = prepared.client.to_wire() | {"id": prepared.client.id or None, "legal_name": invoice.receiver.name}
    constant = shared_part(invoice, body, shown, prepared.addenda, prepared.notes)
    constant["billing_account"] = billing_account
    constant["items"] = [_item(*pair) for pair in zip(prepared.lines, totals.lines, strict=True)]
    constant["local_taxes"] = _local_taxes(invoice.local_taxes, totals)
    return json.dumps(constant)


def shared_part(
    invoice: Invoice, body: DocumentBody, client: Mapping[str, Any], addenda: str | None, notes: str | None
) -> dict[str, Any]:
    """Those members that documents of every type have alike; ``client``: as the API shows it."""
    return {
        "payment_conditions": invoice.conditions,
        "exports": invoice.exports,
        "addenda": addenda,
        "invoice_pdf_notes": notes,
        "confirmation": invoice.confirmation,
        "emails": body.emails,
        "client": client,
        "issuer_info": {
            "legal_name": invoice.issuer.name,
            "tax_id": invoice.issuer.rfc,
            "tax_system": invoice.issuer.regime,
            "zip": invoice.issuer.zip,
        },
        "global": _global(invoice),
        "related_documents": [
            {"relationship": one.relationship, "documents": list(one.uuids)} for one in invoice.relations
        ],
        "complements": [{"type": "custom", "data": xml} for xml in invoice.complements],
        "namespaces": [
            {"prefix": one.prefix, "uri": one.uri, "schema_location": one.schema_location} for one in invoice.namespaces
        ],
        "payments": [],
        "receipts": list(body.inner.receipts),
        "automations": [],
    }


def _global(invoice: Invoice) -> dict[str, Any] | None:
    node = invoice.global_info
    return {"periodicity": node.periodicity, "months": node.months, "year": node.year} if node else None


def _local_taxes(asked: Sequence[LocalTax], totals: Totals) -> list[dict[str, Any]]:
    return [
        {"name": tax.name, "rate": number(tax.rate), "withholding": tax.withheld, "amount": number(row.amount)}
        for tax, row in zip(asked, totals.local, strict=True)
    ]


def _item(resolved: ResolvedLine, computed: ComputedLine) -> dict[str, Any]:
    line = resolved.line
    subtotal = computed.amount
    total = subtotal - computed.discount
    for tax in computed.taxes:
        total += -tax.amount if tax.withheld else tax.amount
    return {
        "id": resolved.service_id,
        "description": line.description,
        "product_key": line.product_key,
        "quantity": number(line.quantity),
        "unit_price": number(computed.unit_price),
        "unit_key": line.unit_key,
        "unit_name": line.unit_name,
        "sku": line.sku,
        "taxability": computed.taxability,
        "discount": number(computed.discount),
        "customs_request": line.customs_request,
        "complement": line.complement,
        "property_tax_account": line.property_tax_account,
        "third_party": _third_party(resolved),
        "item_complement": _hydrocarbons(resolved),
        "taxes": [_tax(tax) for tax in computed.taxes],
        "subtotal": number(subtotal),
        "total": number(total),
    }


def _tax(tax: ComputedTax) -> dict[str, Any]:
    return {
        "type": TAX_NAMES[tax.tax],
        "rate": number(tax.rate),
        "factor": tax.factor.value,
        "withholding": tax.withheld,
        "inclusive": False,
        "base": number(tax.base),
        "amount": number(tax.amount),
    }


def _third_party(resolved: ResolvedLine) -> dict[str, str] | None:
    party = resolved.line.third_party
    if party is None:
        return None
    return {"legal_name": party.name, "tax_id": party.rfc, "tax_system": party.regime, "zip": party.zip}


def _hydrocarbons(resolved: ResolvedLine) -> dict[str, Any] | None:
    fuel = resolved.line.hydrocarbons
    if fuel is None:
        return None
    return {
        "hydrocarbons": {
            "permit_type": fuel.permit_type,
            "permit_number": fuel.permit_number,
            "fuel_code": fuel.fuel_code,
            "fuel_sub_product": fuel.fuel_sub_product,
        }
    }
