"""A view laid out as words: the one JSON the template prints, with every label and figure in its language.

The template decides places and sizes only; it never sees a SAT code it would have to understand.
"""

from decimal import Decimal
from typing import Any

from timbra.cfdi.pdf import sheet_payments
from timbra.cfdi.pdf.brand import Brand
from timbra.cfdi.pdf.figures import figure, moment, negative, printable, wrapped
from timbra.cfdi.pdf.labels import CANCELED, LEGEND, NOT_VALID
from timbra.cfdi.pdf.qr import svg
from timbra.cfdi.pdf.sheet_lines import SEPARATOR, table
from timbra.cfdi.pdf.view import View
from timbra.cfdi.pdf.wording import Wording
from timbra.cfdi.pdf.words import LIMIT, Language, amount_in_words
from timbra.cfdi.read_values import ReadCfdi, ReadLocalTax

SEAL_WIDTH = 126  # characters of a seal in one line beside the QR

Row = tuple[str, str]


def sheet(
    view: View, *, language: Language, brand: Brand, test_mode: bool, canceled: bool, notes: str | None
) -> dict[str, Any]:
    """The whole page's content; the keys are the template's."""
    cfdi, wording = view.cfdi, Wording(language, view.texts)
    labels = wording.labels
    marks = [NOT_VALID] if test_mode or view.timbre is None else []
    return {
        "lang": language,
        "labels": sheet_payments.labels_of(wording) if cfdi.payments else labels,
        "brand": _brand(brand, cfdi.issuer.name),
        "title": labels.get(f"title.{cfdi.kind}", labels["document"]),
        "number": printable("-".join(part for part in (cfdi.series, cfdi.folio) if part)),
        "marks": marks + ([CANCELED] if canceled else []),
        "legend": LEGEND,
        "uuid": view.timbre.uuid if view.timbre else "",
        "issuer": _issuer(cfdi, wording),
        "receiver": _receiver(cfdi, wording),
        "facts": _facts(view, wording),
        **_money(cfdi, wording),
        "notes": [printable(part) for part in (notes or "").splitlines()],
        "stamp": _stamp(view, wording),
    }


def _money(cfdi: ReadCfdi, wording: Wording) -> dict[str, Any]:
    """What was sold and for how much, or what was paid."""
    labels, language = wording.labels, wording.language
    if cfdi.payments:
        label, amount, currency = sheet_payments.total(cfdi, wording)
        return {
            "table": sheet_payments.table(cfdi.payments, wording),
            "totals": sheet_payments.totals(cfdi, wording),
            "total": [label, f"{figure(amount)} {currency}"],
            "words": _in_words(amount, currency, language),
            "terms": sheet_payments.terms(cfdi, wording),
            "sections": [*sheet_payments.prescribed_line(cfdi, wording), *_sections(cfdi, wording)],
        }
    return {
        "table": table(cfdi.lines, wording),
        "totals": _totals(cfdi, wording),
        "total": [labels["total"], f"{figure(cfdi.total)} {cfdi.currency}"],
        "words": _in_words(cfdi.total, cfdi.currency, language),
        "terms": _terms(cfdi, wording),
        "sections": _sections(cfdi, wording),
    }


def _brand(brand: Brand, issuer_name: str) -> dict[str, Any]:
    return {
        "accent": brand.accent,
        "second": brand.second,
        "ink": brand.ink,
        "logo": brand.logo(),
        "alias": printable(brand.alias or issuer_name),
        "contact": [printable(line) for line in brand.contact],
    }


def _issuer(cfdi: ReadCfdi, wording: Wording) -> dict[str, Any]:
    labels, issuer = wording.labels, cfdi.issuer
    rows = [(labels["regime"], wording.coded("c_RegimenFiscal", issuer.regime)), (labels["zip"], cfdi.zip)]
    return {"name": printable(issuer.name), "rfc": issuer.rfc, "rows": rows}


def _receiver(cfdi: ReadCfdi, wording: Wording) -> dict[str, Any]:
    labels, receiver = wording.labels, cfdi.receiver
    rows: list[Row] = [
        (labels["regime"], wording.coded("c_RegimenFiscal", receiver.regime)),
        (labels["zip"], receiver.zip),
        (labels["use"], wording.coded("c_UsoCFDI", receiver.use)),
    ]
    if receiver.residence:
        rows.append((labels["residence"], wording.coded("c_Pais", receiver.residence)))
    if receiver.foreign_id:
        rows.append((labels["foreign_id"], printable(receiver.foreign_id)))
    return {"name": printable(receiver.name), "rfc": receiver.rfc, "rows": rows}


