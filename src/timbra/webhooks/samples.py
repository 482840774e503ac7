"""What a test call sends: an object of each kind, made up, in the shape that the real one has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from timbra.platform import json
from timbra.platform.scope import TeamScope
from timbra.webhooks.names import DISABLED, TEST

_OBJECTS: Final[Mapping[str, Any]] = json.loads((Path(__file__).parent / "samples.json").read_bytes())
_KINDS: Final = {
    "customer": "client",
    "service": "service",
    "invoice": "invoice",
    "invoice_batch": "invoice_batch",
    "payment": "payment",
    "receipt": "receipt",
    "retention": "retention",
    "sat": "sat_invoice",
    "teams": "team",
}
_REFUSAL: Final = {"code": "CFDI40147", "message": "receiver zip not in the SAT register"}
_CHANGES: Final[Mapping[str, Mapping[str, Any]]] = {
    "invoice.canceled": {"status": "canceled", "cancellation_status": "accepted"},
    "invoice.failed": {"status": "failed", "uuid": None, "stamp": None, "error": _REFUSAL},
    "invoice.cancellation_updated": {"cancellation_status": "pending"},
    "invoice.sent": {"recipients": ["pagos@ure.example"]},
    "payment.created": {"status": "requires_payment_method", "succeeded_at": None, "invoices": [], "invoice_id": None},
    "payment.canceled": {"status": "canceled", "succeeded_at": None, "invoices": [], "invoice_id": None},
    "payment.failed": {"status": "requires_payment_method", "succeeded_at": None, "invoices": [], "invoice_id": None},
    "payment.refunded": {"total_refunded": 580, "refund": {"amount": 580, "reason": "Cliente devolvió medio curso"}},
    "receipt.completed": {"status": "completed"},
    "receipt.deleted": {"status": "canceled"},
    "retention.canceled": {"status": "canceled", "cancellation_status": "without_acceptance"},
    "retention.failed": {"status": "failed", "uuid": None, "stamp": None, "error": _REFUSAL},
    "invoice_batch.completed": {"status": "completed"},
}


def sample(type_: str, scope: TeamScope, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a made-up event of that type. endpoint: the webhook as the API shows it, for events about webhooks."""
    if type_ == TEST:
        return {"hello": "timbra"}
    if type_ == DISABLED:
        return {**endpoint, "status": "inactive", "disabled_reason": "gone"}
    shown = {**_OBJECTS[_KINDS[type_.partition(".")[0]]], **_CHANGES.get(type_, {})}
    if "livemode" in shown:
        shown["livemode"] = scope.livemode
    if "team" in shown:
        shown["team"] = scope.team_id
    return shown
