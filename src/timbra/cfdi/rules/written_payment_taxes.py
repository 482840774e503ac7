"""Rules over the taxes of a written payment (ImpuestosP) and over Totales in pesos."""

from collections.abc import Iterator
from typing import Final

from timbra.cfdi.codes import TAXES
from timbra.cfdi.codes_rates import rate_allowed
from timbra.cfdi.model import MICRO, Factor, Micro, Tax
from timbra.cfdi.money import decimals_of, half_up
from timbra.cfdi.payments.equivalence import ONE, Ratio, converted, rounded
from timbra.cfdi.read_values import ReadCfdi, ReadPaidDocument, ReadPayment, ReadTax
from timbra.cfdi.rules.finding import Finding, ours
from timbra.cfdi.rules.from_read import amount
from timbra.cfdi.rules.written_paid import equivalence_of

_CENT: Final = MICRO // 100

Key = tuple[str, str, int]


def check_payment_taxes(payment: ReadPayment) -> Iterator[Finding]:
    """Findings of ImpuestosP: one row per tax, equal to the sum over the documents in the payment's currency."""
    yield from _check_withheld(payment)
    yield from _check_transferred(payment)


def _e(document: ReadPaidDocument) -> int:
    """What the document's amounts are divided by; an absent equivalence has a code of its own."""
    return equivalence_of(document.equivalence) or ONE


def _is_sum(written: str | None, exact: Ratio) -> bool:
    """The value as written is the sum, rounded at its own decimals."""
    return amount(written) == rounded(exact, min(decimals_of(written or ""), 6))


def _check_withheld(payment: ReadPayment) -> Iterator[Finding]:
    kinds = [row.tax for row in payment.withheld]
    if len(set(kinds)) != len(kinds):
        yield ours("CRP20263", "a withheld tax in two rows")
    parts: dict[str, list[tuple[int, int]]] = {}
    for document in payment.documents:
        for row in document.withheld:
            parts.setdefault(row.tax, []).append((amount(row.amount) or 0, _e(document)))
    for row in payment.withheld:
        if row.tax not in TAXES:
            yield ours("CRP20262", f"withheld tax {row.tax}")
        if not _is_sum(row.amount, converted(parts.get(row.tax, ()))):
            yield ours("CRP20265", f"withheld {row.tax} {row.amount} is not the sum over the documents")
    if parts.keys() - set(kinds):
        yield ours("CRP20265", "a withheld tax of the documents is missing in the payment")


def _key(row: ReadTax) -> Key:
    rate = 0 if row.factor == Factor.EXENTO else amount(row.rate) or 0
    return row.tax, row.factor or "", rate


def _check_transferred(payment: ReadPayment) -> Iterator[Finding]:
    keys = [_key(row) for row in payment.transferred]
    if len(set(keys)) != len(keys):
        yield ours("CRP20271", "tax, factor and rate in two rows")
    bases: dict[Key, list[tuple[int, int]]] = {}
    amounts: dict[Key, list[tuple[int, int]]] = {}
    for document in payment.documents:
        for row in document.transferred:
            bases.setdefault(_key(row), []).append((amount(row.base) or 0, _e(document)))
            amounts.setdefault(_key(row), []).append((amount(row.amount) or 0, _e(document)))
    for row in payment.transferred:
        yield from _check_row(row, converted(bases.get(_key(row), ())), converted(amounts.get(_key(row), ())))
    if bases.keys() - set(keys):
        yield ours("CRP20268", "a transferred tax of the documents is missing in the payment")


def _check_row(row: ReadTax, base: Ratio, charged: Ratio) -> Iterator[Finding]:
    tax, factor, rate = _key(row)
    is_exempt = factor == Factor.EXENTO
    if tax not in TAXES:
        yield ours("CRP20270", f"transferred tax {tax}")
    elif not is_exempt and not rate_allowed(tax, factor, withheld=False, rate_micro=rate):
        yield ours("CRP20272", f"{row.rate} is not a legal rate")
    if not _is_sum(row.base, base):
        code = "CRP20269" if is_exempt else "CRP20268"
        yield ours(code, f"base {row.base} of {tax} is not the sum over the documents")
    if is_exempt:
        if row.rate is not None or row.amount is not None:
            yield ours("CRP20266", "an exempt row has a rate or an amount")
    elif not _is_sum(row.amount, charged):
        yield ours("CRP20274", f"amount {row.amount} of {tax} is not the sum over the documents")