def _facts(view: View, wording: Wording) -> list[Row]:
    cfdi, timbre, labels = view.cfdi, view.timbre, wording.labels
    rows = [
        (labels["kind"], wording.coded("c_TipoDeComprobante", cfdi.kind)),
        (labels["issued"], moment(cfdi.issued_at, wording.language)),
        (labels["stamped"], moment(timbre.stamped_at, wording.language) if timbre else ""),
        (labels["place"], cfdi.zip),
        (labels["certificate"], cfdi.certificate_number),
        (labels["sat_certificate"], timbre.certificate_number_sat if timbre else ""),
        (labels["pac"], timbre.rfc_pac if timbre else ""),
        (labels["confirmation"], cfdi.confirmation or ""),
    ]
    return [row for row in rows if row[1]]


def _totals(cfdi: ReadCfdi, wording: Wording) -> list[tuple[str, str, str]]:
    """Rows (label, remark, amount) from the subtotal to the last tax."""
    rows = [(wording.labels["subtotal"], "", figure(cfdi.subtotal))]
    if cfdi.discount:
        rows.append((wording.labels["discount"], "", negative(cfdi.discount)))
    if cfdi.taxes:
        rows += [wording.tax_total(tax, withheld=False) for tax in cfdi.taxes.transferred]
        rows += [wording.tax_total(tax, withheld=True) for tax in cfdi.taxes.withheld]
    return rows + [_local_total(tax, wording) for tax in sorted(cfdi.local_taxes, key=lambda tax: tax.withheld)]


def _local_total(tax: ReadLocalTax, wording: Wording) -> tuple[str, str, str]:
    name = f"{printable(tax.name)} {figure(tax.rate, 0)}%"
    if tax.withheld:
        return f"{wording.labels['withheld']} {name}", "", negative(tax.amount)
    return name, "", figure(tax.amount)


def _in_words(total: str, currency: str, language: Language) -> str:
    """The total in words; empty for the documents without currency (T, N) and for what is no amount."""
    whole, _, decimals = total.partition(".")
    if currency == "XXX" or not (whole + decimals).isdecimal() or int(whole or "0") >= LIMIT:
        return ""
    return amount_in_words(Decimal(total), currency, language)


def _terms(cfdi: ReadCfdi, wording: Wording) -> list[Row]:
    labels = wording.labels
    rows: list[Row] = []
    if cfdi.payment_method:
        rows.append((labels["payment_method"], wording.coded("c_MetodoPago", cfdi.payment_method)))
    if cfdi.payment_form:
        rows.append((labels["payment_form"], wording.coded("c_FormaPago", cfdi.payment_form)))
    if cfdi.conditions:
        rows.append((labels["conditions"], printable(cfdi.conditions)))
    rows.append((labels["currency"], wording.coded("c_Moneda", cfdi.currency)))
    if cfdi.exchange_rate and cfdi.currency != "MXN":
        rows.append((labels["exchange_rate"], f"{figure(cfdi.exchange_rate, 4)} MXN"))
    rows.append((labels["exports"], wording.coded("c_Exportacion", cfdi.exports)))
    return rows


def _sections(cfdi: ReadCfdi, wording: Wording) -> list[Row]:
    labels = wording.labels
    rows = [
        (labels["relations"], "\n".join((wording.coded("c_TipoRelacion", group.relationship), *group.uuids)))
        for group in cfdi.relations
    ]
    if cfdi.global_info:
        period = cfdi.global_info
        periodicity = wording.coded("c_Periodicidad", period.periodicity)
        text = SEPARATOR.join((periodicity, wording.coded("c_Meses", period.months), period.year))
        rows.append((labels["global"], text))
    return rows


def _stamp(view: View, wording: Wording) -> dict[str, Any] | None:
    labels, timbre = wording.labels, view.timbre
    if timbre is None:
        return None
    seals = [
        (labels["seal"], view.cfdi.sello),
        (labels["sat_seal"], timbre.sello_sat),
        (labels["cadena"], view.cadena),
    ]
    return {
        "qr": svg(view.verification_url),
        "seals": [(name, wrapped(value, SEAL_WIDTH)) for name, value in seals],
        "legend": printable(timbre.leyenda or ""),
    }
