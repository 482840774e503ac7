"""Apply a finding's proposed value to the model, as the caller would to the request."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from timbra.cfdi.model import Factor, GlobalInfo, Invoice, Line, LineTax, Micro, Rate, Tax
from timbra.cfdi.rules import Finding

HEADER = {
    "payment_form": "payment_form",
    "payment_method": "payment_method",
    "currency": "currency",
    "exports": "exports",
    "series": "series",
    "payment_conditions": "conditions",
}
RECEIVER = {
    "client.tax_id": "rfc",
    "client.legal_name": "name",
    "client.address.zip": "zip",
    "client.tax_system": "regime",
    "use": "use",
}
GLOBAL = {"global.periodicity": "periodicity", "global.months": "months", "global.year": "year"}
THIRD_PARTY = {"tax_id": "rfc", "legal_name": "name", "tax_system": "regime", "zip": "zip"}
AMOUNTS = {"discount", "unit_price"}


def as_micro(value: Any) -> Micro:
    return Micro(int(Decimal(value) * 1_000_000))


def apply_fix(invoice: Invoice, finding: Finding) -> Invoice:  # noqa: PLR0911
    path, fix = finding.path, finding.fix
    if path in HEADER:
        return replace(invoice, **{HEADER[path]: fix})
    if path == "exchange_rate":
        return replace(invoice, exchange_rate=as_micro(fix))
    if path == "date":
        return replace(invoice, issued_at=datetime.fromisoformat(str(fix)))
    if path == "global":
        return replace(invoice, global_info=GlobalInfo(**fix))
    if path in GLOBAL:
        return replace(invoice, global_info=replace(invoice.global_info, **{GLOBAL[path]: fix}))
    if path == "client.address.country":
        assert fix == "MEX"  # a Mexican receiver has neither residence nor foreign id
        return replace(invoice, receiver=replace(invoice.receiver, residence=None, foreign_id=None))
    if path == "client.tax_id" and invoice.receiver.foreign_id is not None:
        return replace(invoice, receiver=replace(invoice.receiver, foreign_id=fix))
    if path in RECEIVER:
        return replace(invoice, receiver=replace(invoice.receiver, **{RECEIVER[path]: fix}))
    if found := re.fullmatch(r"related_documents\[(\d+)\]\.relationship", path):
        relations = list(invoice.relations)
        relations[int(found[1])] = replace(relations[int(found[1])], relationship=fix)
        return replace(invoice, relations=tuple(relations))
    found = re.fullmatch(r"items\[(\d+)\]\.(.+)", path)
    assert found, path
    lines = list(invoice.lines)
    lines[int(found[1])] = fixed_line(lines[int(found[1])], found[2], fix)
    return replace(invoice, lines=tuple(lines))


def fixed_line(line: Line, key: str, fix: Any) -> Line:
    if key in AMOUNTS:
        return replace(line, **{key: as_micro(fix)})
    if key.startswith("third_party."):
        party = replace(line.third_party, **{THIRD_PARTY[key.removeprefix("third_party.")]: fix})
        return replace(line, third_party=party)
    if key == "taxes":
        return replace(line, taxes=tuple(map(sent_tax, fix)))
    if found := re.fullmatch(r"taxes\[(\d+)\]\.(\w+)", key):
        taxes = list(line.taxes)
        taxes[int(found[1])] = fixed_tax(taxes[int(found[1])], found[2], fix)
        return replace(line, taxes=tuple(taxes))
    return replace(line, **{key: fix})


def fixed_tax(tax: LineTax, key: str, fix: Any) -> LineTax:
    if key == "rate":
        return replace(tax, rate=Rate(as_micro(fix)))
    if key == "factor":
        return replace(tax, factor=Factor(fix))
    return replace(tax, withheld=fix)


def sent_tax(sent: dict[str, Any]) -> LineTax:
    rate = Rate(as_micro(sent["rate"]))
    return LineTax(Tax[sent["type"]], Factor(sent["factor"]), rate, sent["withholding"], sent["inclusive"])
