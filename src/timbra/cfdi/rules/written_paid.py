"""Rules over the invoices that a written payment pays: balances, equivalence, and the taxes of each of them."""

import re
from collections.abc import Iterator
from typing import Final

from timbra.cfdi.codes import TAX_OBJECTS, TAXES
from timbra.cfdi.codes_currencies import NO_CURRENCY, currency_decimals
from timbra.cfdi.codes_rates import rate_allowed
from timbra.cfdi.limits import tax_limits
from timbra.cfdi.model import Factor, Tax
from timbra.cfdi.money import decimals_of
from timbra.cfdi.payments.equivalence import EQUIVALENCE_DECIMALS, ONE
from timbra.cfdi.read_values import ReadPaidDocument, ReadPayment, ReadTax
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount

_EQUIVALENCE: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,10}))?", re.ASCII)
_WITHOUT_TAXES: Final = frozenset({"01", "03", "04", "05"})
_ONLY_WITHHELD_ISR: Final = frozenset({"06", "08"})
_ONLY_IEPS: Final = "07"
_FACTORS: Final = frozenset(factor.value for factor in Factor)


def equivalence_of(written: str | None) -> int | None:
    """EquivalenciaDR in 10^-10; None when it is absent or no number of at most 10 decimals."""
    found = _EQUIVALENCE.fullmatch(written or "")
    return None if found is None else int(found[1] + (found[2] or "").ljust(EQUIVALENCE_DECIMALS, "0"))


def check_paid(paid: ReadPaidDocument, payment: ReadPayment) -> Iterator[Finding]:
    """Findings of one DoctoRelacionado."""
    yield from _check_currency(paid, payment)
    yield from _check_balance(paid)
    yield from _check_taxability(paid)
    for row in paid.withheld:
        yield from _check_withheld(row)
    for row in paid.transferred:
        yield from _check_transferred(row)


def _check_currency(paid: ReadPaidDocument, payment: ReadPayment) -> Iterator[Finding]:
    e = equivalence_of(paid.equivalence)
    if paid.currency == NO_CURRENCY:
        yield ours("CRP20236", "a paid document in XXX")
    if paid.currency != payment.currency:
        if paid.equivalence is None:
            yield ours("CRP20237", f"no equivalence of {paid.currency} to {payment.currency}")
        return
    mixes = any(other.currency != payment.currency for other in payment.documents)
    if e != ONE:
        yield ours("CRP20238", f"equivalence {paid.equivalence} in one currency")
    elif mixes and decimals_of(paid.equivalence or "") != EQUIVALENCE_DECIMALS:
        yield ours("CRP20277", f"equivalence {paid.equivalence} beside another currency")


def _check_balance(paid: ReadPaidDocument) -> Iterator[Finding]:
    before, applied, after = (amount(text) or 0 for text in (paid.balance_before, paid.paid, paid.balance_after))
    if before <= 0:
        yield Finding("CRP20239", "invoices[].amount", f"{paid.uuid} has no balance")
    if applied <= 0:
        yield Finding("CRP20241", "invoices[].amount", "must be above 0")
    if after < 0 or after != before - applied:
        yield Finding("CRP20244", "invoices[].amount", f"{before - applied} is left of {paid.uuid}, not {after}")
    decimals = currency_decimals(paid.currency)
    for code, text in (("CRP20240", paid.balance_before), ("CRP20242", paid.paid), ("CRP20243", paid.balance_after)):
        if decimals is not None and decimals_of(text) > decimals:
            yield ours(code, f"{text} has more than {decimals} decimals")


def _check_taxability(paid: ReadPaidDocument) -> Iterator[Finding]:
    taxability, has_taxes = paid.taxability, bool(paid.transferred or paid.withheld)
    if taxability not in TAX_OBJECTS:
        yield ours("CRP20245", f"taxability {taxability}")
    if paid.has_tax_node and not has_taxes:
        yield ours("CRP20248", f"{paid.uuid} has a node of taxes without any")
    if taxability == "02" and not paid.has_tax_node:
        yield ours("CRP20246", f"{paid.uuid} has taxability 02 and no taxes")
    if taxability in _WITHOUT_TAXES and paid.has_tax_node:
        yield ours("CRP20247", f"{paid.uuid} has taxability {taxability} and taxes")
    kinds = {row.tax for row in (*paid.transferred, *paid.withheld)}
    if taxability in _ONLY_WITHHELD_ISR and kinds & {Tax.IVA, Tax.IEPS}:
        yield ours("CRP20278", f"{paid.uuid} has taxability {taxability} with IVA or IEPS")
    is_ieps = any(row.tax == Tax.IEPS for row in paid.transferred)
    if taxability == _ONLY_IEPS and (Tax.IVA in kinds or not is_ieps):
        yield ours("CRP20279", f"{paid.uuid} has taxability 07 with IVA or without IEPS")


def _check_withheld(row: ReadTax) -> Iterator[Finding]:
    if (amount(row.base) or 0) <= 0:
        yield ours("CRP20249", f"withheld base {row.base}")
    if row.tax not in TAXES:
        yield ours("CRP20250", f"withheld tax {row.tax}")
    if row.factor not in _FACTORS:
        yield ours("CRP20251", f"factor {row.factor} of a withheld tax")
    elif row.factor == Factor.EXENTO:
        yield ours("CRP20252", "a withheld tax is Exento")
    elif row.tax in TAXES and not _is_legal(row, withheld=True):
        yield ours("CRP20253", f"{row.rate} is not a legal rate")
    yield from _check_limits("CRP20254", row)


def _check_transferred(row: ReadTax) -> Iterator[Finding]:
    if (amount(row.base) or 0) <= 0:
        yield ours("CRP20255", f"transferred base {row.base}")
    if row.tax not in TAXES:
        yield ours("CRP20256", f"transferred tax {row.tax}")
    if row.factor not in _FACTORS:
        yield ours("CRP20257", f"factor {row.factor} of a transferred tax")
    elif row.factor == Factor.EXENTO:
        if row.rate is not None or row.amount is not None:
            yield ours("CRP20258", "an exempt row has a rate or an amount")
    elif row.rate is None or row.amount is None:
        yield ours("CRP20259", "a row has no rate or no amount")
    elif row.tax in TAXES and not _is_legal(row, withheld=False):
        yield ours("CRP20260", f"{row.rate} is not a legal rate")
    yield from _check_limits("CRP20261", row)


def _is_legal(row: ReadTax, *, withheld: bool) -> bool:
    rate = amount(row.rate)
    return rate is not None and rate_allowed(row.tax, row.factor or "", withheld=withheld, rate_micro=rate)


def _check_limits(code: str, row: ReadTax) -> Iterator[Finding]:
    """At the decimals of ImporteDR as written."""
    written = amount(row.amount)
    if written is None or amount(row.base) is None or amount(row.rate) is None or row.factor == Factor.EXENTO:
        return
    low, high = tax_limits(row.base or "", row.rate or "", decimals_of(row.amount or ""))
    if not low <= written <= high:
        yield ours(code, f"{row.amount} is not {row.base} x {row.rate}")
