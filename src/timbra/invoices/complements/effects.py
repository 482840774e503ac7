"""What goes with a stamped complement beside the balances (contract complements.md section 4)."""

from timbra.invoices.complements.port import PaymentLinks
from timbra.invoices.model import InvoiceRecord
from timbra.platform import audit, json
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.scope import Actor


def stamped(tx: Tx, complement: InvoiceRecord, links: PaymentLinks, actor: Actor, at_ms: int) -> None:
    """The payment knows its complement, the audit log too. ``complement``: with its uuid."""
    for payment_id in json.loads(complement.document.encode())["payments"]:
        links.link(tx, complement.scope, payment_id, complement.public_id, at_ms)
    audit.append(
        tx,
        complement.scope,
        Action.COMPLEMENT_CREATE,
        complement.id,
        actor,
        at_ms,
        changes={"uuid": complement.uuid},
    )
