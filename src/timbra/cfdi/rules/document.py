"""SAT's matrix over a written document, as a PAC runs it. Seal, certificate and schema are checked elsewhere."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.codes_currencies import currency_decimals
from timbra.cfdi.read import read_cfdi
from timbra.cfdi.read_values import ReadCfdi
from timbra.cfdi.rules import global_, header, receiver
from timbra.cfdi.rules.facts import Facts, facts_of
from timbra.cfdi.rules.finding import MAX_FINDINGS, Finding, Level
from timbra.cfdi.rules.from_read import invoice_of
from timbra.cfdi.rules.header import Rule, pac401, pac403
from timbra.cfdi.rules.register import check_receiver
from timbra.cfdi.rules.relations import cfdi40137
from timbra.cfdi.rules.resico import cfdi140225
from timbra.cfdi.rules.written_header import check_amounts, check_attributes
from timbra.cfdi.rules.written_lines import check_lines
from timbra.cfdi.rules.written_payments import check_payments
from timbra.cfdi.rules.written_taxes import check_taxes
from timbra.cfdi.test_taxpayers import Register

DEFAULT_DECIMALS: Final = 2  # of a currency SAT does not know, which has a finding of its own

# Whether the date is good depends on the moment of stamping, which the PAC compares by itself.
RULES: Final[tuple[Rule, ...]] = (
    *(rule for rule in header.RULES if rule not in (pac401, pac403)),
    *receiver.RULES,
    *global_.RULES,
    cfdi140225,
)


def check_document(
    document: etree._Element | ReadCfdi, *, catalogs: Catalogs, register: Register | None = None
) -> list[Finding]:
    """Everything the matrix says against a CFDI 4.0 of type I, E, T or P, refusals first, at most 50.

    Codes are in force on the document's own day. ``register``: taxpayers whose names and zips are known. Raises
    XmlRefused for what is not a CFDI 4.0.
    """
    read = document if isinstance(document, ReadCfdi) else read_cfdi(document)
    invoice = invoice_of(read)
    facts = facts_of(invoice, catalogs, invoice.issued_at.date())
    found = list(_findings(read, facts))
    if register is not None:
        found += check_receiver(invoice.receiver, register)
    found.sort(key=lambda finding: finding.level is Level.WARN)
    return found[:MAX_FINDINGS]


def _findings(document: ReadCfdi, facts: Facts) -> Iterator[Finding]:
    decimals = currency_decimals(document.currency)
    if decimals is None:
        decimals = DEFAULT_DECIMALS
    yield from check_attributes(document)
    yield from (finding for rule in RULES if (finding := rule(facts)) is not None)
    yield from cfdi40137(facts)
    yield from check_amounts(document, decimals)
    yield from check_lines(document, facts, decimals)
    yield from check_taxes(document, decimals)
    if document.kind == "P" or document.payments:
        yield from check_payments(document)
