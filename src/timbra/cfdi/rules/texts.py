"""Texts that reach the XML: no ``|``, no control characters, no lone surrogates (Anexo 20 patterns, XML 1.0)."""

from collections.abc import Iterator

from timbra.cfdi.model import Invoice, Line
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.text import has_forbidden, refuse_reason

FORMAT = "format"

Texts = Iterator[tuple[str, str | None]]


def _header(invoice: Invoice) -> Texts:
    yield "series", invoice.series
    yield "payment_conditions", invoice.conditions
    yield "confirmation", invoice.confirmation
    yield "team.legal_name", invoice.issuer.name
    yield "client.legal_name", invoice.receiver.name
    yield "client.tax_id", invoice.receiver.foreign_id
    for index, tax in enumerate(invoice.local_taxes):
        yield f"local_taxes[{index}].name", tax.name


def _line(line: Line, at: str) -> Texts:
    yield f"{at}.description", line.description
    yield f"{at}.unit_name", line.unit_name
    yield f"{at}.sku", line.sku
    yield f"{at}.property_tax_account", line.property_tax_account
    if (party := line.third_party) is not None:
        yield f"{at}.third_party.legal_name", party.name
    if (fuel := line.hydrocarbons) is not None:
        at = f"{at}.item_complement.hydrocarbons"
        yield f"{at}.permit_type", fuel.permit_type
        yield f"{at}.permit_number", fuel.permit_number
        yield f"{at}.fuel_code", fuel.fuel_code
        yield f"{at}.fuel_sub_product", fuel.fuel_sub_product


def check_texts(facts: Facts) -> Iterator[Finding]:
    """Findings of every text, in order. One search over all lines settles the ordinary document."""
    invoice = facts.invoice
    yield from _findings(_header(invoice))
    if not has_forbidden("".join([_usual_texts(line) for line in invoice.lines])):
        lines = ((index, line) for index, line in enumerate(invoice.lines) if _has_rare_texts(line))
    else:
        lines = ((index, line) for index, line in enumerate(invoice.lines))
    for index, line in lines:
        yield from _findings(_line(line, f"items[{index}]"))


def _usual_texts(line: Line) -> str:
    return f"{line.description}{line.unit_name}{line.sku}"  # an absent text prints as None, which is harmless


def _has_rare_texts(line: Line) -> bool:
    return line.property_tax_account is not None or line.third_party is not None or line.hydrocarbons is not None


def _findings(texts: Texts) -> Iterator[Finding]:
    for path, text in texts:
        if text is not None and (refusal := refuse_reason(text)) is not None:
            yield Finding(FORMAT, path, refusal.reason, refusal.fix)
