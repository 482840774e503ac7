"""SAT's matrix of errors as rules: over an invoice before it is sealed, and over a parsed document as a PAC would."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from timbra.cfdi.amounts import Totals
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.model import Invoice, Micro
from timbra.cfdi.rules import global_, header, receiver
from timbra.cfdi.rules.answers import of_pac
from timbra.cfdi.rules.document import check_document
from timbra.cfdi.rules.facts import Facts, facts_of
from timbra.cfdi.rules.finding import MAX_FINDINGS, Finding, Fix, Level
from timbra.cfdi.rules.header import Rule
from timbra.cfdi.rules.invariants import check_totals
from timbra.cfdi.rules.lines import check_lines
from timbra.cfdi.rules.relations import cfdi40137
from timbra.cfdi.rules.resico import cfdi140225
from timbra.cfdi.rules.texts import check_texts

__all__ = ["MAX_FINDINGS", "Finding", "Fix", "Level", "check", "check_document", "of_pac"]

DOCUMENT_RULES: Final[tuple[Rule, ...]] = (*header.RULES, *receiver.RULES, *global_.RULES, cfdi140225)


def check(
    invoice: Invoice,
    totals: Totals | None,
    *,
    catalogs: Catalogs,
    today: date,
    now: datetime | None = None,
    certificate_valid: tuple[datetime, datetime] | None = None,
    reference_rate: Micro | None = None,
) -> list[Finding]:
    """Everything the SAT matrix says against an invoice of type I or E, refusals first, at most 50.

    ``totals`` None: the amounts could not be computed, only the rest is checked. ``today`` and ``now`` are in local
    time of the place of issue; without ``now`` the date is checked to the day. ``certificate_valid``: first and last
    instant of the CSD in the same local time. ``reference_rate``: pesos of one unit of the currency, for a warning.
    """
    facts = facts_of(
        invoice, catalogs, today, now=now, certificate_valid=certificate_valid, reference_rate=reference_rate
    )
    found = list(_findings(facts))
    if totals is not None:
        found += check_totals(totals)
    if found:
        found.sort(key=_weight)
    return found[:MAX_FINDINGS]


def _findings(facts: Facts) -> Iterator[Finding]:
    for rule in DOCUMENT_RULES:
        if (finding := rule(facts)) is not None:
            yield finding
    yield from cfdi40137(facts)
    yield from check_texts(facts)
    yield from check_lines(facts)


def _weight(finding: Finding) -> bool:
    return finding.level is Level.WARN
