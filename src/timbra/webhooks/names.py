"""Names of events: what this server sends, what callers may call it, and which endpoint gets what (contract §4)."""

from collections.abc import Iterable, Sequence
from typing import Final

ALL: Final = "*"
TEST: Final = "webhook.test"
DISABLED: Final = "webhook.disabled"
CONNECT: Final = "gigstack_connect"
NAME_PATTERN: Final = r"\*|[a-z_]+(\.[a-z_]+){1,4}"

KNOWN: Final = frozenset(
    {
        "payment.created", "payment.updated", "payment.succeeded", "payment.canceled", "payment.deleted",
        "payment.upcoming_due_date", "payment.failed", "payment.refunded",
        "invoice.created", "invoice.canceled", "invoice.failed", "invoice.cancellation_updated", "invoice.sent",
        "receipt.created", "receipt.updated", "receipt.completed", "receipt.deleted",
        "customer.created", "customer.updated", "customer.deleted",
        "service.created", "service.updated", "service.deleted",
        "retention.created", "retention.canceled", "retention.failed",
        "invoice_batch.completed",
        "sat.invoice.synced",
        "teams.created", "teams.sat.completed", "teams.sat.expiring", "teams.sat.manifest.signed",
        "teams.stripe.completed", "teams.openpay.completed",
        DISABLED, TEST,
    }
)  # fmt: skip
ALIASES: Final = {
    "payment.cancelled": "payment.canceled",
    "payment.received": "payment.succeeded",
    "payment.completed": "payment.succeeded",
    "invoice.cancelled": "invoice.canceled",
    "invoice.stamped": "invoice.created",
    "receipt.stamped": "receipt.completed",
    "receipt.cancelled": "receipt.deleted",
    "receipt.canceled": "receipt.deleted",
    "client.created": "customer.created",
    "client.updated": "customer.updated",
    "client.deleted": "customer.deleted",
    "sat.status_updated": "invoice.cancellation_updated",
    "invoice.cancellation_pending": "invoice.cancellation_updated",
    "invoice.cancellation_rejected": "invoice.cancellation_updated",
    "invoice.cancellation_expired": "invoice.cancellation_updated",
}
MUST_BE_NAMED: Final = frozenset({"sat.invoice.synced"})  # too many for those who only said "all"
FOR_CONNECT: Final = "teams."


def canonical(name: str) -> str:
    """The event that a name means; a name nobody knows means itself."""
    return ALIASES.get(name, name)


def unknown(names: Iterable[str]) -> list[str]:
    """Names that this server never sends, as written, each once."""
    return [name for name in dict.fromkeys(names) if name != ALL and canonical(name) not in KNOWN]


def wants_all(names: Sequence[str]) -> bool:
    """Whether an endpoint with this list asked for everything."""
    return not names or ALL in names


def name_for(names: Sequence[str], type_: str) -> str | None:
    """What an endpoint with this list calls the event, None when it did not ask for it.

    The canonical name, unless it asked for an alias only.
    """
    if type_ in names or (wants_all(names) and type_ not in MUST_BE_NAMED):
        return type_
    return next((name for name in names if canonical(name) == type_), None)


def goes_to(names: Sequence[str], kind: str | None, type_: str) -> bool:
    """Whether an endpoint with this list and this ``type`` gets the event. Teams' own events are for Connect alone."""
    if type_.startswith(FOR_CONNECT) and kind != CONNECT:
        return False
    return name_for(names, type_) is not None
