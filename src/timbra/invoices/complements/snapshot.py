"""The members of a complement that never change, written once when it is issued (contract complements.md section 2)."""

from typing import Any

from timbra.cfdi.payments.amounts import ComputedDocument, ComputedPayment
from timbra.cfdi.payments.equivalence import equivalence_text
from timbra.cfdi.payments.model import Share
from timbra.cfdi.payments.scaffold import LINE
from timbra.invoices.complements.body import PaymentBody
from timbra.invoices.complements.prepare import PreparedPayment
from timbra.invoices.snapshot import TAX_NAMES, shared_part
from timbra.invoices.wire import number
from timbra.platform import json
from timbra.platform.json import Raw

# SAT's names of Totales and those of the API.
TOTALS = {
    "amount_mxn": "MontoTotalPagos",
    "base_iva16": "TotalTrasladosBaseIVA16",
    "iva16": "TotalTrasladosImpuestoIVA16",
    "base_iva8": "TotalTrasladosBaseIVA8",
    "iva8": "TotalTrasladosImpuestoIVA8",
    "base_iva0": "TotalTrasladosBaseIVA0",
    "iva0": "TotalTrasladosImpuestoIVA0",
    "base_exempt": "TotalTrasladosBaseIVAExento",
    "withheld_iva": "TotalRetencionesIVA",
    "withheld_isr": "TotalRetencionesISR",
    "withheld_ieps": "TotalRetencionesIEPS",
}


def constant_part(
    prepared: PreparedPayment, amounts: ComputedPayment, body: PaymentBody, billing_account: str
) -> bytes:
    """The constant members as JSON; ``amounts``: over the locked invoices."""
    payer = prepared.payer
    constant = shared_part(prepared.document, body, payer.shown, prepared.addenda, prepared.notes)
    constant["billing_account"] = billing_account
    constant["items"] = [_line()]
    constant["local_taxes"] = []
    constant["payments"] = [body.payment] if body.payment else []
    constant["payment_complement"] = _complement(prepared, amounts)
    return json.dumps(constant)


def _line() -> dict[str, Any]:
    """The one line that SAT prescribes, with the keys of any other."""
    return {
        "id": None,
        "description": LINE.description,
        "product_key": LINE.product_key,
        "quantity": number(LINE.quantity),
        "unit_price": 0,
        "unit_key": LINE.unit_key,
        "unit_name": None,
        "sku": None,
        "taxability": LINE.taxability,
        "discount": 0,
        "customs_request": None,
        "complement": None,
        "property_tax_account": None,
        "third_party": None,
        "item_complement": None,
        "taxes": [],
        "subtotal": 0,
        "total": 0,
    }


def _complement(prepared: PreparedPayment, amounts: ComputedPayment) -> dict[str, Any]:
    payment, totals = amounts.payment, amounts.totals
    return {
        "date": prepared.paid_ms // 1000,
        "payment_form": payment.form,
        "currency": payment.currency,
        "exchange_rate": number(payment.exchange_rate),
        "amount": number(amounts.amount),
        "unapplied": number(amounts.unapplied),
        "operation_number": payment.operation,
        "payer_bank_rfc": payment.payer_bank_rfc,
        "payer_bank_name": payment.payer_bank_name,
        "payer_account": payment.payer_account,
        "payee_bank_rfc": payment.payee_bank_rfc,
        "payee_account": payment.payee_account,
        "documents": [_document(one) for one in amounts.documents],
        "totals": {name: number(totals[sat]) if sat in totals else None for name, sat in TOTALS.items()},
    }


def _document(one: ComputedDocument) -> dict[str, Any]:
    document = one.document
    return {
        "uuid": document.uuid,
        "series": document.series,
        "folio": document.folio,
        "currency": document.currency,
        "equivalence": Raw(equivalence_text(one.equivalence).rstrip("0").rstrip(".")),
        "installment": document.installment,
        "previous_balance": number(document.balance),
        "paid_amount": number(document.paid),
        "remaining_balance": number(document.remaining),
        "taxability": one.taxability,
        "taxes": [_tax(share) for share in one.taxes],
    }


def _tax(share: Share) -> dict[str, Any]:
    return {
        "type": TAX_NAMES[share.tax],
        "rate": number(share.rate),
        "factor": share.factor.value,
        "withholding": share.withheld,
        "base": number(share.base),
        "amount": number(share.amount),
    }
