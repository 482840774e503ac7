"""What stands in the way of a cancellation, each with the rule that says so (contract invoices.md section 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timbra.http.errors import BusinessRule
from timbra.invoices import store
from timbra.invoices.model import InvoiceRecord
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope

SUBSTITUTION = "04"
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


def find(tx: Tx, scope: TeamScope, record: InvoiceRecord) -> list[Blocker]:
    """What our own documents hold against canceling the record."""
    related = store.relations_to(tx, scope, record.uuid or "")
    live = tuple(public_id for relation, _, public_id in related if relation != SUBSTITUTION)
    if not live:
        return []
    return [
        Blocker("related_documents", "Live documents relate to this invoice: cancel them first", RELATED_RULE, live)
    ]


def refuse(blockers: Sequence[Blocker]) -> None:
    """Raises BusinessRule with every document in the way."""
    if blockers:
        raise BusinessRule(
            blockers[0].message,
            details=[f"related document: {public_id}" for one in blockers for public_id in one.documents],
        )
