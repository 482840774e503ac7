"""The page of a payment complement: the invoices that were paid take the place of the lines, the money that of the total."""

from typing import Any

from timbra.cfdi.pdf.figures import figure, moment, printable
from timbra.cfdi.pdf.sheet_lines import SEPARATOR, row_widths
from timbra.cfdi.pdf.wording import Wording
from timbra.cfdi.read_values import ReadCfdi, ReadPaidDocument, ReadPayment

PESO = "MXN"
HEAD_WIDTH = 68.0  # points of the longest head, "SALDO INSOLUTO"

Row = tuple[str, str]


def labels_of(wording: Wording) -> dict[str, str]:
    """The page's labels with other heads for the table."""
    labels = wording.labels
    heads = {"quantity": "installment", "unit": "currency", "description": "paid_document"}
    return {**labels, **{name: labels[of] for name, of in heads.items()}}


def table(payments: tuple[ReadPayment, ...], wording: Wording) -> dict[str, Any]:
    """One row per paid invoice: its instalment, its currency, what it is, and its balances."""
    labels = wording.labels
    rows = [_row(paid, wording) for payment in payments for paid in payment.documents]
    if rows:
        rows[-1]["last"] = True
    heads = [labels["balance_before"], labels["paid"], labels["balance_after"]]
    first, *others = row_widths(rows, len(heads))
    return {"money": heads, "widths": [first, *(max(width, HEAD_WIDTH) for width in others)], "rows": rows}


def _row(paid: ReadPaidDocument, wording: Wording) -> dict[str, Any]:
    number = "-".join(part for part in (paid.series, paid.folio) if part)
    details = "\n".join(_details(paid, wording, is_named=bool(number)))
    return {
        "quantity": paid.installment,
        "unit": paid.currency,
        "description": printable(number) or paid.uuid,
        "details": details,
        "money": [figure(paid.balance_before), figure(paid.paid), figure(paid.balance_after)],
        "breakable": False,
        "last": False,
    }


def _details(paid: ReadPaidDocument, wording: Wording, *, is_named: bool) -> list[str]:
    labels = wording.labels
    has_taxes = bool(paid.transferred or paid.withheld)
    about = []
    if paid.equivalence and paid.equivalence.strip("0.") != "1":
        about.append(f"{labels['equivalence']} {figure(paid.equivalence, 0)}")
    taxability = paid.taxability if has_taxes else wording.coded("c_ObjetoImp", paid.taxability)
    about.append(f"{labels['taxability']} {taxability}")
    taxes = [_tax(row, wording, withheld=True) for row in paid.withheld]
    taxes += [_tax(row, wording, withheld=False) for row in paid.transferred]
    return [*([paid.uuid] if is_named else []), SEPARATOR.join(about), *taxes]


def _tax(row: Any, wording: Wording, *, withheld: bool) -> str:
    return f"{wording.line_tax(row, withheld=withheld)} {wording.labels['over']} {figure(row.base or '0')}"


def totals(cfdi: ReadCfdi, wording: Wording) -> list[tuple[str, str, str]]:
    """Rows (label, remark, amount): the taxes within the money, and what it is in pesos."""
    rows = []
    for payment in cfdi.payments:
        rows += [wording.tax_total(tax, withheld=False) for tax in payment.transferred]
        rows += [wording.tax_total(tax, withheld=True) for tax in payment.withheld]
    if any(payment.currency != PESO for payment in cfdi.payments):
        rows.append((f"{wording.labels['total']} {PESO}", "", figure(cfdi.payment_totals.get("MontoTotalPagos", ""))))
    return rows


def total(cfdi: ReadCfdi, wording: Wording) -> tuple[str, str, str]:
    """Label, amount and currency of the money: of the one payment, or of all of them in pesos."""
    label = wording.labels["paid_total"]
    if len(cfdi.payments) == 1:
        return label, cfdi.payments[0].amount, cfdi.payments[0].currency
    return label, cfdi.payment_totals.get("MontoTotalPagos", "0"), PESO


def terms(cfdi: ReadCfdi, wording: Wording) -> list[Row]:
    """How and when the money came."""
    rows = [row for payment in cfdi.payments for row in _payment(payment, wording)]
    return [*rows, (wording.labels["exports"], wording.coded("c_Exportacion", cfdi.exports))]


def _payment(payment: ReadPayment, wording: Wording) -> list[Row]:
    labels = wording.labels
    is_foreign = payment.currency != PESO
    banks = " ".join(part for part in (payment.payer_bank_rfc, payment.payer_bank_name) if part)
    rows = [
        (labels["paid_at"], moment(payment.paid_at, wording.language)),
        (labels["payment_form"], wording.coded("c_FormaPago", payment.form)),
        (labels["currency"], wording.coded("c_Moneda", payment.currency)),
        (labels["exchange_rate"], f"{figure(payment.exchange_rate or '', 4)} {PESO}" if is_foreign else ""),
        (labels["operation"], printable(payment.operation or "")),
        (labels["payer_bank"], printable(banks)),
        (labels["payer_account"], printable(payment.payer_account or "")),
        (labels["payee_bank"], payment.payee_bank_rfc or ""),
        (labels["payee_account"], printable(payment.payee_account or "")),
    ]
    return [row for row in rows if row[1]]


def prescribed_line(cfdi: ReadCfdi, wording: Wording) -> list[Row]:
    """The line without money that the document has to have."""
    return [
        (
            wording.labels["concept"],
            SEPARATOR.join(
                (
                    line.product_key,
                    f"{figure(line.quantity, 0)} {line.unit_key}",
                    printable(line.description),
                    line.amount,
                )
            ),
        )
        for line in cfdi.lines
    ]
