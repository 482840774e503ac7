"""Rules that only a written document can break: its attributes for its type, and its header amounts as written."""

import re
from collections.abc import Iterator
from typing import Final

from timbra.cfdi.codes import DOCUMENT_TYPES
from timbra.cfdi.codes_currencies import NO_CURRENCY
from timbra.cfdi.money import decimals_of, round_to
from timbra.cfdi.read_values import ReadCfdi
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount, moment
from timbra.cfdi.rules.header import PESO

_EXCHANGE_RATE: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,6})?")
_WITHOUT_MONEY: Final = ("T", "P")


def check_attributes(document: ReadCfdi) -> Iterator[Finding]:
    """Attributes against the document's type and currency."""
    kind, currency, rate = document.kind, document.currency, document.exchange_rate
    if moment(document.issued_at) is None:
        yield Finding("CFDI40101", "date", "does not have the form of SAT's date")
    if kind not in DOCUMENT_TYPES:
        yield ours("CFDI40121", f"type {kind}")
    if kind in ("T", "N", "P") and document.payment_form is not None:
        yield Finding("CFDI40103", "payment_form", f"must be absent in type {kind}")
    if kind in _WITHOUT_MONEY and document.payment_method is not None:
        yield Finding("CFDI40125", "payment_method", f"must be absent in type {kind}")
    if kind in _WITHOUT_MONEY and document.taxes is not None:
        yield ours("CFDI40201", f"taxes in type {kind}")
    if rate is None:
        if currency not in (PESO, NO_CURRENCY):
            yield Finding("CFDI40115", "exchange_rate", f"is required in {currency}")
    elif currency == NO_CURRENCY:
        yield Finding("CFDI40116", "exchange_rate", "must be absent with currency XXX")
    elif _EXCHANGE_RATE.fullmatch(rate) is None:
        yield Finding("CFDI40117", "exchange_rate", "does not have the form of an exchange rate")


def check_amounts(document: ReadCfdi, decimals: int) -> Iterator[Finding]:
    """Subtotal, discount and total as written; decimals: of the currency."""
    yield from _check_subtotal(document, decimals)
    yield from _check_discount(document, decimals)
    yield from _check_total(document)


def _check_subtotal(document: ReadCfdi, decimals: int) -> Iterator[Finding]:
    subtotal = amount(document.subtotal) or 0
    if decimals_of(document.subtotal) > decimals:
        yield ours("CFDI40107", f"subtotal {document.subtotal} has more than {decimals} decimals")
    if document.kind in _WITHOUT_MONEY:
        if subtotal:
            yield ours("CFDI40109", f"subtotal {document.subtotal} in type {document.kind}")
        return
    lines = sum(amount(line.amount) or 0 for line in document.lines)
    if subtotal != round_to(lines, decimals):
        yield ours("CFDI40108", f"subtotal {document.subtotal} is not the rounded sum of the lines")


def _check_discount(document: ReadCfdi, decimals: int) -> Iterator[Finding]:
    discounts = [amount(line.discount) or 0 for line in document.lines if line.discount is not None]
    if document.discount is None:
        if discounts:
            yield ours("CFDI40111", "lines have discounts and the document has none")
        return
    discount = amount(document.discount) or 0
    if discount > (amount(document.subtotal) or 0):
        yield ours("CFDI40110", f"discount {document.discount} exceeds subtotal {document.subtotal}")
    if document.kind in _WITHOUT_MONEY or not discounts or discount != round_to(sum(discounts), decimals):
        yield ours("CFDI40111", f"discount {document.discount} is not the rounded sum of the lines")
    if decimals_of(document.discount) > decimals:
        yield ours("CFDI40112", f"discount {document.discount} has more than {decimals} decimals")


def _check_total(document: ReadCfdi) -> Iterator[Finding]:
    taxes = document.taxes
    total = (amount(document.subtotal) or 0) - (amount(document.discount) or 0)
    if taxes is not None:
        total += (amount(taxes.transferred_total) or 0) - (amount(taxes.withheld_total) or 0)
    for local in document.local_taxes:
        total += (-1 if local.withheld else 1) * (amount(local.amount) or 0)
    if amount(document.total) != total:
        yield ours("CFDI40119", f"total {document.total} is not subtotal - discount + taxes - withheld taxes")
