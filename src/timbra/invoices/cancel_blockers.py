"""What stands in the way of a cancellation, each with the rule that says so (contract invoices.md section 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timbra.http.errors import BusinessRule
from timbra.invoices import store
from timbra.invoices.complements import store as applications
from timbra.invoices.model import InvoiceRecord
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

SUBSTITUTION = "04"
ORDER_RULE = "Guía del complemento de pagos 2.0: NumParcialidad and ImpSaldoAnt follow one another"
RELATED_RULE = "RMF 2.7.1.34, Anexo 20: a document that live documents relate to is not cancelable"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason. documents: public ids of what has to be canceled first."""

    code: str
    message: str
    rule: str
    documents: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """As the advice shows it."""
        return {"code": self.code, "message": self.message, "rule": self.rule, "documents": list(self.documents)}


def find(tx: Tx, scope: TeamScope, record: InvoiceRecord, *, is_replaced: bool = False) -> list[Blocker]:
    """What our own documents hold against canceling the record; ``is_replaced``: by another one, motive 01."""
    found = []
    related = store.relations_to(tx, scope, record.uuid or "")
    live = tuple(public_id for relation, _, public_id in related if relation != SUBSTITUTION)
    if live:
        message = "Live documents relate to this invoice: cancel them first"
        found.append(Blocker("related_documents", message, RELATED_RULE, live))
    later = tuple(applications.later(tx, record)) if record.kind == "P" and not is_replaced else ()
    if later:
        message = "Later complements pay the same invoices: cancel them first, or replace this one (motive 01)"
        found.append(Blocker("later_complements", message, ORDER_RULE, later))
    return found


def refuse(blockers: Sequence[Blocker]) -> None:
    """Raises BusinessRule with every document in the way."""
    if blockers:
        raise BusinessRule(
            blockers[0].message,
            details=[f"related document: {public_id}" for one in blockers for public_id in one.documents],
        )