# --- Totales -------------------------------------------------------------------------------------------------------

_WITHHELD_TOTALS: Final = {
    "001": ("CRP20202", "TotalRetencionesISR"),
    "002": ("CRP20201", "TotalRetencionesIVA"),
    "003": ("CRP20203", "TotalRetencionesIEPS"),
}
_TRANSFERRED_TOTALS: Final[dict[tuple[str, int | None], tuple[tuple[str, str, bool], ...]]] = {
    ("002", 160_000): (
        ("CRP20204", "TotalTrasladosBaseIVA16", True),
        ("CRP20205", "TotalTrasladosImpuestoIVA16", False),
    ),
    ("002", 80_000): (
        ("CRP20206", "TotalTrasladosBaseIVA8", True),
        ("CRP20207", "TotalTrasladosImpuestoIVA8", False),
    ),
    ("002", 0): (
        ("CRP20208", "TotalTrasladosBaseIVA0", True),
        ("CRP20209", "TotalTrasladosImpuestoIVA0", False),
    ),
    ("002", None): (("CRP20210", "TotalTrasladosBaseIVAExento", True),),
}
_CODES: Final = {
    "MontoTotalPagos": "CRP20211",
    **{name: code for code, name in _WITHHELD_TOTALS.values()},
    **{name: code for rows in _TRANSFERRED_TOTALS.values() for code, name, _ in rows},
}


def check_totals(document: ReadCfdi) -> Iterator[Finding]:
    """Totales are the rounded sums in pesos over all payments, and each one that is due is there."""
    due = _due(document)
    for name, code in _CODES.items():
        written = document.payment_totals.get(name)
        if (amount(written) or 0) != due.get(name, 0) or (written is None and name in due):
            yield ours(code, f"{name} {written} is not the rounded sum over the payments")
    yield from _check_presence(document)


def _check_presence(document: ReadCfdi) -> Iterator[Finding]:
    """Which totals must be there at all (CRP20264, CRP20267, CRP20273)."""
    written = document.payment_totals
    names = {name for _, name in _WITHHELD_TOTALS.values()}
    if any(payment.withheld for payment in document.payments) and not names & written.keys():
        yield ours("CRP20264", "withheld taxes without any total")
    iva = [row for payment in document.payments for row in payment.transferred if row.tax == Tax.IVA]
    of_rows = {name: is_base for rows in _TRANSFERRED_TOTALS.values() for _, name, is_base in rows}
    if iva and not any(is_base and name in written for name, is_base in of_rows.items()):
        yield ours("CRP20267", "transferred IVA without the total of any base")
    is_charged = any(row.factor != Factor.EXENTO for row in iva)
    if is_charged and not any(not is_base and name in written for name, is_base in of_rows.items()):
        yield ours("CRP20273", "transferred IVA without the total of any amount")


def _in_pesos(value: Micro | None, payment: ReadPayment) -> int:
    """In 10^-12, exact; an absent exchange rate counts as 1, its absence has a code of its own."""
    return (value or 0) * (amount(payment.exchange_rate) or MICRO)


def _due(document: ReadCfdi) -> dict[str, int]:
    sums: dict[str, int] = {}
    for payment in document.payments:
        rows = [("MontoTotalPagos", amount(payment.amount))]
        rows += [(_WITHHELD_TOTALS[row.tax][1], amount(row.amount)) for row in payment.withheld if row.tax in TAXES]
        for row in payment.transferred:
            rate = None if row.factor == Factor.EXENTO else amount(row.rate)
            for _, name, is_base in _TRANSFERRED_TOTALS.get((row.tax, rate), ()):
                rows.append((name, amount(row.base if is_base else row.amount)))
        for name, value in rows:
            sums[name] = sums.get(name, 0) + _in_pesos(value, payment)
    return {name: half_up(exact, MICRO * _CENT) * _CENT for name, exact in sums.items()}
