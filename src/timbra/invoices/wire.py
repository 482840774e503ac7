"""The invoice object of the API (contract invoices.md section 2), made from its record and its constant part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timbra.cfdi.expression import verification_url
from timbra.cfdi.model import Micro
from timbra.cfdi.money import text
from timbra.http.signed_urls import FileLinks
from timbra.invoices.model import InvoiceRecord
from timbra.platform import json
from timbra.platform.json import Raw


def number(micro: int) -> Raw:
    """An amount in micro as an exact JSON number."""
    return Raw(text(Micro(micro)))


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints invoices as the API shows them, with fresh links."""

    links: FileLinks
    life_s: int

    def file_url(self, record: InvoiceRecord, kind: str) -> str:
        """A signed link to a file of the document. kind: xml, pdf, pdf-en, acuse."""
        return self.links.link(f"{kind}_{record.id}", self.life_s)

    def show(self, record: InvoiceRecord, related: Sequence[str] = (), *, with_files: bool = False) -> Raw:
        """The invoice as ready JSON. ``related``: ids of own documents related in either direction."""
        has_files = with_files and record.uuid is not None
        receipt = self.file_url(record, "acuse") if record.has_acuse else None
        changing = _changing(record, related) | {
            "cancellation": _cancellation(record, receipt),
            "cancellation_receipt": receipt,
            "files": {kind: self.file_url(record, kind) if has_files else None for kind in ("pdf", "xml")},
        }
        return Raw(json.dumps(changing)[:-1] + b"," + record.document.encode()[1:])


def _changing(record: InvoiceRecord, related: Sequence[str]) -> dict[str, Any]:
    return {
        "id": record.public_id,
        "uuid": record.uuid,
        "internal_id": record.id,
        "team": record.team_id,
        "owner": record.owner,
        "livemode": record.livemode,
        "from": record.origin,
        "status": record.status,
        "invoice_type": record.kind,
        "created_at": record.created_ms // 1000,
        "updated_at": record.updated_ms // 1000,
        "date": record.issued_ms,
        "currency": record.currency,
        "exchange_rate": number(record.exchange_rate),
        "subtotal": number(record.subtotal),
        "discount": number(record.discount),
        "taxes": number(record.taxes),
        "withholding_taxes": number(record.withholding_taxes),
        "total": number(record.total),
        "series": record.series,
        "folio_number": record.folio,
        "use": record.use,
        "payment_form": record.payment_form,
        "payment_method": record.payment_method,
        "payment_complements": number(record.paid),
        "last_balance": number(record.last_balance),
        "installments": record.installments,
        "credited": number(record.credited),
        "verification_url": _verification_url(record),
        "idempotency_key": record.idempotency_key,
        "metadata": Raw(record.metadata),
        "client_name": record.client_name,
        "invoices": list(related),
        "stamp": Raw(record.stamp) if record.stamp is not None else None,
        "cancellation_status": record.cancellation_status,
        "error": Raw(record.error) if record.error is not None else None,
        "rounding_difference": number(record.rounding_difference),
    }


def _cancellation(record: InvoiceRecord, receipt: str | None) -> Raw | None:
    if record.cancellation is None:
        return None
    return Raw(record.cancellation.encode()[:-1] + b',"cancellation_receipt":' + json.dumps(receipt) + b"}")


def _verification_url(record: InvoiceRecord) -> str | None:
    if record.uuid is None or record.sello is None:
        return None
    return verification_url(
        uuid=record.uuid,
        issuer_rfc=record.issuer_rfc,
        receiver_rfc=record.receiver_rfc,
        total=Micro(record.printed_total),
        sello=record.sello,
    )
